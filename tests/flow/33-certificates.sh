#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates of keys: what a CA answers in each form and order is installed, shown, kept over a restart, put into the
# token and read back by others, used by messages, judged, and removed.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
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
pkcs11_tool a --write-object "$T/ca/root.pem" --type cert --id "$id" --label foreign >/dev/null 2>&1
succeeds 'the next one takes its place' hsm_agent cert install edge "$T/second.pem" "$T/ca/issuing.pem" --store-in-token
is 'and leaves a foreign one with that id alone' "$(certificates | grep -o 'label: .*' | sort | tr -s ' ' | tr '\n' ' ')" 'label: edge label: foreign '
succeeds 'it is removed with its object' hsm_agent cert remove edge --destroy-objects
is 'the foreign one stays' "$(certificates | grep -o 'label: .*' | tr -s ' ')" 'label: foreign'
succeeds 'without the token it is a matter of files' hsm_agent cert install edge "$T/edge.pem"
is 'and no object is made' "$(certificates | grep -c '^Certificate Object')" 1

# --- With its key

ls "$T/a/state/certificates" >"$T/files"
is 'its file bears the name of the version' "$(<"$T/files")" edge@1.pem
succeeds 'the key is deleted' hsm_agent key delete edge --confirm edge
is 'and its certificate with it' "$(ls "$T/a/state/certificates")" ''

done_testing
