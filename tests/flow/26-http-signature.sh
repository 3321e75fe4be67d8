#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signed HTTP messages: the published examples of the DIP and of Mojaloop come out of a whole agent byte by byte, and
# verify; changed ones are refused. One message costs one operation of the token, a batch one request.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

vectors=$(cd "${srcdir:-.}/tests/vectors" && pwd) || exit 99
make_agent a 'token:sessions = 4' "agent:profiles = $T/profiles" 'token:verify = off'
fault_on a
faults a
mkdir "$T/profiles"
cat >"$T/profiles/dip.conf" <<'END'
# The readings of the Code of Connection that the examples have.
[message plain]
scheme = dip
any-date = yes
revocation = no
[message url]
scheme = dip
any-date = yes
revocation = no
destination = url
content-text = base64url
signature-text = base64url
[message literal]
scheme = dip
any-date = yes
revocation = no
destination = url
content-text = base64url
signature-text = base64url
date = literal
[message raw]
scheme = dip
any-date = yes
revocation = no
ecdsa = raw
[message der-url]
scheme = dip
any-date = yes
revocation = no
content-text = base64url
signature-text = base64url
[message path]
scheme = dip
any-date = yes
revocation = no
destination = path
[message cert-der]
scheme = dip
any-date = yes
revocation = no
certificate-text = der
[message hex]
scheme = dip
any-date = yes
revocation = no
content-text = hex
[message strict]
scheme = dip
END
start_agent a || done_testing

id=1
for key in dip-rsa:dip-rsa.key dip-ec:dip-ec.key fsp-rsa:rsa2048.key.pem fsp-ec:p256.key.pem good:../pki/good.key; do
    # softhsm2-util takes PKCS#8 only.
    openssl pkcs8 -topk8 -nocrypt -in "$vectors/keys/${key#*:}" -out "$T/key.pem"
    SOFTHSM2_CONF=$T/a/main/softhsm2.conf softhsm2-util --import "$T/key.pem" --token main --label "${key%%:*}" \
        --id "0$id" --pin "$(<"$T/a/main/pin")" >"$T/out" 2>&1 || not_ok "${key%%:*} is imported" "$(<"$T/out")"
    succeeds "${key%%:*} is adopted" hsm_agent key adopt "${key%%:*}" "pkcs11:id=%0$id" --purpose sign
    id=$((id + 1))
done
hsm_agent key create ed --type ed25519 >/dev/null || not_ok 'an Ed25519 key is made'

part 'the examples, changes to them, batches' "$python" "$flow/http_signature.py" "$socket" "$vectors"

# --- What it costs

body='{"profile":"dip/plain","method":"GET","url":"https://h/","certificate":'$(quoted "$vectors/keys/dip-rsa.pem")'}'
before=$(counted a calls C_Sign)
api POST /v1/keys/dip-rsa/http-signature "$body"
is 'a message is signed' "$status" 200
is 'with one operation of the token' $(($(counted a calls C_Sign) - before)) 1

items=$("$python" -c '
import json, sys
pem = open(sys.argv[1]).read()
print(json.dumps({"items": [{"profile": "dip/plain", "method": "POST", "url": "https://h/%d" % i, "body_text": "{}",
                             "certificate": pem} for i in range(100)]}))' "$vectors/keys/dip-ec.pem")
before=$(counted a calls C_Sign)
api POST /v1/keys/dip-ec/http-signature "$items"
is '100 messages are signed in one request' "$status $(grep -o X-DIP-Signature-Date "$T/body" | wc -l)" '200 100'
is 'with 100 operations' $(($(counted a calls C_Sign) - before)) 100

# The certificate from a file of the profile, so that 256 items fit one request.
cp "$vectors/keys/dip-ec.pem" "$T/a/dip-ec.pem" # beside the configuration, where a confined daemon may read what is new
printf '[message file]\nscheme = dip\ncertificate = %s\n' "$T/a/dip-ec.pem" >"$T/profiles/site.conf"
kill -HUP "${agent_pid[a]}"
named() {
    api POST /v1/keys/dip-ec/http-signature '{"profile":"site/file","method":"GET","url":"https://h/"}'
    [ "$status" = 200 ]
}
succeeds "the profile's file has the certificate" await 20 named
items=$("$python" -c '
import json
print(json.dumps({"items": [{"profile": "site/file", "method": "GET", "url": "https://h/%d" % i} for i in range(256)]}))')
before=$(counted a calls C_Sign)
api POST /v1/keys/dip-ec/http-signature "$items"
is '256 messages are signed in one request' "$status $(grep -o X-DIP-Signature-Date "$T/body" | wc -l)" '200 256'
is 'with 256 operations' $(($(counted a calls C_Sign) - before)) 256
faults a 'C_Sign delay 40'
began=$EPOCHREALTIME
api POST /v1/keys/dip-ec/http-signature "$items"
spent=$(awk "BEGIN { print $EPOCHREALTIME - $began }")
diag "256 messages with a token that takes 40 ms, on four sessions, took $spent s; one by one it would be 10.24"
succeeds 'spread over all sessions' awk "BEGIN { exit $spent > 7 }"
faults a

# --- The command line

wire=$("$python" -c 'import json, sys
print(json.load(open(sys.argv[1]))["cases"][0]["wire_body"], end="")' "$vectors/mojaloop-jws.json")
printf '%s' "$wire" | "$python" -c 'import json, sys
print(json.dumps(dict(reversed(list(json.load(sys.stdin).items()))), indent=2))' >"$T/pretty.json"
sign_fspiop() {
    hsm_agent http-sign fsp-rsa --profile mojaloop/request --url https://hub.example.com/api/fspiop/transfers \
        -H 'FSPIOP-Source: payerfsp' -H 'FSPIOP-Destination: payeefsp' -H 'Date: Sat, 21 Nov 2026 05:00:00 GMT' \
        -i "$T/pretty.json" "$@"
}
wanted=$("$python" -c 'import json, sys
print(json.load(open(sys.argv[1]))["cases"][0]["headers_out"]["fspiop-signature"])' "$vectors/mojaloop-jws.json")
is 'http-sign prints the fields of the example' \
    "$(sign_fspiop --body-out "$T/body.json" | sed -n 's/^FSPIOP-Signature: //p')" "$wanted"
is 'and writes the body that has to be sent' "$(<"$T/body.json")" "$wire"
openssl pkey -in "$vectors/keys/rsa2048.key.pem" -pubout -out "$T/fsp.pem"
printf '{"payerfsp":%s}' "$(quoted "$T/fsp.pem")" >"$T/keys.json"

# A server that says what came: curl sends it what --curl has printed.
"$python" "$flow/say_request.py" "$T/port" "$T/came" &
track $!
await 20 test -s "$T/port"
sign_fspiop --curl | sed "s|https://hub.example.com|http://127.0.0.1:$(<"$T/port")|" >"$T/arguments"
succeeds 'curl takes the arguments' eval "curl -s -m 20 -o '$T/answer' $(<"$T/arguments")"
await 20 test -s "$T/came/body"
is 'the body arrives as it was signed' "$(<"$T/came/body")" "$wire"
verify_fspiop() {
    hsm_agent verify http-signature --profile mojaloop/request --method POST --keys "$T/keys.json" \
        --url "https://hub.example.com/api/fspiop/$1" -H "@$T/came/headers" -i "$2"
}
is 'and verifies as it came' "$(verify_fspiop transfers "$T/came/body")" 'signed by payerfsp'
fails 'but not for another URL' 1 '*FSPIOP-URI*' verify_fspiop quotes "$T/came/body"
fails 'nor with another body' 1 "*isn't made with the source's key*" verify_fspiop transfers "$T/pretty.json"
fails 'a key of another type can not sign so' 1 '*type ed25519*' hsm_agent http-sign ed --profile mojaloop/request \
    --url https://h/transfers -H 'FSPIOP-Source: a' -i "$T/pretty.json"
fails 'a URL is needed' 2 '*--url*' hsm_agent http-sign ed

printf 'hello' >"$T/hello"
hsm_agent http-sign ed --url 'https://h/a?b=c' -H 'Content-Type: text/plain' -i "$T/hello" >"$T/fields"
printf '{"it":%s}' "$(hsm_agent key show ed --public pem >"$T/ed.pem"; quoted "$T/ed.pem")" >"$T/ed.json"
verify_ed() {
    hsm_agent verify http-signature --url 'https://h/a?b=c' -H 'Content-Type: text/plain' -H "@$T/fields" \
        --keys "$T/ed.json" "$@"
}
like 'RFC 9421 without a profile' "$(<"$T/fields")" '*Content-Digest: sha-256=:*Signature-Input: sig1=("@method" "@target-uri" "content-digest" "content-type");created=*'
fails 'the keyid has to be that of the key' 1 '*keyid*' verify_ed -i "$T/hello"
hsm_agent key show ed --public jwk | "$python" -c 'import hashlib, base64, json, sys
jwk = json.load(sys.stdin)
text = json.dumps({name: jwk[name] for name in sorted(("crv", "kty", "x"))}, separators=(",", ":"))
kid = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
print(json.dumps({"keys": [{**jwk, "kid": kid}]}))' >"$T/ed.json"
like 'it verifies with a JWK Set' "$(verify_ed -i "$T/hello")" 'signed by *'
fails 'and not with another method' 1 "*isn't made with the key*" verify_ed -i "$T/hello" -X PUT
printf 'hallo' >"$T/hello"
fails 'nor with another body' 1 '*Content-Digest*' verify_ed -i "$T/hello"

ends_well a

# --- Whoever may make one kind of message gets nothing else signed

make_agent b
sed -i 's/^allow = .*/allow = *:create,show\nallow = k:http-signature profile=rfc9421\/*/' "$T/b/agent.conf"
start_agent b || done_testing
hsm_agent key create k --type rsa:2048 >/dev/null || not_ok 'the key k is made'
hsm_agent key create other --type rsa:2048 >/dev/null || not_ok 'the key other is made'
message='"method":"POST","url":"https://h/transfers","headers":{"FSPIOP-Source":"a"},"body_text":"{}"'
api POST /v1/keys/k/http-signature "{$message}"
is 'the message that is granted' "$status $(field algorithm)" '200 PS512'
api POST /v1/keys/k/http-signature "{\"profile\":\"mojaloop/request\",$message}"
problem 'not one of another profile' 403 forbidden
api POST /v1/keys/k/http-signature "{\"items\":[{$message},{\"profile\":\"mojaloop/request\",$message}]}"
is 'nor in a batch' "$status $(member results.0.profile) $(member results.1.code)" '200 rfc9421/request forbidden'
api POST /v1/keys/other/http-signature "{$message}"
problem 'not with another key' 403 forbidden
api POST /v1/keys/other/http-signature "{\"items\":[{$message}]}"
problem 'nor in a batch with it' 403 forbidden
api POST /v1/keys/k/sign '{"algorithm":"PS512","data":"aGk"}'
problem 'not data' 403 forbidden
api POST /v1/keys/k/http-signature "{$message,\"certificate\":$(quoted "$vectors/pki/good.pem")}"
problem 'a certificate where none is sent' 400 malformed /certificate
ends_well b
done_testing
