#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys made, listed, shown, adopted and deleted; and what a second program sees of them in the token.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
start_agent a || done_testing

# --- Creation of each type, and its public key in each form

check_public() { # NAME: pem, der, jwk and thumbprints say the same, as openssl and python read them
    local name=$1
    hsm_agent key show "$name" --public pem >"$T/pem" && hsm_agent key show "$name" --public der >"$T/der" &&
        hsm_agent key show "$name" --public jwk >"$T/jwk" && hsm_agent key show "$name" --json >"$T/json" &&
        openssl pkey -pubin -in "$T/pem" -outform DER | cmp - "$T/der" || return
    [[ $name != k-rsa-* ]] || openssl rsa -pubin -in "$T/pem" -noout -modulus >"$T/modulus" || return
    "$python" - "$T" <<'PYTHON'
import base64, hashlib, json, sys
def read(name):
    return open(sys.argv[1] + "/" + name, "rb").read()
def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
jwk, key, der = json.loads(read("jwk")), json.loads(read("json")), read("der")
public = key["public_key"]
assert public["jwk"] == jwk and unb64u(public["der"]) == der and public["pem"].encode() == read("pem")
assert public["spki_sha256"] == hashlib.sha256(der).hexdigest()
names = {"RSA": ["e", "kty", "n"], "EC": ["crv", "kty", "x", "y"], "OKP": ["crv", "kty", "x"]}[jwk["kty"]]
assert sorted(jwk) == names, jwk
text = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
assert public["thumbprint"] == b64u(hashlib.sha256(text.encode()).digest())
if jwk["kty"] == "RSA":
    assert read("modulus").decode().strip() == "Modulus=" + unb64u(jwk["n"]).hex().upper() and jwk["e"] == "AQAB"
    assert len(unb64u(jwk["n"])) * 8 == key["bits"] == int(key["type"].split(":")[1])
elif jwk["kty"] == "EC":
    size = (key["bits"] + 7) // 8
    assert unb64u(jwk["x"]) + unb64u(jwk["y"]) == der[-2 * size:] and jwk["crv"] == "P-%d" % key["bits"]
else:
    assert unb64u(jwk["x"]) == der[-32:] and jwk["crv"] == "Ed25519"
PYTHON
}

algorithms_of() {
    case $1 in
    rsa:*) echo '["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]' ;;
    ec:p256) echo '["ES256"]' ;;
    ec:p384) echo '["ES384"]' ;;
    ec:p521) echo '["ES512"]' ;;
    ed25519) echo '["Ed25519"]' ;;
    esac
}

types=(rsa:2048 rsa:3072 rsa:4096 ec:p256 ec:p384 ec:p521 ed25519)
for type in "${types[@]}"; do
    name=k-${type/:/-}
    succeeds "key create makes $type" hsm_agent key create "$name" --type "$type"
    api GET "/v1/keys/$name"
    is "$type is ready to sign" "$(field type) $(field state) $(field origin) $(field version) $(member purposes)" \
        "$type ready created 1 [\"sign\"]"
    is "$type has its algorithms and no others" "$(member algorithms)" "$(algorithms_of "$type")"
    succeeds "the public key of $type is the same in each form" check_public "$name"
done

wanted=$(printf '%s\n' "${types[@]}" | sed 's/:/-/; s/^/k-/' | sort)
is 'key list has them all' "$(hsm_agent key list | tail -n +2 | cut -d ' ' -f 1)" "$wanted"
api GET /v1/keys
is 'the list is sorted and without public keys' \
    "$("$python" -c 'import json, sys
keys = json.load(open(sys.argv[1]))["keys"]
print("\n".join(k["name"] for k in keys) if not any("public_key" in k for k in keys) else "public keys")' "$T/body")" "$wanted"

# --- What the token holds, read with pkcs11-tool

attributes_of() { # LABEL: what pkcs11-tool says of the private key with this label
    pkcs11_tool a --list-objects --type privkey 2>/dev/null |
        awk -v label="$1" '/^Private Key/ { text = "" } { text = text $0 "\n" } /label:/ { mine = $2 == label }
            /^Private Key/ { mine = 0 } mine { whole = text } END { printf "%s", whole }'
}

for type in "${types[@]}"; do
    name=k-${type/:/-}
    seen=$(attributes_of "$name")
    id=$(hsm_agent key show "$name" --json | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
    like "$type is sensitive for ever and never leaves" "$seen" \
        '*Access:*sensitive, always sensitive, never extractable*'
    like "$type has the id that the agent says, of 16 bytes" "${#id}$seen" "32*ID:         $id*"
    is "$type may sign and nothing else" "$(sed -n 's/ *Usage: *//p' <<<"$seen")" sign
done

hsm_agent key create dec --type rsa:2048 --purpose decrypt >/dev/null
is 'a key to decrypt with may decrypt and nothing else' \
    "$(attributes_of dec | sed -n 's/ *Usage: *//p')" decrypt
hsm_agent key create der --type ec:p256 --purpose derive >/dev/null
is 'a key to derive with may derive and nothing else' \
    "$(attributes_of der | sed -n 's/ *Usage: *//p')" derive
hsm_agent key create both --type rsa:2048 --purpose sign,decrypt >/dev/null
is 'a key with two purposes may do both' \
    "$(attributes_of both | sed -n 's/ *Usage: *//p')" 'decrypt, sign'

is 'a key has one private file in the state directory' \
    "$(stat -c '%a %F' "$T/a/state/keys/dec.json")" '600 regular file'

# --- Refusals

fails 'a name that is taken is refused' 1 '*already*remedy:*' hsm_agent key create dec --type ec:p256
api PUT /v1/keys/dec '{"type":"ec:p256"}'
problem 'a name that is taken is a conflict' 409 conflict
api PUT /v1/keys/dec '{"type":"ec:p256"}' -H 'If-None-Match: *'
problem 'with If-None-Match it is a failed precondition' 412 precondition-failed
is 'the key is as it was' "$(hsm_agent key show dec --json | sed 's/.*"type":"\([^"]*\)".*/\1/')" rsa:2048

for name in . .x -x x%20y x%2fy 'x;y' 'x~' '%00' "$(printf 'x%.0s' {1..65})"; do
    api PUT "/v1/keys/$name" '{"type":"ec:p256"}' --path-as-is
    case $status in
    400) problem "the name '${name:0:10}' is refused" 400 malformed ;;
    *) problem "the name '${name:0:10}' is refused" 404 no-route ;;
    esac
done
fails 'the command line refuses a bad name as well' 2 '*name*remedy:*' hsm_agent key create .x --type ec:p256
longest=$(printf 'x%.0s' {1..64})
succeeds 'a name may have 64 characters' hsm_agent key create "$longest" --type ec:p256
hsm_agent key delete "$longest" --confirm "$longest" >/dev/null

for type in rsa:1024 rsa:2048x rsa:8192 RSA:2048 rsa ec:p224 ec:secp256k1 ed448 aes:128 rsa:other none ''; do
    api PUT /v1/keys/new "{\"type\":\"$type\"}"
    problem "the type '$type' is refused" 400 malformed /type
done
for pair in 'ed25519 decrypt' 'ed25519 derive' 'ec:p256 decrypt' 'rsa:2048 derive'; do
    api PUT /v1/keys/new "{\"type\":\"${pair% *}\",\"purposes\":[\"${pair#* }\"]}"
    problem "${pair% *} can't ${pair#* }" 422 key-cannot /purposes
done
api PUT /v1/keys/new '{"type":"ec:p256","token":"other"}'
problem 'a token that is not there is refused' 400 malformed /token
api GET /v1/keys/new
problem 'nothing was made by what was refused' 404 no-such-key

# --- Deletion

fails 'nothing is deleted without the name' 2 '*--confirm both*' hsm_agent key delete both
fails 'nor with another one' 2 '*another name*' hsm_agent key delete both --confirm bath
succeeds 'a key is deleted with it' hsm_agent key delete both --confirm both
api GET /v1/keys/both
problem 'it is gone' 404 no-such-key
is 'its objects are gone from the token' "$(pkcs11_tool a --list-objects 2>/dev/null | grep -c 'label: *both$')" 0
is 'its file is gone' "$(find "$T/a/state/keys" -name '*both*' | wc -l)" 0
api DELETE /v1/keys/both
problem 'deleting it again finds nothing' 404 no-such-key
succeeds 'its name is free again' hsm_agent key create both --type ec:p256

# --- Adoption

made=$(pkcs11_tool a --keypairgen --key-type EC:prime256v1 --label theirs --id a1 2>&1) ||
    not_ok 'pkcs11-tool makes a key' "$made"
succeeds 'an object of the token is adopted by its label' hsm_agent key adopt mine 'pkcs11:object=theirs'
api GET /v1/keys/mine
is 'it is shown as adopted' "$(field origin) $(field state) $(field id) $(field type)" 'adopted ready a1 ec:p256'
echo hello >"$T/data"
hsm_agent key show mine --public pem >"$T/pem"
hsm_agent sign mine --alg ES256 -i "$T/data" -o "$T/sig"
succeeds 'and signs' openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data"

api PUT /v1/keys/none '{"uri":"pkcs11:object=nobody"}'
problem 'a URI that fits nothing finds no key' 404 no-such-key
api PUT /v1/keys/none '{"uri":"http://example.com"}'
problem 'what is no PKCS#11 URI is refused' 400 malformed /uri
api PUT /v1/keys/none '{"uri":"pkcs11:object=theirs","type":"ec:p256"}'
problem 'type and uri at once are refused' 400 malformed
api PUT /v1/keys/none '{"uri":"pkcs11:object=theirs","purposes":["decrypt"]}'
problem 'a purpose that the type has not is refused' 422 key-cannot

pkcs11_tool a --keypairgen --key-type EC:prime256v1 --label theirs --id a2 >/dev/null 2>&1
api PUT /v1/keys/none '{"uri":"pkcs11:object=theirs"}'
problem 'two objects that fit are an error' 409 ambiguous-key
like 'that names both' "$(field detail)" '*id=%a1*id=%a2*'
succeeds 'an id tells them apart' hsm_agent key adopt mine2 'pkcs11:object=theirs;id=%a2'

pkcs11_tool a --keypairgen --key-type EC:prime256v1 --label twin1 --id b1 >/dev/null 2>&1
pkcs11_tool a --keypairgen --key-type EC:prime256v1 --label twin2 --id b1 >/dev/null 2>&1
api PUT /v1/keys/none '{"uri":"pkcs11:object=twin1"}'
problem 'one of two objects with one id is refused' 409 ambiguous-key
like 'and both are named' "$(field detail)" '*twin1*twin2*'

succeeds 'an adopted key is deleted' hsm_agent key delete mine --confirm mine
is 'its objects stay in the token' "$(pkcs11_tool a --list-objects --type privkey 2>/dev/null | grep -c 'ID: *a1$')" 1
succeeds 'it may be adopted again' hsm_agent key adopt mine 'pkcs11:object=theirs;id=%a1;type=private'
like 'with --destroy-objects they are destroyed' "$(hsm_agent key delete mine --confirm mine --destroy-objects)" '*destroyed*'
is 'and gone' "$(pkcs11_tool a --list-objects 2>/dev/null | grep -c 'ID: *a1$')" 0

# --- What a later start finds

twin_id=$(hsm_agent key show k-ec-p256 --json | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
lost_id=$(hsm_agent key show k-ec-p384 --json | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
ends_well a
pkcs11_tool a --keypairgen --key-type EC:prime256v1 --label intruder --id "$twin_id" >/dev/null 2>&1
pkcs11_tool a --delete-object --type privkey --id "$lost_id" >/dev/null 2>&1
start_agent a || done_testing
api GET /v1/keys/k-ed25519
is 'keys are there after a restart' "$(field state)" ready
api GET /v1/keys/k-ec-p256
is 'a key that two objects fit is ambiguous' "$(field state)" ambiguous
like 'and says which' "$(field state_detail)" '*object=k-ec-p256*'
like 'and which else' "$(field state_detail)" '*object=intruder*'
api POST /v1/keys/k-ec-p256/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'it does not sign' 409 ambiguous-key
like 'and names both' "$(field detail | sed 's/^the key .k-ec-p256. //')" '*object=*object=*'
api DELETE /v1/keys/k-ec-p256
problem 'nor is it deleted, for the wrong one could go' 409 ambiguous-key
like 'the log named them at the start' "$(grep key-unusable "$T/a/log" | grep k-ec-p256)" '*intruder*'
api GET /v1/keys/k-ec-p384
is 'a key whose object is gone is missing' "$(field state)" missing
like 'and says what to do' "$(field state_detail)" '*backup*delete*'
api POST /v1/keys/k-ec-p384/sign '{"algorithm":"ES384","data":"aGk"}'
problem 'it does not sign either' 409 key-incomplete
api GET /v1/health/ready
is 'health counts the two' "$(field trouble)" 2

ends_well a
done_testing
