#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates of keys: what a CA answers in each form and order is installed, shown, kept over a restart, put into the
# token and read back by others, used by messages, judged, and removed.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a token:'software-oaep = yes'
start_agent a || done_testing

# --- A CA of two levels, by openssl.

mkdir "$T/ca"
cd "$T/ca" || exit 99
new_ca() { # FILE SUBJECT [ISSUER]
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
    printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' >"$1.ext"
    if [ $# = 3 ]; then
        openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -days 3000 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
    else
        openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 3000 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
    fi
}
new_ca root /CN=Root
new_ca issuing '/O=Test/CN=Issuing CA' root
new_ca other /CN=Other
cd "$bin" || exit 99

issue() { # KEY FILE [ARGUMENT OF openssl x509...]: a certificate for the key's own request
    local key=$1 file=$2
    shift 2
    hsm_agent csr "$key" --subject "O=Acme,CN=$key.example" --dns "$key.example" --key-usage digitalSignature \
        --ext-key-usage serverAuth >"$T/ca/$key.csr" &&
        openssl x509 -req -in "$T/ca/$key.csr" -CA "$T/ca/issuing.pem" -CAkey "$T/ca/issuing.key" -days 300 \
            -copy_extensions copy -out "$file" "$@" 2>"$T/ca/log"
}

sha256_of() { # FILE
    openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1
}

hsm_agent key create edge --type ec:p256 --purpose tls-server >/dev/null || not_ok 'a key is made'
hsm_agent key create other --type rsa:2048 --purpose tls-server >/dev/null || not_ok 'another key is made'
issue edge "$T/edge.pem" && issue other "$T/other.pem" || not_ok 'certificates are issued' "$(<"$T/ca/log")"
openssl x509 -in "$T/edge.pem" -outform DER -out "$T/edge.der"

# --- Each form and order

installed() { # FILE...: the chain of both, and nothing else, is what is shown then
    hsm_agent cert install edge "$@" >"$T/out" 2>"$T/err" || { cat "$T/err"; return 1; }
    hsm_agent cert show edge --pem >"$T/shown" && cat "$T/edge.pem" "$T/ca/issuing.pem" | cmp - "$T/shown"
}
removed() {
    hsm_agent cert remove edge >/dev/null && api GET /v1/keys/edge/certificate && is_problem 404 no-certificate
}

api GET /v1/keys/edge/certificate
problem 'before one is installed there is none' 404 no-certificate
succeeds 'PEM, the leaf first' installed "$T/edge.pem" "$T/ca/issuing.pem"
succeeds 'it is removed again' removed
cat "$T/ca/root.pem" "$T/ca/issuing.pem" "$T/edge.pem" >"$T/all.pem"
succeeds 'PEM in one file, the root first' installed "$T/all.pem"
like 'the root stays out, which is said' "$(<"$T/out")" "*warning: root-left-out: *CN=Root*"
openssl x509 -in "$T/ca/issuing.pem" -outform DER -out "$T/issuing.der"
succeeds 'DER' installed "$T/issuing.der" "$T/edge.der"
cat "$T/issuing.der" "$T/edge.der" >"$T/both.der"
succeeds 'two of DER in one file' installed "$T/both.der"
openssl crl2pkcs7 -nocrl -certfile "$T/all.pem" -out "$T/all.p7b"
succeeds 'PKCS#7 in PEM' installed "$T/all.p7b"
openssl crl2pkcs7 -nocrl -certfile "$T/all.pem" -outform DER -out "$T/all.p7c"
succeeds 'PKCS#7 in DER' installed "$T/all.p7c"
base64 "$T/all.p7c" >"$T/all.b64"
succeeds 'PKCS#7 in base64, as EST answers' installed "$T/all.b64"
openssl cms -sign -in "$T/all.b64" -signer "$T/ca/issuing.pem" -inkey "$T/ca/issuing.key" -certfile "$T/edge.pem" \
    -outform DER -out "$T/all.cms"
succeeds 'a CMS with a signer' installed "$T/all.cms"
{ openssl x509 -in "$T/edge.pem" -text && openssl x509 -in "$T/ca/issuing.pem" -text; } >"$T/text.pem"
succeeds 'PEM with words around it' installed "$T/text.pem"
succeeds 'from standard input' bash -c "'$bin/hsm-agent' cert install edge - <'$T/all.pem'"

# --- What is shown

api GET /v1/keys/edge/certificate
is 'the answer names key and version' "$(field key) $(field version)" 'edge 1'
is 'the subject' "$(member chain.0.subject)" 'CN=edge.example,O=Acme'
is 'the issuer' "$(member chain.0.issuer)" 'CN=Issuing CA,O=Test'
is 'the hash is that of openssl' "$(member chain.0.sha256)" "$(sha256_of "$T/edge.pem")"
is 'the serial number too' "$(member chain.0.serial | tr a-f A-F)" \
    "$(openssl x509 -in "$T/edge.pem" -noout -serial | cut -d = -f 2)"
is 'what a renewal asks for' "$(member chain.0.request)" '{"subject": [{"O": "Acme"}, {"CN": "edge.example"}], "san": {"dns": ["edge.example"]}, "key_usage": ["digitalSignature"], "extended_key_usage": ["serverAuth"]}'
asked_for() { # CSR: all but its signature
    openssl req -in "$1" -noout -text | sed '/Signature Algorithm/,$d'
}
request=$(member chain.0.request)
api POST /v1/keys/edge/csr "$request"
field csr >"$T/again.csr"
is 'a renewal can ask for it as it is' "$(asked_for "$T/again.csr")" "$(asked_for "$T/ca/edge.csr")"
like 'for people' "$(hsm_agent cert show edge)" "*
subject      CN=edge.example,O=Acme
*dns          edge.example
*above it   CN=Issuing CA,O=Test, until *"

# --- What is refused

fails 'one for another key' 1 '*is for another key*remedy*' hsm_agent cert install edge "$T/other.pem"
fails 'none of many' 1 '*none of the 3 certificates*' hsm_agent cert install edge "$T/other.pem" "$T/ca/root.pem" "$T/ca/issuing.pem"
is 'the one before stays' "$(hsm_agent cert show edge --pem | openssl x509 -noout -subject)" 'subject=O = Acme, CN = edge.example'
issue edge "$T/expired.pem" -days -1
fails 'an expired one' 1 '*expired on*' hsm_agent cert install edge "$T/expired.pem"
issue edge "$T/weak.pem" -sha1
fails 'one that is signed with SHA-1' 1 '*ecdsa-with-SHA1, which is too weak*' hsm_agent cert install edge "$T/weak.pem"
fails 'a private key, before it leaves this side' 2 '*holds a private key*' hsm_agent cert install edge "$T/edge.pem" "$T/ca/issuing.key"
api PUT /v1/keys/edge/certificate "{\"certificates\":$(quoted "$T/ca/issuing.key")}"
problem 'and at the agent' 400 malformed /certificates
fails 'a request' 1 '*CERTIFICATE REQUEST*' hsm_agent cert install edge "$T/ca/edge.csr"
head -c 300 "$T/all.p7c" >"$T/cut.p7c"
fails 'a PKCS#7 that is cut off' 1 '*can*be read*' hsm_agent cert install edge "$T/cut.p7c"
api PUT /v1/keys/edge/certificate '{"certificates":[]}'
problem 'no certificate at all' 400 malformed
api PUT /v1/keys/edge/certificate '{"certificates":["x",7]}'
problem 'a list with something else' 400 malformed /certificates/0
api PUT '/v1/keys/edge/certificate?version=2' "{\"certificates\":$(quoted "$T/edge.pem")}"
problem 'a version that is not there' 422 key-cannot

# --- Replaced, kept over a restart

issue edge "$T/second.pem" -set_serial 4711
hsm_agent cert install edge "$T/second.pem" --json >"$T/body"
is 'the answer says which one was replaced' "$(member replaced)" "$(sha256_of "$T/edge.pem")"
is 'and that the chain is not whole' "$(member warnings.0.name)" chain-incomplete
ends_well a
start_agent a || done_testing
is 'it is there after a restart' "$(hsm_agent cert show edge --pem | openssl x509 -noout -serial)" serial=1267
kill_agent a
printf 'nonsense' >"$T/a/state/certificates/edge@1.pem"
start_agent a || done_testing
like 'a damaged file is told in the log' "$(<"$T/a/log")" '*certificate-not-loaded*'
api GET /v1/keys/edge/certificate
problem 'and the key has none then' 404 no-certificate
api GET /v1/keys/edge
is 'but the key is ready' "$(field state)" ready

# --- In the token, as others read it

certificates() { # what pkcs11-tool sees of them
    pkcs11_tool a --list-objects --type cert 2>/dev/null
}
api GET /v1/keys/edge
id=$(field id)
succeeds 'it is put into the token' hsm_agent cert install edge "$T/edge.pem" "$T/ca/issuing.pem" --store-in-token
certificates >"$T/objects"
is 'there is one' "$(grep -c '^Certificate Object' "$T/objects")" 1
like 'with the label, subject and id of the key' "$(<"$T/objects")" "*label:      edge*subject:    DN: O=Acme, CN=edge.example*ID:         $id*"
pkcs11_tool a --read-object --type cert --id "$id" -o "$T/read.der" 2>/dev/null
succeeds 'and it is that certificate' cmp "$T/read.der" "$T/edge.der"
succeeds 'once more changes nothing' hsm_agent cert install edge "$T/edge.pem" --store-in-token
is 'there is still one' "$(certificates | grep -c '^Certificate Object')" 1
issue edge "$T/foreign.pem" -set_serial 7
pkcs11_tool a --write-object "$T/foreign.pem" --type cert --id "$id" --label foreign >/dev/null 2>&1
succeeds 'the next one takes its place' hsm_agent cert install edge "$T/second.pem" "$T/ca/issuing.pem" --store-in-token
is 'and leaves a foreign one with that id alone' "$(certificates | grep -o 'label: .*' | sort | tr -s ' ' | tr '\n' ' ')" 'label: edge label: foreign '
succeeds 'it is removed with its object' hsm_agent cert remove edge --destroy-objects
is 'the foreign one stays' "$(certificates | grep -o 'label: .*' | tr -s ' ')" 'label: foreign'
succeeds 'without the token it is a matter of files' hsm_agent cert install edge "$T/edge.pem"
is 'and no object is made' "$(certificates | grep -c '^Certificate Object')" 1

# --- In messages: the kid, x5c and header that profiles make of a certificate

mkdir "$T/profiles"
cat >"$T/profiles/site.conf" <<'END'
[message token]
scheme = jws
algorithms = PS256
kid = x5t-s256
x5c = yes
[message secret]
scheme = jwe
algorithms = RSA-OAEP-256
encryptions = A256GCM
kid = x5t-s256
kid-required = yes
[message dip]
scheme = dip
revocation = no
END
cat >"$T/profiles/mhhs.conf" <<'END'
[values]
role = active-participant
state = Greater London
city = London
organisation = Market Participant Ltd
domain = participant.example
END
sed -i "s|^\[agent\]|&\nprofiles = $T/profiles|" "$T/a/agent.conf"
ends_well a
start_agent a || done_testing
hsm_agent key create sig1 --type rsa:2048 --purpose sign >/dev/null
hsm_agent key create enc1 --type rsa:2048 --purpose decrypt,csr >/dev/null
printf '{"a":1}' >"$T/payload"
fails 'without a certificate there is no kid' 1 '*there is none*cert install*' hsm_agent jws sig1 --profile site/token -i "$T/payload"
x5t() { # FILE
    openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -binary | b64u
}
for key in sig1 enc1; do
    issue $key "$T/$key.pem" || not_ok "the certificate of $key is issued"
    succeeds "that of $key is installed" hsm_agent cert install $key "$T/$key.pem" "$T/ca/issuing.pem"
done
like 'one without the usage for decryption is warned of' "$(hsm_agent cert install enc1 "$T/enc1.pem" "$T/ca/issuing.pem")" '*warning: usage: the key is for decrypt*keyEncipherment*'
hsm_agent jws sig1 --profile site/token -i "$T/payload" >"$T/jws"
cut -d . -f 1 "$T/jws" | unb64u >"$T/body"
is 'the kid is its hash' "$(member kid)" "$(x5t "$T/sig1.pem")"
is 'x5c has the chain' "$(member x5c.1)" "$(openssl x509 -in "$T/ca/issuing.pem" -outform DER | base64 -w 0)"
hsm_agent jwks --profile site >"$T/body"
is 'the JWK Set has both, by certificate' "$(member keys.0.kid) $(member keys.1.kid)" "$(x5t "$T/enc1.pem") $(x5t "$T/sig1.pem")"
succeeds 'it verifies the message' hsm_agent verify jws --jwks "$T/body" -i "$T/jws"
hsm_agent jwks >"$T/body"
unlike 'without a profile thumbprints, as before' "$(<"$T/body")" "*$(x5t "$T/sig1.pem")*"
hsm_agent jwe-encrypt --profile site/secret --recipient "$T/enc1.pem" -i "$T/payload" >"$T/jwe"
is 'a JWE to the kid decrypts' "$(hsm_agent jwe-decrypt enc1 --profile site/secret -i "$T/jwe")" '{"a":1}'
hsm_agent jwe-encrypt --profile site/secret --recipient "$T/sig1.pem" -i "$T/payload" >"$T/jwe"
fails 'one to another kid does not' 1 '*' hsm_agent jwe-decrypt enc1 --profile site/secret -i "$T/jwe"
api POST /v1/keys/sig1/http-signature '{"profile":"site/dip","method":"GET","url":"https://dip.example/x"}'
is 'the header of a DIP message has it' "$(member headers.X-DIP-Signature-Certificate | tr -d '"' | base64 -d)" "$(<"$T/sig1.pem")"
issue sig1 "$T/new.pem" -set_serial 99
hsm_agent cert install sig1 "$T/new.pem" >/dev/null
hsm_agent jws sig1 --profile site/token -i "$T/payload" | cut -d . -f 1 | unb64u >"$T/body"
is 'a renewed one counts from the next message on' "$(member kid)" "$(x5t "$T/new.pem")"

# --- Of the environment that the key's profile names

hsm_agent key create dip --type ec:p256 --purpose sign --environment pre-prod --profile mhhs/signing >/dev/null
hsm_agent csr dip >"$T/ca/dip.csr"
as() { # SUBJECT: a certificate of the key dip with that subject; $T/dip.pem
    openssl x509 -req -in "$T/ca/dip.csr" -CA "$T/ca/issuing.pem" -CAkey "$T/ca/issuing.key" -days 300 -copy_extensions copy \
        -out "$T/dip.pem" ${1:+-subj "$1"} 2>"$T/ca/log"
}
as ''
hsm_agent cert install dip "$T/dip.pem" "$T/ca/issuing.pem" --json >"$T/body"
is 'what was asked for is installed without a word' "$(member warnings)" '[]'
as '/C=GB/ST=Greater London/L=London/O=Market Participant Ltd/CN=energydip-prod.participant.example'
fails 'one with the name of production is refused' 1 "*is a name of the environment prod, and the key 'dip' is of pre-prod*" \
    hsm_agent cert install dip "$T/dip.pem" "$T/ca/issuing.pem"
as '/C=GB/ST=Kent/L=London/O=Market Participant Ltd/CN=energydip-nonprod.participant.example'
like 'what else the CA changed is warned of' "$(hsm_agent cert install dip "$T/dip.pem" "$T/ca/issuing.pem")" '*warning: profile: *mhhs/signing*'
hsm_agent key delete dip --confirm dip >/dev/null

# --- Judged

cat >"$T/ca/ca.conf" <<END
[ca]
default_ca = issuing
[issuing]
database = $T/ca/index
crlnumber = $T/ca/crlnumber
default_md = sha256
default_crl_days = 30
END
: >"$T/ca/index"
echo 01 >"$T/ca/crlnumber"
issuing_ca() {
    openssl ca -config "$T/ca/ca.conf" -cert "$T/ca/issuing.pem" -keyfile "$T/ca/issuing.key" "$@" 2>>"$T/ca/log"
}
crl() { # a list of the issuing CA, and an empty one of the root's, for what is above
    issuing_ca -gencrl -out "$T/crl"
}
checks() { # ARGUMENT...: of cert check; what isn't ok
    hsm_agent cert check edge "$@" >"$T/checks"
    code=$?
    grep -v -e '^ok ' -e '^ *remedy:' "$T/checks" | cut -d : -f 1-2 | tr -s ' ' | tr '\n' '/'
}
hsm_agent cert install edge "$T/edge.pem" "$T/ca/issuing.pem" >/dev/null
is 'without anchors the chain is a warning' "$(checks)" 'warning chain: it wasn'"'"'t looked at whether the certificate leads to a root that peers trust/found: 1 warning/'
crl || not_ok 'a list is made' "$(<"$T/ca/log")"
checks --ca "$T/ca/root.pem" --crl "$T/crl" --servername edge.example >"$T/out"
is 'all is well' "$(<"$T/out")" 'nothing is wrong/'
like 'and said' "$(<"$T/checks")" '*it leads to one of the anchors*it isn*t revoked*it is for edge.example*'
like 'another name' "$(checks --ca "$T/ca/root.pem" --crl "$T/crl" --servername www.example)" 'problem name: it isn*t for www.example/*'
checks --servername www.example >/dev/null
is 'a problem is the exit status' $code 1
like 'another root' "$(checks --ca "$T/ca/other.pem")" 'problem chain: *isn*t among the anchors*'
like 'nobody was asked about revocation' "$(checks --ca "$T/ca/root.pem")" 'warning revocation: *'
like 'and somebody has to' "$(checks --ca "$T/ca/root.pem" --need-revocation)" 'problem revocation: *may have been revoked*'
like 'in two years' "$(checks --ca "$T/ca/root.pem" --at "$(date -d '+2 years' +%s)")" 'problem certificate: *expired on*'
issuing_ca -revoke "$T/edge.pem" -crl_reason keyCompromise && crl || not_ok 'it is revoked' "$(<"$T/ca/log")"
checks --ca "$T/ca/root.pem" --crl "$T/crl" >/dev/null
like 'it was revoked' "$(<"$T/checks")" '*problem  revocation: *was revoked on * (keyCompromise)*'
openssl ocsp -index "$T/ca/index" -CA "$T/ca/issuing.pem" -rsigner "$T/ca/issuing.pem" -rkey "$T/ca/issuing.key" \
    -issuer "$T/ca/issuing.pem" -cert "$T/edge.pem" -respout "$T/ocsp" -ndays 3 >>"$T/ca/log" 2>&1
like 'as an OCSP response says' "$(checks --ca "$T/ca/root.pem" --ocsp "$T/ocsp")" 'problem revocation: *revoked*'
like 'before it is installed: one of another key' "$(checks --cert "$T/other.pem")" 'problem certificate: *is for another key*'
issue edge "$T/plain.pem" -copy_extensions none
like 'before it is installed: no names' "$(checks --cert "$T/plain.pem" --cert "$T/ca/issuing.pem" --ca "$T/ca/root.pem")" '*warning no-names: *'
hsm_agent cert check edge --json >"$T/body"
is 'as a document' "$(member key) $(member checks.0.check) $(member result)" 'edge certificate warning'
hsm_agent cert check enc1 --ca "$T/ca/root.pem" >"$T/checks"
is 'a key that decrypts is judged as one' "$? $(grep -c '^problem' "$T/checks")" '0 0'

# --- Self-signed

for pair in p256:ec:p256 r2:rsa:2048 ed:ed25519; do
    key=${pair%%:*}
    hsm_agent key create "$key" --type "${pair#*:}" --purpose tls-server >/dev/null
    hsm_agent csr "$key" --subject "CN=$key" --dns localhost --ext-key-usage serverAuth |
        hsm_agent cert self-sign "$key" --days 7 -o "$T/self.pem"
    succeeds "${pair#*:}: openssl takes it" openssl verify -CAfile "$T/self.pem" -purpose sslserver -verify_hostname localhost "$T/self.pem"
    is 'it has the key' "$(openssl x509 -in "$T/self.pem" -noout -pubkey)" "$(hsm_agent key show "$key" --public pem)"
done
hsm_agent csr r2 --subject CN=r2 --dns localhost --pss | hsm_agent cert self-sign r2 --alg PS256 -o "$T/self.pem"
succeeds 'a key for PSS alone' openssl verify -CAfile "$T/self.pem" "$T/self.pem"
succeeds 'which is installed as that of the RSA key' hsm_agent cert install r2 "$T/self.pem"
like 'and says so' "$(hsm_agent csr p256 --subject CN=p256 --dns localhost | hsm_agent cert self-sign p256 --install)" '*warning: self-signed: *'
is 'it is checked against itself' "$(hsm_agent cert show p256 --pem >"$T/self.pem"; hsm_agent cert check p256 --ca "$T/self.pem" --servername localhost | grep -c '^problem')" 0
hsm_agent csr ed --subject CN=ed >"$T/ed.csr"
fails 'the request of another key' 1 '*another key*' hsm_agent cert self-sign p256 -i "$T/ed.csr"
api POST /v1/keys/p256/self-signed '{"csr":"x"}'
problem 'what is no request' 400 malformed /csr
api POST /v1/keys/p256/self-signed "{\"csr\":$(quoted "$T/ed.csr"),\"days\":0}"
problem 'no days' 400 malformed /days
for key in p256 r2 ed; do
    hsm_agent key delete $key --confirm $key >/dev/null
done

# --- The next version of a key for TLS waits for its certificate

version_of() { # KEY: the one that signs
    api GET "/v1/keys/$1" && field version
}
hsm_agent key rotate edge >/dev/null
is 'before the certificate is there, the first one is active' "$(version_of edge)" 1
fails 'that of the first one is not for the second' 1 '*is for another key*' hsm_agent cert install edge "$T/edge.pem" --key-version 2
hsm_agent csr edge --key-version 2 --subject O=Acme,CN=edge.example --dns edge.example >"$T/ca/edge2.csr"
openssl x509 -req -in "$T/ca/edge2.csr" -CA "$T/ca/issuing.pem" -CAkey "$T/ca/issuing.key" -days 200 -copy_extensions copy \
    -out "$T/edge2.pem" 2>/dev/null
hsm_agent cert install edge "$T/edge2.pem" "$T/ca/issuing.pem" --key-version 2 --json >"$T/body"
is 'it is installed for the second' "$(member version) $(member activated)" '2 true'
is 'which signs from then on' "$(version_of edge)" 2
is 'and whose certificate is shown' "$(hsm_agent cert show edge --pem | head -c 500)" "$(head -c 500 "$T/edge2.pem")"
is 'while the first one keeps its own' "$(hsm_agent cert show edge --key-version 1 --pem | head -c 500)" "$(head -c 500 "$T/edge.pem")"
kill_agent a
start_agent a || done_testing
is 'both are there after a crash' "$(hsm_agent cert show edge | head -n 2 | tail -n 1 | tr -s ' ') $(ls "$T/a/state/certificates" | grep -c '^edge@')" 'version 2 2'

# --- With its key

files() { # of certificates
    ls "$T/a/state/certificates" | tr '\n' ' '
}
is 'the files bear the names of the versions' "$(files)" 'edge@1.pem edge@2.pem enc1@1.pem sig1@1.pem '
succeeds 'the key is deleted' hsm_agent key delete edge --confirm edge
is 'and its certificates with it' "$(files)" 'enc1@1.pem sig1@1.pem '

# --- Who may

restarted_with() { # SED EXPRESSION on the configuration
    stop_agent a && sed -i "$1" "$T/a/agent.conf" && start_agent a
}
restarted_with 's/^allow = .*/allow = sig1:jws profile=site\/token/' || done_testing
api GET /v1/keys/sig1/certificate
is 'who may use the key may see its certificate' "$status $(member chain.0.sha256)" "200 $(sha256_of "$T/new.pem")"
api PUT /v1/keys/sig1/certificate "{\"certificates\":$(quoted "$T/new.pem")}"
problem 'and may not install one' 403 forbidden
api DELETE /v1/keys/sig1/certificate
problem 'nor remove it' 403 forbidden
api POST /v1/keys/sig1/self-signed "{\"csr\":$(quoted "$T/ca/sig1.csr")}"
problem 'nor have one signed' 403 forbidden
api GET /v1/keys/enc1/certificate
problem 'of another key nothing is told' 404 no-such-key
api POST /v1/keys/enc1/certificate/check '{}'
problem 'whatever is asked' 404 no-such-key
restarted_with 's/^allow = .*/allow = *:*/; s/^admin = yes/admin = no/' || done_testing
api PUT /v1/keys/sig1/certificate "{\"certificates\":$(quoted "$T/new.pem")}"
problem 'it is a matter for administrators' 403 not-admin
ends_well a

done_testing
