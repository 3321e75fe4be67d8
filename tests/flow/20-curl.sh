#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# curl does all that the command line does, and gets the same answers.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:software-oaep = yes'
start_agent a || done_testing

same() { # NAME PATH COMMAND...: GET gives what the command prints with --json
    local name=$1
    api GET "$2"
    shift 2
    is "$name" "$status $(hsm_agent "$@" --json)" "200 $body"
}

# What the command line calls: METHOD and PATH of the last request, as this socket's other end would see it, and its body.
asked() { # COMMAND...
    "$python" "$flow/listen.py" "$T/fake.sock" >"$T/asked" &
    local listener=$!
    await 20 test -S "$T/fake.sock"
    hsm_agent --socket "$T/fake.sock" "$@" >/dev/null 2>&1
    wait $listener
    cat "$T/asked"
}

# --- Keys, made by curl

api PUT /v1/keys/rsa '{"type":"rsa:2048","purposes":["sign","decrypt"]}' -H 'If-None-Match: *'
is 'curl creates an RSA key' "$status $(field name) $(field state)" '201 rsa ready'
api PUT /v1/keys/ed '{"type":"ed25519"}'
is 'and an Ed25519 key' "$status $(field name) $(field state)" '201 ed ready'
api PUT /v1/keys/p256 '{"type":"ec:p256","purposes":["derive"]}'
is 'and a key to derive with' "$status $(field name) $(field state)" '201 p256 ready'

same version /v1/version version
same 'key list' /v1/keys key list
same keys /v1/keys keys
same 'key show' /v1/keys/rsa key show rsa
same status /v1/health/ready status
same tokens /v1/tokens tokens
api GET /v1/health/alive
is 'alive' "$status $body" '200 {"status":"alive"}'
api GET /v1/whoami
alike='s/"pid":[0-9]*/"pid":0/; s/"exe":"[^"]*"/"exe":null/' # for there are two programs
is whoami "$(hsm_agent whoami --json | sed "$alike")" "$(sed "$alike" <<<"$body")"
is 'whoami knows who asks' "$(field uid) $(field gid) $(field admin) $(field listen) $(member clients)" \
    "$(id -u) $(id -g) true agent [\"me\"]"

field_of() { # NAME: of the key rsa
    api GET /v1/keys/rsa
    field "$1"
}
is 'key show --public pem' "$(hsm_agent key show rsa --public pem)" "$(field_of pem)"
is 'key show --public der' "$(hsm_agent key show rsa --public der | sha256sum)" "$(field_of der | unb64u | sha256sum)"
is 'key show --public jwk' "$(hsm_agent key show rsa --public jwk | "$python" -m json.tool --compact)" \
    "$(api GET /v1/keys/rsa; member public_key.jwk | "$python" -m json.tool --compact)"

# --- Their use; what is deterministic is compared

printf 'to be signed\n' >"$T/data"
data=$(b64u <"$T/data")
api POST /v1/keys/rsa/sign "{\"algorithm\":\"RS256\",\"data\":\"$data\"}"
is 'sign, RS256' "$(field signature)" "$(hsm_agent sign rsa --alg RS256 -i "$T/data" | b64u)"
is 'sign --json' "$(hsm_agent sign rsa --alg RS256 -i "$T/data" --json)" "$body"
digest=$(openssl dgst -sha256 -binary "$T/data" | b64u)
api POST /v1/keys/rsa/sign "{\"algorithm\":\"RS256\",\"digest\":\"$digest\"}"
is 'sign --digest' "$(field signature)" \
    "$(openssl dgst -sha256 -binary "$T/data" | hsm_agent sign rsa --alg RS256 --digest | b64u)"
api POST /v1/keys/ed/sign "{\"algorithm\":\"Ed25519\",\"data\":\"$data\",\"format\":\"jose\"}"
is 'sign, Ed25519 in JOSE form' "$(field signature)" "$(hsm_agent sign ed --alg Ed25519 --format jose <"$T/data")"
api POST /v1/keys/rsa/csr '{"subject":[{"C":"AE"},{"CN":"edge.example"}],"san":{"dns":["edge.example"]},"algorithm":"RS256"}'
is csr "$(field csr)" "$(hsm_agent csr rsa --subject C=AE,CN=edge.example --dns edge.example --alg RS256)"

hsm_agent key show rsa --public pem >"$T/rsa.pem"
openssl pkeyutl -encrypt -pubin -inkey "$T/rsa.pem" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 \
    -pkeyopt rsa_oaep_label:6c <"$T/data" >"$T/ct"
printf l >"$T/label"
api POST /v1/keys/rsa/decrypt "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$(b64u <"$T/ct")\",\"label\":\"bA\"}"
is decrypt "$(field plaintext)" "$data"
is 'decrypt --json' "$(hsm_agent decrypt rsa -i "$T/ct" --label-file "$T/label" --json)" "$body"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$T/peer.key"
openssl pkey -in "$T/peer.key" -pubout -out "$T/peer.pem"
api POST /v1/keys/p256/derive "{\"algorithm\":\"ECDH\",\"peer\":$(quoted "$T/peer.pem")}"
is derive "$(field secret)" "$(hsm_agent derive p256 --peer "$T/peer.pem" | b64u)"

# --- Adoption and deletion

pkcs11_tool a --keypairgen --key-type EC:prime256v1 --label theirs --id a1 >/dev/null 2>&1
api PUT /v1/keys/mine '{"uri":"pkcs11:object=theirs"}'
is 'curl adopts a key' "$status $(field origin)" '201 adopted'
api DELETE /v1/keys/mine
is 'and forgets it' "$status $body" '200 {"deleted":"mine","objects":"kept"}'
api PUT /v1/keys/mine '{"uri":"pkcs11:object=theirs","purposes":["sign"],"token":"main"}'
api DELETE '/v1/keys/mine?objects=destroy'
is 'or destroys it' "$status $body" '200 {"deleted":"mine","objects":"destroyed"}'
api DELETE /v1/keys/ed
is 'what was created is destroyed' "$status $body" '200 {"deleted":"ed","objects":"destroyed"}'
hsm_agent key create ed --type ed25519 >/dev/null
is 'as the command line does' "$(hsm_agent key delete ed --confirm ed --json)" "$body"

# --- What the command line sends, so that nothing is left that curl couldn't

is 'key create sends' "$(asked key create new --type rsa:2048 --purpose sign,decrypt --token main)" \
    'PUT /v1/keys/new if-none-match=* {"type":"rsa:2048","purposes":["sign","decrypt"],"token":"main"}'
is 'key adopt sends' "$(asked key adopt new 'pkcs11:object=x;id=%01' --purpose sign)" \
    'PUT /v1/keys/new if-none-match=* {"uri":"pkcs11:object=x;id=%01","purposes":["sign"]}'
is 'key delete sends' "$(asked key delete new --confirm new --destroy-objects)" 'DELETE /v1/keys/new?objects=destroy  '

# --- Errors are the same, too

api POST /v1/keys/none/sign '{"algorithm":"ES256","data":"aGk"}'
without_id() {
    sed 's/"request_id":"[^"]*"/"request_id":""/'
}
is 'a refusal with --json is the problem document' \
    "$(hsm_agent sign none --alg ES256 --json -i "$T/data" 2>&1 >/dev/null | without_id)" "$(without_id <<<"$body")"
fails 'and without it cause and remedy' 1 "hsm-agent: $(field detail)*remedy: $(field hint)*" \
    hsm_agent sign none --alg ES256 -i "$T/data"

ends_well a
done_testing
