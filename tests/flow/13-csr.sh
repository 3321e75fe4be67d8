#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificate signing requests: every type of key and algorithm, verified and read by openssl; the subjects of schemes
# that are particular about them.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
start_agent a || done_testing

csr() { # KEY BODY: $T/csr
    api POST "/v1/keys/$1/csr" "$2"
    [ "$status" = 200 ] || { echo "$status $body"; return 1; }
    field csr >"$T/csr"
}

text() {
    openssl req -in "$T/csr" -noout -text
}

verified() { # KEY ALGORITHM: the request is good, is of that key and says that algorithm
    local name
    openssl req -in "$T/csr" -verify -noout || return
    openssl req -in "$T/csr" -noout -pubkey | cmp - "$T/$1.pem" || return
    case $2 in
    RS*) name="sha${2:2}WithRSAEncryption" ;;
    PS*) name=rsassaPss ;;
    ES*) name="ecdsa-with-SHA${2:2}" ;;
    Ed25519) name=ED25519 ;;
    esac
    text | grep -A 8 'Signature Algorithm' >"$T/algorithm"
    grep -q "Signature Algorithm: $name" "$T/algorithm" || { cat "$T/algorithm"; return 1; }
    [[ $2 != PS* ]] || {
        grep -qi "Hash Algorithm: sha${2:2}" "$T/algorithm" && grep -qi "mgf1 with sha${2:2}" "$T/algorithm" &&
            grep -qi "Salt Length: 0x$(printf '%x' $((${2:2} / 8)))" "$T/algorithm"
    } || { cat "$T/algorithm"; return 1; }
}

subject_is() { # NAME WANTED
    is "$1" "$(openssl req -in "$T/csr" -noout -subject -nameopt RFC2253,-dn_rev,utf8,-esc_msb)" "subject=$2"
}

for pair in r2:rsa:2048 r4:rsa:4096 p256:ec:p256 p384:ec:p384 p521:ec:p521 ed:ed25519; do
    key=${pair%%:*}
    hsm_agent key create "$key" --type "${pair#*:}" >/dev/null || not_ok "the key $key is made"
    hsm_agent key show "$key" --public pem >"$T/$key.pem"
done

# --- Algorithms

whole() { # KEY ALGORITHM
    csr "$1" "{\"subject\":[{\"CN\":\"x\"}],\"algorithm\":\"$2\"}" && verified "$1" "$2" || return
    [ "$(field key) $(field version) $(field algorithm) $(field token)" = "$1 1 $2 main" ]
}
for alg in RS256 RS384 RS512 PS256 PS384 PS512; do
    succeeds "RSA, $alg" whole r2 $alg
done
for pair in p256:ES256 p384:ES384 p521:ES512 ed:Ed25519; do
    succeeds "${pair#*:}" whole "${pair%:*}" "${pair#*:}"
done
many() {
    local i
    for i in $(seq 25); do
        whole p256 ES256 && whole p521 ES512 || return
    done
}
succeeds 'twenty-five times, however long the signature is' many
for pair in r2:RS256 p256:ES256 p384:ES384 p521:ES512 ed:Ed25519; do
    csr "${pair%:*}" '{"subject":[{"CN":"x"}]}'
    is "without a word the algorithm is ${pair#*:}" "$(field algorithm)" "${pair#*:}"
done

# --- Names and extensions

csr p256 '{"subject":[{"C":"AE"},{"O":"Acme, Inc"},{"OU":"One"},{"OU":"Two"},{"CN":"edge.example"}]}'
subject_is 'the subject has the order of the request' 'C=AE,O=Acme\, Inc,OU=One,OU=Two,CN=edge.example'
csr p256 '{"subject":[{"C":"AE"},{"CN":"x","UID":"7"}]}'
like 'one RDN may have two attributes' "$(openssl req -in "$T/csr" -noout -subject -nameopt RFC2253,-dn_rev)" '*+*'
csr p256 '{"subject":[{"CN":"المنظمة ☃"},{"C":"AE"}]}'
subject_is 'UTF-8 stays UTF-8' 'CN=المنظمة ☃,C=AE'
strings=$(openssl asn1parse -in "$T/csr" | sed -n 's/.*prim: *\(PRINTABLESTRING\|UTF8STRING\).*/\1/p' | tr '\n' ' ')
is 'C is a PrintableString, the rest UTF8String' "$strings" 'UTF8STRING PRINTABLESTRING '
csr p256 '{"subject":[]}'
subject_is 'the subject may be empty' ''

body='{"subject":[{"CN":"x"}],"san":{"dns":["a.example","*.b.example"],"ip":["192.0.2.1","2001:db8::1"],
"uri":["urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],"email":["ops@example.com"]},
"key_usage":["digitalSignature","keyAgreement"],"extended_key_usage":["serverAuth","clientAuth","1.3.6.1.4.1.311.20.2.2"]}'
csr p256 "$body"
succeeds 'a request with everything' verified p256 ES256
all=$(text)
like 'alternative names: DNS' "$all" '*DNS:a.example, DNS:\*.b.example, *'
like 'IP addresses' "$all" '*, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, *'
like 'URIs and mail' "$all" '*, URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6, email:ops@example.com*'
like 'key usage' "$all" '*X509v3 Key Usage: critical*Digital Signature, Key Agreement*'
like 'extended key usage' "$all" '*TLS Web Server Authentication, TLS Web Client Authentication*'

succeeds 'hsm-agent csr makes one' hsm_agent csr p256 --subject 'C=AE,O=Acme\, Inc' --subject CN=edge.example \
    --dns edge.example --ip 192.0.2.1 --uri https://edge.example/x --email ops@example.com --key-usage digitalSignature \
    --ext-key-usage serverAuth --alg ES256 -o "$T/csr"
succeeds 'which is good' verified p256 ES256
subject_is 'with the subject in its order' 'C=AE,O=Acme\, Inc,CN=edge.example'
like 'and the alternative names' "$(text)" \
    '*DNS:edge.example, IP Address:192.0.2.1, URI:https://edge.example/x, email:ops@example.com*'
hsm_agent csr p256 --subject '/C=AE/O=Acme, Inc/CN=edge.example' >"$T/csr"
subject_is 'a subject as openssl req -subj writes it' 'C=AE,O=Acme\, Inc,CN=edge.example'

# --- Subjects that schemes prescribe

org=4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c
app=0b18eb32-778d-4df0-ab79-c09fb2e2e24e
template() { # NAME KEY ALGORITHM BODY SUBJECT [SAN]
    csr "$2" "$4"
    succeeds "$1: verifies" verified "$2" "$3"
    subject_is "$1: subject" "$5"
    is "$1: alternative names" \
        "$(text | grep -A 1 'Subject Alternative Name' | tail -n 1 | sed 's/^ *//')" "${6:-}"
}
template 'UAE open finance, client transport' r2 RS256 \
    "{\"subject\":[{\"C\":\"AE\"},{\"O\":\"Demo TPP\"},{\"OU\":\"$org\"},{\"CN\":\"$app\"}],\"algorithm\":\"RS256\"}" \
    "C=AE,O=Demo TPP,OU=$org,CN=$app"
template 'UAE open finance, server transport' r2 RS256 \
    "{\"subject\":[{\"C\":\"AE\"},{\"O\":\"Demo LFI\"},{\"OU\":\"$org\"}],\"san\":{\"dns\":[\"ozone.demo-lfi.example\"]}}" \
    "C=AE,O=Demo LFI,OU=$org" 'DNS:ozone.demo-lfi.example'
template 'MHHS DIP, TLS' r4 RS256 \
    '{"subject":[{"C":"GB"},{"ST":"Greater London"},{"L":"London"},{"O":"Market Participant Ltd"},
        {"CN":"energydip-nonprod.marketparticipant.co.uk"}]}' \
    'C=GB,ST=Greater London,L=London,O=Market Participant Ltd,CN=energydip-nonprod.marketparticipant.co.uk'
template 'MHHS DIP, signing on P-256' p256 ES256 \
    '{"subject":[{"C":"GB"},{"ST":"Greater London"},{"L":"London"},{"O":"Market Participant Ltd"},
        {"CN":"energydip-prod.marketparticipant.co.uk"}]}' \
    'C=GB,ST=Greater London,L=London,O=Market Participant Ltd,CN=energydip-prod.marketparticipant.co.uk'
template 'Mojaloop, TLS client' r4 RS512 \
    '{"subject":[{"CN":"dfsp.example"},{"OU":"Payments"},{"O":"DFSP"},{"L":"Nairobi"},{"ST":"Nairobi"},{"C":"KE"},
        {"emailAddress":"ops@dfsp.example"}],"san":{"dns":["dfsp.example"],"ip":["192.0.2.7"]},"algorithm":"RS512"}' \
    'CN=dfsp.example,OU=Payments,O=DFSP,L=Nairobi,ST=Nairobi,C=KE,emailAddress=ops@dfsp.example' \
    'DNS:dfsp.example, IP Address:192.0.2.7'
template 'Mojaloop, a client with an empty subject' r2 RS256 '{"subject":[]}' ''

# --- Refusals, each with the place that is wrong

refused() { # POINTER CODE BODY [STATUS]
    api POST /v1/keys/p256/csr "$3"
    problem "refused: ${3:0:90}" "${4:-400}" "$2" "$1"
}
refused /subject malformed '{}'
refused /subject malformed '{"subject":"CN=x"}'
refused /subject/0 malformed '{"subject":["CN=x"]}'
refused /subject/0 malformed '{"subject":[{}]}'
refused /subject/1/C malformed '{"subject":[{"CN":"x"},{"C":"Emirates"}]}'
refused /subject/0/C malformed '{"subject":[{"C":"Ä1"}]}'
refused /subject/0/CN malformed '{"subject":[{"CN":""}]}'
refused /subject/0/CN malformed '{"subject":[{"CN":5}]}'
refused /subject/0/CN malformed "{\"subject\":[{\"CN\":\"$(printf 'x%.0s' {1..65})\"}]}"
refused /subject/0/XX unknown-member '{"subject":[{"XX":"x"}]}'
refused /san malformed '{"subject":[],"san":{}}'
refused /san malformed '{"subject":[],"san":["a.example"]}'
refused /san/tel unknown-member '{"subject":[],"san":{"tel":["1"]}}'
refused /san/dns malformed '{"subject":[],"san":{"dns":[]}}'
refused /san/dns/1 malformed '{"subject":[],"san":{"dns":["a.example","a..b"]}}'
refused /san/dns/0 malformed '{"subject":[],"san":{"dns":["192.0.2.1"]}}'
refused /san/dns/0 malformed '{"subject":[],"san":{"dns":["a.example\n"]}}'
refused /san/ip/0 malformed '{"subject":[],"san":{"ip":["192.0.2.256"]}}'
refused /san/ip/0 malformed '{"subject":[],"san":{"ip":[1]}}'
refused /san/uri/0 malformed '{"subject":[],"san":{"uri":["no scheme"]}}'
refused /san/email/0 malformed '{"subject":[],"san":{"email":["nobody"]}}'
refused /key_usage/0 malformed '{"subject":[],"key_usage":["signing"]}'
refused /key_usage/1 malformed '{"subject":[],"key_usage":["digitalSignature","digitalSignature"]}'
refused /extended_key_usage/0 malformed '{"subject":[],"extended_key_usage":["1.2.3.x"]}'
refused /challenge unknown-member '{"subject":[],"challenge":"x"}'
refused /algorithm malformed '{"subject":[],"algorithm":"RSA-OAEP"}'
api POST /v1/keys/p256/csr '{"subject":[],"algorithm":"RS256"}'
problem 'refused: an algorithm of another type of key' 422 key-cannot
api POST /v1/keys/p256/csr '{"subject":[],"pss_key":true}'
problem 'refused: PSS with another type of key' 422 key-cannot
api POST /v1/keys/r2/csr '{"subject":[],"pss_key":true,"algorithm":"RS256"}'
problem 'refused: PKCS#1 v1.5 with a key for PSS only' 422 key-cannot /pss_key
api POST /v1/keys/r2/csr '{"subject":[],"pss_key":"yes"}'
problem 'refused: a word for a truth value' 400 malformed /pss_key
hsm_agent key create der --type ec:p256 --purpose derive >/dev/null
api POST /v1/keys/der/csr '{"subject":[]}'
problem 'refused: a key that was made only to derive' 422 key-cannot
hsm_agent key create der2 --type ec:p256 --purpose derive,csr >/dev/null
hsm_agent key show der2 --public pem >"$T/der2.pem"
csr der2 '{"subject":[{"CN":"x"}]}'
succeeds 'one that was made for requests, too, makes them' verified der2 ES256
api POST /v1/keys/der2/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'and signs nothing else' 422 key-cannot
fails 'hsm-agent csr says what is wrong with a subject' 2 '*remedy:*' hsm_agent csr p256 --subject nothing

ends_well a
done_testing
