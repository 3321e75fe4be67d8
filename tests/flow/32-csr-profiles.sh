#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificate requests by the profiles of ecosystems: each as openssl, @peculiar/x509 and node-forge read it, and wrong
# ones, refused with the rule before anything is signed.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

site=$T/site
org=4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c
app=0b18eb32-778d-4df0-ab79-c09fb2e2e24e
live=7d1e52cc-2b8a-4b31-a0f3-7a0a4b3f9b11

mkdir "$site"
cat >"$site/uae-client.conf" <<CONF
[values]
organisation = Demo Bank, PJSC
organisation-id = $org
prod-names = $live $org
pre-prod-names = $app $org
CONF
cat >"$site/uae-server.conf" <<CONF
[values]
organisation = Demo Bank, PJSC
organisation-id = $org
prod-names = *.api.demo-bank.example
pre-prod-names = *.sandbox.demo-bank.example
CONF
cat >"$site/mhhs.conf" <<'CONF'
[values]
role = active-participant
state = Greater London
city = London
organisation = Market Participant Ltd
domain = marketparticipant.co.uk
[message client-signing]
vetted = acme C=GB
vetted = acme ST=Kent
vetted = acme L=Dover
vetted = acme O=Acme Energy Ltd
vetted = acme domain=acme.example
CONF
cat >"$site/brazil.conf" <<CONF
[values]
company-number = 43142666000197
organisation = Banco Exemplo S.A.
state = SP
city = São Paulo
participant-id = $org
CONF

make_agent a "agent:profiles = $site"
log=$T/a/log
start_agent a || done_testing

key() { # NAME TYPE PURPOSES [OPTION...]
    local name=$1 type=$2 purposes=$3
    shift 3
    hsm_agent key create "$name" --type "$type" --purpose "$purposes" "$@" >"$T/out" 2>&1 || not_ok "the key $name is made" "$(<"$T/out")"
}
test=(--environment pre-prod)
key c3 rsa:2048 tls-client "${test[@]}" --profile uae-client
key sig4 rsa:2048 sign "${test[@]}" --profile uae-client/signing
key s4 rsa:2048 tls-server "${test[@]}"
key enc1 rsa:2048 decrypt,csr "${test[@]}" --profile uae-server
key dip-tls rsa:4096 tls-server,tls-client "${test[@]}"
key dip-dual rsa:4096 sign,tls-server,tls-client,dual --environment prod
key dip-ec ec:p256 sign "${test[@]}"
key dip-rsa rsa:2048 sign --environment prod
key dip-bolt ec:p256 sign "${test[@]}" --holder bolt
key dfsp rsa:2048 tls-server
key caller rsa:2048 tls-client
key ehi ec:p256 tls-server "${test[@]}" --profile thredd-ehi/server
key plain ec:p256 tls-server
key c3b rsa:2048 tls-client "${test[@]}"

# --- What is right

lines=$T/judged
: >"$lines"

# The subject as TYPE=VALUE with semicolons between them; lists with commas.
right() { # NAME KEY SUBJECT SAN USAGES EXTENDED ALGORITHM -- ARGUMENT...
    local name=$1 key=$2 subject=$3 san=$4 usages=$5 extended=$6 algorithm=$7 file=$T/$1.csr text
    shift 8
    hsm_agent csr "$key" "$@" -o "$file" 2>"$T/err" || {
        not_ok "$name: the request is made" "$(<"$T/err")"
        return
    }
    hsm_agent key show "$key" --public pem >"$T/$key.pem"
    succeeds "$name: openssl verifies it" openssl req -in "$file" -verify -noout
    openssl req -in "$file" -noout -pubkey | cmp -s - "$T/$key.pem" || not_ok "$name: it is of the key"
    text=$(openssl req -in "$file" -noout -subject -nameopt RFC2253,-dn_rev,utf8,-esc_msb | sed 's/\\,/,/g')
    is "$name: subject and its order" "$text" "subject=${subject//;/,}"
    text=$(openssl req -in "$file" -noout -text)
    is "$name: extensions" "$(grep -c 'X509v3' <<<"$text")" \
        "$(printf '%s\n' "$san" "$usages" "$extended" | grep -c .)"
    "$python" - "$name" "$file" "$subject" "$san" "$usages" "$extended" "$algorithm" >>"$lines" <<'PY'
import json, sys
name, file, subject, san, usages, extended, algorithm = sys.argv[1:]
words = lambda text: text.split(",") if text else []
print(json.dumps({"name": name, "file": file, "subject": [part.split("=", 1) for part in subject.split(";") if part],
                  "san": words(san), "usages": words(usages), "extended": words(extended), "algorithm": algorithm}))
PY
}

uae="C=AE;O=Demo Bank, PJSC;OU=$org"
right c3 c3 "$uae;CN=$app" '' '' '' RS256 -- --set "CN=$app"
right sig4 sig4 "$uae;CN=$org" '' '' '' RS256 -- --set "CN=$org" --profile uae-client/signing
right s4 s4 "$uae" dns:ozone.sandbox.demo-bank.example '' '' RS256 -- --profile uae-server/transport \
    --dns ozone.sandbox.demo-bank.example
right s4-cn s4 "$uae;CN=$org" dns:ozone.sandbox.demo-bank.example '' '' RS256 -- --profile uae-server/transport \
    --set "CN=$org" --dns ozone.sandbox.demo-bank.example
right enc1 enc1 "$uae" '' '' '' RS256 --
gb='C=GB;ST=Greater London;L=London;O=Market Participant Ltd;CN=energydip'
right dip-tls dip-tls "$gb-nonprod.marketparticipant.co.uk" '' '' '' RS256 -- --profile mhhs/tls
right dip-dual dip-dual "$gb-prod.marketparticipant.co.uk" '' '' '' RS256 -- --profile mhhs/dual
right dip-ec dip-ec "$gb-nonprod.marketparticipant.co.uk" '' '' '' ES256 -- --profile mhhs/signing
right dip-rsa dip-rsa "$gb-prod.marketparticipant.co.uk" '' '' '' RS256 -- --profile mhhs/signing \
    --subject 'C=GB,ST=Greater London,L=London,O=Market Participant Ltd,CN=energydip-prod.marketparticipant.co.uk'
right dfsp dfsp 'CN=dfsp.example;O=Example DFSP;C=KE' dns:dfsp.example,dns:fspiop.dfsp.example,ip:192.0.2.7 \
    digitalSignature,keyEncipherment serverAuth RS512 -- --profile mojaloop-server --subject 'CN=dfsp.example,O=Example DFSP,C=KE' \
    --dns dfsp.example --dns fspiop.dfsp.example --ip 192.0.2.7 --alg RS512
right caller caller 'CN=caller.dfsp.example;OU=Payments;emailAddress=ops@dfsp.example' '' '' '' RS256 -- --profile mojaloop-client \
    --set CN=caller.dfsp.example --set OU=Payments --set emailAddress=ops@dfsp.example
right ehi ehi 'CN=ehi.acme.example' dns:ehi.acme.example '' '' ES256 -- --set CN=ehi.acme.example
brazil="businessCategory=Private Organization;jurisdictionC=BR;serialNumber=43142666000197;C=BR;O=Banco Exemplo S.A.;ST=SP"
brazil+=";L=São Paulo;organizationIdentifier=OFBBR-$org;UID=$app;CN=*"
right brazil c3b "${brazil%\*}of.banco.example" dns:of.banco.example digitalSignature,keyEncipherment clientAuth RS256 -- \
    --profile brazil --set 'businessCategory=Private Organization' --set "UID=$app" --set CN=of.banco.example

if [ -n "${HSM_AGENT_INTEROP:-}" ]; then
    . "$flow/judges_lib.sh"
    part 'npm packages read them' node "$judges/csr.mjs" "$lines"
else
    skip 'npm packages read them' 'HSM_AGENT_INTEROP is not set'
fi

# --- What is wrong: where, and by which rule

wrong() { # KEY STATUS CODE POINTER RULE BODY
    api POST "/v1/keys/$1/csr" "$6"
    problem "refused: $1 ${6:0:100}" "$2" "$3" "$4"
    like "with the rule: ${5:0:80}" "$(field detail)" "*$5*"
}
transport='"profile":"uae-server/transport"'
# The environments: a name of one on a key of the other, both ways.
wrong c3 422 key-cannot /values/CN "is a name of the environment prod, and the key 'c3' is of pre-prod" "{\"values\":{\"CN\":\"$live\"}}"
wrong s4 422 key-cannot /san/dns/0 "is a name of the environment prod, and the key 's4' is of pre-prod" \
    "{$transport,\"san\":{\"dns\":[\"ozone.api.demo-bank.example\"]}}"
wrong s4 422 key-cannot /san/dns/1 "is none of the names of pre-prod" \
    "{$transport,\"san\":{\"dns\":[\"a.sandbox.demo-bank.example\",\"elsewhere.example\"]}}"
wrong dip-ec 422 key-cannot /values/CN 'is a name of the environment prod' \
    '{"profile":"mhhs/signing","values":{"CN":"energydip-prod.marketparticipant.co.uk"}}'
wrong dip-rsa 422 key-cannot /subject/4/CN 'is a name of the environment pre-prod' \
    '{"profile":"mhhs/signing","subject":[{"C":"GB"},{"ST":"Greater London"},{"L":"London"},{"O":"Market Participant Ltd"},{"CN":"energydip-nonprod.marketparticipant.co.uk"}]}'
wrong plain 422 key-cannot /profile "the key 'plain' doesn't say which one it is of" '{"profile":"thredd-ehi"}'
# The key.
wrong ehi 422 key-cannot /profile 'is for certificates of thredd-ehi/server' '{"profile":"uae-server"}'
wrong dip-ec 422 key-cannot /profile 'is for keys of the type rsa:4096' '{"profile":"mhhs/tls"}'
wrong sig4 422 key-cannot /profile 'is for certificates of uae-client/signing' '{"profile":"uae-client/transport"}'
wrong dip-tls 422 key-cannot /profile 'is for keys of the type' '{"profile":"uae-client/signing"}'
wrong s4 422 key-cannot /profile 'is for keys with the purpose sign' '{"profile":"mhhs/signing"}'
wrong dip-dual 422 key-cannot /profile 'is for keys without the purpose sign' '{"profile":"mhhs/tls"}'
wrong dip-bolt 422 key-cannot /profile 'is for the role connection-provider' '{"profile":"mhhs/client-signing"}'
wrong dip-bolt 422 key-cannot /profile "is for the operator's own keys" '{"profile":"mhhs/signing"}'
wrong s4 422 key-cannot /profile 'no certificate of uae-client is for such a key' '{"profile":"uae-client"}'
# The subject.
wrong c3 400 malformed /values/CN 'wants CN in the subject: a UUID' '{}'
wrong c3 400 malformed /values/CN 'to be a UUID' '{"values":{"CN":"gateway.demo-bank.example"}}'
wrong c3 400 malformed /values/O "to be 'Demo Bank, PJSC'" "{\"values\":{\"CN\":\"$app\",\"O\":\"Demo Bank PJSC\"}}"
wrong c3 400 unknown-member /values/L 'is no part of the subject' "{\"values\":{\"CN\":\"$app\",\"L\":\"Dubai\"}}"
wrong c3 400 malformed /subject/0/CN 'is at the wrong place' "{\"subject\":[{\"CN\":\"$app\"},{\"OU\":\"$org\"},{\"O\":\"Demo Bank, PJSC\"},{\"C\":\"AE\"}]}"
wrong c3 400 malformed /subject 'wants CN in the subject' "{\"subject\":[{\"C\":\"AE\"},{\"O\":\"Demo Bank, PJSC\"},{\"OU\":\"$org\"}]}"
wrong c3 400 malformed /subject/0 'RDNs with one value each' "{\"subject\":[{\"C\":\"AE\",\"O\":\"Demo Bank, PJSC\"}]}"
wrong c3 400 malformed /values 'not both' "{\"values\":{},\"subject\":[]}"
wrong dip-tls 400 malformed /values/ST "to be 'Greater London'" '{"profile":"mhhs/tls","values":{"ST":"greater london"}}'
like 'a near miss is told as one' "$(field hint)" '*only case or spaces differ*'
wrong dfsp 400 malformed /values/CN 'to be the name of one host' '{"profile":"mojaloop-server","values":{"CN":"localhost"}}'
wrong dfsp 400 malformed /values/C "isn't a country code" '{"profile":"mojaloop-server","values":{"CN":"dfsp.example","C":"Kenya"}}'
# Alternative names, usages, the algorithm.
wrong c3 400 malformed /san 'have no alternative names' "{\"values\":{\"CN\":\"$app\"},\"san\":{\"dns\":[\"a.example\"]}}"
wrong s4 400 malformed /san 'wants 1 alternative name at least' "{$transport}"
wrong s4 400 malformed /san/ip 'of the kind ip' "{$transport,\"san\":{\"ip\":[\"192.0.2.1\"]}}"
wrong s4 400 malformed /san/dns/0 'to be the name of one host' "{$transport,\"san\":{\"dns\":[\"*.sandbox.demo-bank.example\"]}}"
wrong ehi 400 malformed /san/dns 'among the DNS names too' '{"values":{"CN":"ehi.acme.example"},"san":{"dns":["other.acme.example"]}}'
wrong c3 400 malformed /key_usage 'ask for no key_usage' "{\"values\":{\"CN\":\"$app\"},\"key_usage\":[\"digitalSignature\"]}"
wrong dfsp 400 malformed /extended_key_usage 'serverAuth, and nothing else' \
    '{"profile":"mojaloop-server","values":{"CN":"dfsp.example"},"extended_key_usage":["serverAuth","clientAuth"]}'
wrong c3 422 key-cannot /algorithm 'are signed with RS256, not with RS512' "{\"values\":{\"CN\":\"$app\"},\"algorithm\":\"RS512\"}"
wrong c3 422 key-cannot /algorithm 'not with PS256' "{\"values\":{\"CN\":\"$app\"},\"pss_key\":true}"
wrong plain 400 malformed /values 'there is no profile' '{"values":{"CN":"x"}}'
wrong plain 400 malformed /subject 'is missing' '{}'
wrong plain 400 malformed /profile "is a message of the scheme jwt" '{"profile":"uae-lfi/jwt-auth"}'
fails 'the command says the rule, too' 1 '*a UUID*' hsm_agent csr c3 --set CN=x
fails 'a value is given once' 2 '*is there twice*' hsm_agent csr c3 --set "CN=$app" --set "CN=$app"

# --- The next version of a key

succeeds 'a key of a profile is rotated' hsm_agent key rotate sig4
api POST '/v1/keys/sig4/csr?version=2' "{\"values\":{\"CN\":\"$org\"}}"
is 'its next version has a request of its own' "$(field version) $(field profile)" '2 uae-client/signing'
field csr >"$T/next.csr"
unlike 'which is of another key' "$(openssl req -in "$T/next.csr" -noout -pubkey)" \
    "$(openssl req -in "$T/sig4.csr" -noout -pubkey)"
is 'and has the same subject' "$(openssl req -in "$T/next.csr" -noout -subject)" \
    "$(openssl req -in "$T/sig4.csr" -noout -subject)"

# --- Keys that are made for a profile have to fit it.

plan() { # NAME STATUS CODE RULE BODY
    api PUT "/v1/keys/$1" "$5"
    problem "refused: a key with ${5:0:90}" "$2" "$3" /profile
    like "with the rule: ${4:0:80}" "$(field detail)" "*$4*"
}
plan p1 422 key-cannot 'is for keys of the type rsa:2048' '{"type":"ec:p256","environment":"prod","profile":"uae-client/signing"}'
plan p2 422 key-cannot "doesn't say which one" '{"type":"rsa:2048","profile":"uae-client/signing"}'
plan p4 400 malformed "there is no message 'uae-clint'" '{"type":"rsa:2048","profile":"uae-clint"}'

# --- One key for TLS and messages, only where a certificate is for both

api PUT /v1/keys/both '{"type":"ec:p256","purposes":["sign","tls-client"]}'
problem 'a key for TLS signs no messages' 422 key-cannot /purposes
api PUT /v1/keys/both '{"type":"ec:p256","purposes":["sign","dual"]}'
problem 'dual alone says nothing' 422 key-cannot /purposes
data=$(printf 'a message' | b64u)
api POST /v1/keys/dip-dual/sign "{\"algorithm\":\"RS256\",\"data\":\"$data\"}"
is 'a key for both signs messages' "$status" 200
spki=$(openssl pkey -pubin -in "$T/dip-dual.pem" -outform DER | openssl dgst -sha256 -binary | b64u)
handshake=$({ printf ' %.0s' {1..64}; printf 'TLS 1.3, client CertificateVerify\0'; head -c 32 /dev/zero; } | b64u)
api POST /v1/keys/dip-dual/tls "{\"scheme\":\"rsa_pss_rsae_sha256\",\"content\":\"$handshake\",\"spki_sha256\":\"$spki\"}"
is 'and handshakes' "$status" 200
api POST /v1/keys/dip-dual/sign "{\"algorithm\":\"PS256\",\"data\":\"$handshake\"}"
problem 'but no handshake as a message' 422 key-cannot
api POST /v1/keys/dip-dual/tls "{\"scheme\":\"rsa_pss_rsae_sha256\",\"content\":\"$data\",\"spki_sha256\":\"$spki\"}"
problem 'nor a message as a handshake' 422 key-cannot
api POST /v1/keys/dip-dual/sign "{\"algorithm\":\"RS256\",\"digest\":\"$(printf x | openssl dgst -sha256 -binary | b64u)\"}"
problem 'nor a digest, which may be of either' 422 key-cannot
api POST /v1/keys/dip-tls/sign "{\"algorithm\":\"RS256\",\"data\":\"$data\"}"
problem 'a key for TLS alone signs no message' 422 key-cannot
api POST /v1/keys/dip-tls/jws '{"algorithm":"RS256","payload_text":"x"}'
problem 'nor a JWS' 422 key-cannot

# --- A connection provider

outcomes() {
    grep -Ec ' (reloaded|reload-refused) ' "$log"
}
is_reloaded() { # BEFORE
    [ "$(outcomes)" -gt "$1" ]
}
reload() {
    local before
    before=$(outcomes)
    kill -HUP "${agent_pid[a]}"
    await 30 is_reloaded "$before" && grep -E ' (reloaded|reload-refused) ' "$log" | tail -n 1 >"$T/outcome"
}
sed -i 's/^role = .*/role = connection-provider/' "$site/mhhs.conf"
reload
key dip-acme ec:p256 sign "${test[@]}" --holder acme --profile mhhs/client-signing
right dip-acme dip-acme 'C=GB;ST=Kent;L=Dover;O=Acme Energy Ltd;CN=energydip-nonprod.acme.example' '' '' '' ES256 --
plan p3 422 key-cannot 'is for keys of one participant each' \
    '{"type":"rsa:2048","environment":"prod","profile":"mhhs/client-signing"}'
wrong dip-bolt 422 key-cannot /values/C "no vetted value of C for 'bolt'" '{"profile":"mhhs/client-signing"}'
wrong dip-ec 422 key-cannot /profile 'is for keys of one participant each' '{"profile":"mhhs/client-signing"}'
wrong dip-ec 422 key-cannot /profile 'is for the role active-participant' '{"profile":"mhhs/signing"}'
wrong dip-dual 422 key-cannot /profile 'is for the role active-participant' '{"profile":"mhhs/dual"}'
api POST /v1/keys/dip-tls/csr '{"profile":"mhhs/tls"}'
is 'its own certificate is for TLS' "$status" 200

# --- Rules, and mistakes in a profile

sed -i 's|^allow = .*|allow = *:show\nallow = c3:csr profile=uae-client/*\nallow = s4:csr profile=thredd-ehi/*|' "$T/a/agent.conf"
reload
api POST /v1/keys/c3/csr "{\"values\":{\"CN\":\"$app\"}}"
is 'a rule with profile= grants requests of that profile' "$status" 200
api POST /v1/keys/s4/csr "{$transport,\"san\":{\"dns\":[\"a.sandbox.demo-bank.example\"]}}"
problem 'and of no other' 403 forbidden
api POST /v1/keys/s4/csr '{"subject":[{"CN":"x"}]}'
problem 'nor one without a profile' 403 forbidden
mistake() { # WORDS LINE
    printf '[message m]\nscheme = csr\n%s\n' "$2" >"$site/own.conf"
    like "a mistake: $2" "$("$bin/hsm-agentd" --check -c "$T/a/agent.conf" 2>&1)" "*own.conf:1:*$1*"
}
mistake 'there is no placeholder {uid}' 'subject = CN={uid}'
mistake "isn't a part of a subject" 'subject = CN'
mistake 'has no partner' 'san-dns = {host'
mistake "isn't an environment" 'environments = prod='
mistake 'has no names' 'names = prod'
mistake "isn't a vetted value" 'vetted = acme O'
mistake "there is no usage 'serverauth'" 'extended-key-usage = serverauth'
mistake 'leaves more than 2 of its parts open' 'subject = CN={any}-{any}-{any}'

ends_well a
done_testing
