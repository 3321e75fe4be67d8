#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Encrypted messages: there and back with every algorithm, those of the UAE's rules, the signed ones inside, and that
# nobody learns why a message is broken.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

vectors=${srcdir:-.}/tests/vectors/jwe.json
make_agent a 'token:software-oaep = yes'
fault_on a
start_agent a || done_testing

key_made() { # NAME TYPE PURPOSE
    hsm_agent key create "$1" --type "$2" --purpose "$3" >/dev/null || not_ok "the key $1 is made"
    hsm_agent key show "$1" --public pem >"$T/$1.pem"
}
key_made enc rsa:2048 decrypt
key_made other rsa:2048 decrypt
for curve in p256 p384 p521; do
    key_made $curve ec:$curve derive
done
key_made sig rsa:2048 sign

# --- There and back, through pipes

printf 'a secret\0of some bytes, \303\274ber' >"$T/plain"
there_and_back() { # KEY ALG ENC
    hsm_agent jwe-encrypt --recipient "$T/$1.pem" --alg "$2" --enc "$3" <"$T/plain" >"$T/message" || return
    hsm_agent jwe-decrypt "$1" <"$T/message" | cmp - "$T/plain"
}
for enc in A128GCM A192GCM A256GCM A128CBC-HS256 A192CBC-HS384 A256CBC-HS512; do
    for alg in RSA-OAEP RSA-OAEP-256; do
        succeeds "$alg $enc" there_and_back enc $alg $enc
    done
done
for curve in p256 p384 p521; do
    succeeds "ECDH-ES A128GCM on $curve" there_and_back $curve ECDH-ES A128GCM
    succeeds "ECDH-ES A256CBC-HS512 on $curve" there_and_back $curve ECDH-ES A256CBC-HS512
    for size in 128 192 256; do
        succeeds "ECDH-ES+A${size}KW on $curve" there_and_back $curve ECDH-ES+A${size}KW A256GCM
    done
done
hsm_agent key show enc --public jwk | sed 's/^{/{"use":"enc","kid":"our-key","alg":"RSA-OAEP-256",/' >"$T/enc.jwk"
hsm_agent jwe-encrypt --recipient "$T/enc.jwk" --cty JWT -i "$T/plain" -o "$T/message"
api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\"}"
is 'the answer has the header' "$status $(field algorithm) $(field encryption) $(field kid) $(member header.cty)" \
    '200 RSA-OAEP-256 A256GCM our-key JWT'
is 'and the plaintext' "$(field plaintext | unb64u | sha256sum)" "$(sha256sum <"$T/plain")"
hsm_agent jwe-decrypt enc -i "$T/message" -o "$T/got"
is 'a plaintext in a file is private' "$(stat -c %a "$T/got")" 600
hsm_agent jwe-encrypt --recipient "$T/enc.pem" </dev/null >"$T/message"
is 'an empty message stays empty' "$(hsm_agent jwe-decrypt enc <"$T/message" | wc -c)" 0
json_form() { # the message as an object
    "$python" -c '
import json, sys
names = "protected", "encrypted_key", "iv", "ciphertext", "tag"
print(json.dumps({"jwe": dict(zip(names, open(sys.argv[1]).read().strip().split(".")))}))' "$T/message"
}
hsm_agent jwe-encrypt --recipient "$T/p256.pem" -i "$T/plain" -o "$T/message"
api POST /v1/keys/p256/jwe-decrypt "$(json_form)"
is 'a message as an object within the request' "$status $(field plaintext | unb64u | sha256sum)" \
    "200 $(sha256sum <"$T/plain")"

# --- The UAE's messages, with their key in the token

adopted() { # of the vector with that source
    "$python" -c '
import json, sys
for case in json.load(open(sys.argv[1]))["cases"]:
    if case["source"] == sys.argv[2]:
        for name in "private", "plaintext", "kid":
            open(sys.argv[3] + "/v-" + name, "w").write(case[name])
        open(sys.argv[3] + "/v-jwe", "w").write(case["jwe"][0])' "$vectors" "$1" "$T"
}
if command -v pkcs11-tool >/dev/null; then
    adopted 'uae pii_jwe_oaep256'
    openssl pkey -in "$T/v-private" -outform DER -out "$T/v-private.der"
    openssl pkey -in "$T/v-private" -pubout -outform DER -out "$T/v-public.der"
    pkcs11_tool a --write-object "$T/v-private.der" --type privkey --id 4141 --label lfi --usage-decrypt >/dev/null 2>&1
    pkcs11_tool a --write-object "$T/v-public.der" --type pubkey --id 4141 --label lfi >/dev/null 2>&1
    succeeds 'a key of the UAE rules is adopted' hsm_agent key adopt lfi 'pkcs11:object=lfi;type=private' --purpose decrypt
    for name in pii_jwe_oaep256 pii_jwe_oaep_sha1 webhook_jwe; do
        adopted "uae $name"
        is "$name decrypts" "$(hsm_agent jwe-decrypt lfi --kid "$(<"$T/v-kid")" <"$T/v-jwe" | sha256sum)" \
            "$(sha256sum <"$T/v-plaintext")"
    done
else
    skip 'the UAE messages' 'there is no pkcs11-tool'
fi

# --- The kid names the key, and is looked at before the token is asked

hsm_agent jwe-encrypt --recipient "$T/enc.jwk" -i "$T/plain" -o "$T/message"
before=$(counted a calls C_DecryptInit)
api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\",\"kid\":\"another\"}"
problem 'a message for a key of another name' 422 key-cannot /jwe
like 'says both names' "$(field detail)" '*our-key*another*'
is 'the token is not asked' "$(counted a calls C_DecryptInit)" "$before"
api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\",\"kid\":\"our-key\"}"
is 'one for ours decrypts' "$status" 200
is 'for one operation of the token' "$(counted a calls C_DecryptInit)" $((before + 1))

# --- What a header may not say

with_header() { # JSON: the message with another header
    printf '%s.%s' "$(printf '%s' "$1" | b64u)" "$(cut -d. -f2- "$T/message")"
}
refused() { # NAME STATUS CODE HEADER
    api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(with_header "$4")\"}"
    problem "$1" "$2" "$3" /jwe
}
before=$(counted a calls C_DecryptInit)
refused 'RSA1_5' 422 key-cannot '{"alg":"RSA1_5","enc":"A256GCM"}'
refused 'dir' 422 key-cannot '{"alg":"dir","enc":"A256GCM"}'
refused 'PBES2' 422 key-cannot '{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":1,"p2s":""}'
refused 'A128KW' 422 key-cannot '{"alg":"A128KW","enc":"A256GCM"}'
refused 'none' 422 key-cannot '{"alg":"none","enc":"A256GCM"}'
refused 'an algorithm for another kind of key' 422 key-cannot '{"alg":"ECDH-ES","enc":"A256GCM"}'
refused 'compression' 422 key-cannot '{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}'
refused 'crit' 422 key-cannot '{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["x"],"x":1}'
refused 'a member twice' 400 malformed '{"alg":"RSA-OAEP-256","alg":"RSA-OAEP","enc":"A256GCM"}'
refused 'no JSON' 400 malformed 'hello'
is 'none of them is for the token' "$(counted a calls C_DecryptInit)" "$before"
api POST /v1/keys/enc/jwe-decrypt '{"jwe":"a.b.c"}'
problem 'a JWS' 400 malformed /jwe
api POST /v1/keys/enc/jwe-decrypt '{"jwe":7}'
problem 'a number' 400 malformed /jwe
api POST /v1/keys/sig/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\"}"
problem 'a key that was made to sign' 422 key-cannot
api POST /v1/keys/nobody/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\"}"
problem 'a key that is not there' 404 no-such-key

# --- Whatever is broken, there is one answer

broken() { # NAME and message, a line each
    "$python" "$flow/jwe_broken.py" "$T/message" "$T/foreign"
}
one_answer() { # KEY ALG ENC OTHER-KEY
    local name text wanted='' kinds=0
    hsm_agent jwe-encrypt --recipient "$T/$1.pem" --alg "$2" --enc "$3" -i "$T/plain" -o "$T/message"
    hsm_agent jwe-encrypt --recipient "$T/$4.pem" --alg "$2" --enc "$3" -i "$T/plain" -o "$T/foreign"
    while IFS=' ' read -r name text; do
        api POST "/v1/keys/$1/jwe-decrypt" "{\"jwe\":\"$text\"}"
        : "${wanted:=$status $body}"
        is "$2 $3: $name has the one answer" "$status $body" "$wanted"
        kinds=$((kinds + 1))
    done < <(broken)
    is "$2 $3: at least eight kinds were tried" $((kinds >= 8)) 1
    like "$2 $3: which is" "$wanted" '422 {*"code":"decryption-failed"*}'
    unlike "$2 $3: without a number" "$wanted" '*request_id*'
    is "$2 $3: the message itself decrypts" "$(hsm_agent jwe-decrypt "$1" <"$T/message" | sha256sum)" \
        "$(sha256sum <"$T/plain")"
    answers[$2-$3]=$wanted
}
declare -A answers
key_made another256 ec:p256 derive
one_answer enc RSA-OAEP-256 A256GCM other
one_answer enc RSA-OAEP A128CBC-HS256 other
one_answer p256 ECDH-ES A256GCM another256
one_answer p256 ECDH-ES+A256KW A256CBC-HS512 another256
is 'and it is one for all algorithms' "$(printf '%s\n' "${answers[@]}" | sort -u | wc -l)" 1
hsm_agent jwe-encrypt --recipient "$T/other.pem" -i "$T/plain" -o "$T/message"
fails 'the command line says it too' 1 '*decrypt*' hsm_agent jwe-decrypt enc -i "$T/message"

# --- A signed message inside

header=$(printf '{"alg":"PS256","kid":"tpp"}' | b64u)
payload=$(printf '{"Name":"Ivan England"}' | b64u)
signature=$(printf '%s.%s' "$header" "$payload" | hsm_agent sign sig --alg PS256 --format jose 2>/dev/null)
hsm_agent key show sig --public jwk | sed 's/^{/{"kid":"tpp","alg":"PS256","use":"sig",/' >"$T/sig.jwk"
hsm_agent key show other --public jwk | sed 's/^{/{"kid":"tpp","alg":"PS256","use":"sig",/' >"$T/wrong.jwk"
printf '%s.%s.%s' "$header" "$payload" "$signature" |
    hsm_agent jwe-encrypt --recipient "$T/enc.jwk" --cty JWT >"$T/nested"
is 'what was signed comes out when it verifies' "$(hsm_agent jwe-decrypt enc --verify "$T/sig.jwk" <"$T/nested")" \
    '{"Name":"Ivan England"}'
fails 'not when another key is to have signed it' 1 '*inside*' \
    hsm_agent jwe-decrypt enc --verify "$T/wrong.jwk" -i "$T/nested"
api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(<"$T/nested")\",\"verify\":{\"jwks\":$(<"$T/sig.jwk"),\"algorithms\":[\"RS256\"]}}"
unlike 'nor when another algorithm is asked for' "$status" 200
unlike 'and the plaintext stays in' "$body" '*plaintext*'
api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(<"$T/nested")\",\"verify\":{}}"
problem 'keys to verify with are said' 400 malformed /verify

# --- Signed by a key of ours, then encrypted

claims='{"Amount":"100.00","n":1.50}'
sign='{"key":"sig","algorithm":"PS256","header":{"kid":"tpp"}}'
api POST /v1/jwe-encrypt "{\"recipient\":$(<"$T/enc.jwk"),\"claims\":$claims,\"sign\":$sign,\"header\":{\"cty\":\"JWT\"}}"
is 'claims are signed and encrypted in one request' "$status" 200
field jwe >"$T/nested"
like 'and come back, verified' "$(hsm_agent jwe-decrypt enc --verify "$T/sig.jwk" <"$T/nested")" '*"Amount":"100.00"*"n":1.50*'
api POST /v1/jwe-encrypt "{\"recipient\":$(<"$T/enc.jwk"),\"plaintext_text\":\"any text\",\"sign\":$sign}"
field jwe >"$T/nested"
is 'so does a JWS of any text' "$(hsm_agent jwe-decrypt enc --verify "$T/sig.jwk" <"$T/nested")" 'any text'
api POST /v1/jwe-encrypt "{\"recipient\":$(<"$T/enc.jwk"),\"claims\":$claims}"
problem 'claims without a signer' 400 malformed /sign
api POST /v1/jwe-encrypt "{\"recipient\":$(<"$T/enc.jwk"),\"claims\":$claims,\"sign\":{\"key\":\"enc\"}}"
problem 'a signer that only decrypts' 422 key-cannot
api POST /v1/jwe-encrypt "{\"recipient\":$(<"$T/enc.jwk"),\"claims\":$claims,\"sign\":{\"key\":\"nobody\"}}"
problem 'a signer that is not there' 404 no-such-key

# --- Profiles

pii() { # MEMBERS: a request to decrypt it by the profile
    api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(<"$T/nested")\",\"profile\":\"uae-lfi/pii\",\"kid\":\"our-key\"$1}"
}
pii ''
problem 'uae-lfi/pii wants the signature verified' 400 malformed /verify
pii ",\"verify\":{\"jwks\":$(<"$T/sig.jwk")}"
is 'and takes one that is' "$status $(member signature.algorithm) $(field payload | unb64u)" '200 PS256 any text'
hsm_agent jwe-encrypt --recipient "$T/enc.jwk" --enc A128GCM -i "$T/plain" -o "$T/nested"
pii ",\"verify\":{\"jwks\":$(<"$T/sig.jwk")}"
problem 'but no other encryption' 422 key-cannot /jwe
fails 'uae-tpp/pii-encryption encrypts nothing that is not signed' 1 '*signed*' \
    hsm_agent jwe-encrypt --recipient "$T/enc.jwk" --profile uae-tpp/pii-encryption -i "$T/plain"
api POST /v1/keys/enc/jwe-decrypt '{"jwe":"a.b.c.d.e","profile":"mojaloop/fields"}'
problem 'a profile of another kind' 400 malformed /profile

# --- Encrypting

api POST /v1/jwe-encrypt "{\"recipient\":$(quoted "$T/enc.pem"),\"plaintext_text\":\"x\",\"header\":{\"alg\":\"dir\"}}"
problem 'a header with an algorithm' 400 malformed /header/alg
api POST /v1/jwe-encrypt "{\"recipient\":$(quoted "$T/enc.pem"),\"plaintext_text\":\"x\",\"algorithm\":\"ECDH-ES\"}"
problem 'an algorithm for another kind of key' 422 key-cannot /algorithm
api POST /v1/jwe-encrypt "{\"recipient\":$(quoted "$T/enc.pem"),\"plaintext_text\":\"x\",\"algorithm\":\"RSA1_5\"}"
problem 'RSA1_5' 422 key-cannot /algorithm
api POST /v1/jwe-encrypt "{\"recipient\":$(<"$T/sig.jwk"),\"plaintext_text\":\"x\"}"
problem 'a key that verifies' 422 key-cannot /recipient
api POST /v1/jwe-encrypt "{\"recipient\":$(quoted "$T/enc.pem")}"
problem 'nothing to encrypt' 400 malformed /plaintext

printf '{"name": "Zo\303\253", "amount": 100.00}' >"$T/claims"
hsm_agent jwks >"$T/jwks"
hsm_agent jwe-encrypt --recipient "$T/enc.pem" --sign sig --sign-profile jose/jwt -i "$T/claims" -o "$T/message"
like 'claims are signed, encrypted, decrypted and verified' \
    "$(hsm_agent jwe-decrypt enc --verify "$T/jwks" -i "$T/message")" '{"name":"Zoë","amount":100.00,"iat":*,"jti":"*"}'
fails 'what is signed has to be claims' 1 '*no JSON object*' \
    hsm_agent jwe-encrypt --recipient "$T/enc.pem" --sign sig -i - <<<'[1]'
fails 'a profile of a signature needs its key' 2 '*--sign,*' \
    hsm_agent jwe-encrypt --recipient "$T/enc.pem" --sign-profile jose/jwt -i "$T/claims"

# --- Mojaloop's encrypted fields

quote='{"quoteId":"7c23e80c","payer":{"name":"Bill Lee"},"payee":{"partyIdInfo":{"partyIdentifier":"15295558888"}},"n":1.50}'
printf '%s' "$quote" >"$T/quote"
api POST /v1/jwe-encrypt "{\"recipient\":$(quoted "$T/enc.pem"),\"body_text\":$(quoted "$T/quote"),
    \"profile\":\"mojaloop/fields\",\"fields\":[\"payer\",\"payee.partyIdInfo.partyIdentifier\"]}"
is 'fields are encrypted' "$status" 200
member fspiop_encryption >"$T/header"
member body_text >"$T/encrypted"
truncate -s -1 "$T/header" "$T/encrypted"
unlike 'the body has no values of theirs' "$(<"$T/encrypted")" '*Bill*'
like 'and all else as it was' "$(<"$T/encrypted")" '{"quoteId":"7c23e80c",*,"n":1.50}'
before=$(counted a calls C_DecryptInit)
api POST /v1/keys/enc/jwe-decrypt "{\"fspiop_encryption\":$(quoted "$T/header"),\"body_text\":$(quoted "$T/encrypted")}"
is 'and are decrypted' "$status $(member body_text)" "200 $quote"
is 'by one operation of the token' "$(counted a calls C_DecryptInit)" $((before + 1))
api POST /v1/keys/other/jwe-decrypt "{\"fspiop_encryption\":$(quoted "$T/header"),\"body_text\":$(quoted "$T/encrypted")}"
is 'not with another key, which is the one answer too' "$status $body" "${answers[RSA-OAEP-256-A256GCM]}"
api POST /v1/keys/enc/jwe-decrypt "{\"fspiop_encryption\":$(quoted "$T/header"),\"body_text\":\"{}\"}"
problem 'a body without the fields' 400 malformed /body_text

unlike 'no plaintext is in the log' "$(<"$T/a/log")" '*a secret*'
ends_well a

# --- The policy has an operation for it

make_agent b 'token:software-oaep = yes'
sed -i 's/^allow = .*/allow = enc:create,show,decrypt\nallow = mine:create,show,jwe-decrypt RSA-OAEP-256\nallow = pii:create,show\nallow = pii:jwe-decrypt profile=uae-lfi\/pii/' "$T/b/agent.conf"
start_agent b || done_testing
key_made enc rsa:2048 decrypt
key_made mine rsa:2048 decrypt
hsm_agent jwe-encrypt --recipient "$T/enc.pem" -i "$T/plain" -o "$T/message"
api POST /v1/keys/enc/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\"}"
problem 'decrypt does not include jwe-decrypt' 403 forbidden
hsm_agent jwe-encrypt --recipient "$T/mine.pem" --alg RSA-OAEP-256 -i "$T/plain" -o "$T/message"
api POST /v1/keys/mine/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\"}"
is 'jwe-decrypt with its algorithm' "$status" 200
hsm_agent jwe-encrypt --recipient "$T/mine.pem" --alg RSA-OAEP -i "$T/plain" -o "$T/message"
api POST /v1/keys/mine/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\"}"
problem 'not with another' 403 forbidden
api POST /v1/keys/mine/decrypt '{"algorithm":"RSA-OAEP","ciphertext":"aGk"}'
problem 'nor does it include decrypt' 403 forbidden
key_made pii rsa:2048 decrypt
hsm_agent jwe-encrypt --recipient "$T/pii.pem" -i "$T/plain" -o "$T/message"
api POST /v1/keys/pii/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\"}"
problem 'a rule for a profile does not grant the plain message' 403 forbidden
api POST /v1/keys/pii/jwe-decrypt "{\"jwe\":\"$(<"$T/message")\",\"profile\":\"uae-tpp/webhook\"}"
problem 'nor another profile' 403 forbidden
api POST /v1/keys/pii/jwe-decrypt \
    "{\"jwe\":\"$(<"$T/message")\",\"profile\":\"uae-lfi/pii\",\"kid\":\"x\",\"verify\":{\"jwks\":$(<"$T/sig.jwk")}}"
unlike 'the profile itself is let in, and wants what is inside signed' "$status $(field code)" '403*'
unlike 'which a plain text is not' "$status" 200
ends_well b
done_testing
