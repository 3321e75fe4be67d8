#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# HMAC keys, made in the token and imported: their codes are those of OpenSSL, Mojaloop's examples of conditions and
# fulfilments come out byte by byte, and the secret is nowhere but in the token.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

vectors=$(cd "${srcdir:-.}/tests/vectors" && pwd) || exit 99
make_agent a 'token:sessions = 4' 'token:verify = always'
fault_on a
faults a
daemon_args=(--debug)
start_agent a || done_testing

asks() { # NAME STATUS METHOD PATH BODY
    api "$3" "$4" "$5"
    is "$1" "$status" "$2"
}

vector() { # PYTHON-EXPRESSION over the vector v
    "$python" -c '
import base64, json, sys
v = json.load(open(sys.argv[1]))
b64u = lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")
dumps = lambda value: json.dumps(value, separators=(",", ":"))
out = eval(sys.argv[2])
sys.stdout.write(out if isinstance(out, str) else dumps(out))' "$vectors/mojaloop-ilp.json" "$1"
}

# --- Made in the token

asks 'a key is made' 201 PUT /v1/keys/made '{"type":"hmac:256"}'
is 'its purpose is mac alone' "$(field type) $(field state) $(field origin)" 'hmac:256 ready created'
like 'it has no public key' "$body" '*"purposes":\["mac"\]*"algorithms":\["HMAC-SHA256"\]*'
unlike 'none at all' "$body" '*public_key*'
asks 'another has another secret' 201 PUT /v1/keys/made2 '{"type":"hmac:256"}'
asks 'a code is made' 200 POST /v1/keys/made/mac '{"data_text":"hello"}'
code=$(field mac)
is 'of 32 bytes' "${#code} $(field algorithm) $(field token)" '43 HMAC-SHA256 main'
asks 'of the same data as bytes' 200 POST /v1/keys/made/mac '{"algorithm":"HMAC-SHA256","data":"aGVsbG8"}'
is 'it is the same' "$(field mac)" "$code"
asks 'by the other key' 200 POST /v1/keys/made2/mac '{"data_text":"hello"}'
unlike 'it is another' "$(field mac)" "$code"

# --- Imported

secret=$(vector 'v["secret"]')
key_text=$(vector 'base64.b64encode(v["secret"].encode()).decode()')
encoded=$(vector 'b64u(base64.b64encode(v["secret"].encode()))')
asks 'a secret is imported' 201 PUT /v1/keys/ilp "{\"type\":\"hmac:256\",\"secret\":\"$encoded\"}"
is 'and says so' "$(field origin)" imported
unlike 'the answer tells nothing of it' "$body" "*$encoded*"
asks 'a code by it' 200 POST /v1/keys/ilp/mac '{"data_text":"hello"}'
printf hello | openssl dgst -sha256 -mac HMAC -macopt "key:$key_text" -binary | base64 | tr '+/' '-_' | tr -d '=\n' >"$T/want"
is "is OpenSSL's" "$(field mac)" "$(<"$T/want")"

# --- Mojaloop

transaction=$(vector 'v["transaction"]')
for version in v4 v1; do
    fulfilment=$(vector "v['$version']['fulfilment']")
    condition=$(vector "v['$version']['condition']")
    if [ $version = v4 ]; then
        profile=mojaloop/ilp
        input="\"transaction\":$transaction"
    else
        profile=mojaloop/ilp-v1
        input="\"data\":\"$(vector "v['packet']")\""
    fi
    asks "ILP $version" 200 POST /v1/keys/ilp/mac "{\"profile\":\"$profile\",$input}"
    is "the fulfilment of ILP $version is Mojaloop's" "$(field fulfilment)" "$fulfilment"
    is "so is the condition" "$(field condition)" "$condition"
    unlike 'the code has no other name' "$body" '*"mac":*'
done
pretty=$("$python" -c 'import base64, json, sys
text = json.dumps(dict(reversed(json.loads(sys.argv[1]).items())), indent=4)
print(base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))' "$transaction")
asks 'however the transaction is written' 200 POST /v1/keys/ilp/mac "{\"profile\":\"mojaloop/ilp\",\"data\":\"$pretty\"}"
is 'the fulfilment is the same' "$(field fulfilment)" "$(vector "v['v4']['fulfilment']")"

# --- A batch

before=$(counted a calls C_Sign)
items=$("$python" -c 'import json; print(json.dumps({"items": [{"data_text": str(i)} for i in range(256)]}))')
asks 'a batch of 256' 200 POST /v1/keys/ilp/mac "$items"
is 'has 256 codes' "$(grep -o '"mac":' "$T/body" | wc -l)" 256
is 'each costs one operation' $(($(counted a calls C_Sign) - before)) 256
asks 'a batch with a mistake in it' 200 POST /v1/keys/ilp/mac \
    '{"items":[{"data_text":"a"},{"profile":"mojaloop/ilp","data_text":"no JSON"}]}'
like 'has the rest' "$body" '{"results":\[{*"mac":*},{*"pointer":"/items/1/data_text"*}\]}'

# --- The command line

vector 'v["secret"]' >"$T/secret.txt"
printf '%s\n' "$(<"$T/secret.txt")" >"$T/secret-nl.txt"
printf '%s' "$key_text" >"$T/key.raw"
base64 -w 20 "$T/key.raw" >"$T/key.b64"
vector 'v["transaction"]' >"$T/transaction.json"
vector 'base64.urlsafe_b64decode(v["packet"] + "==").hex()' | xxd -r -p >"$T/packet"
is 'a secret from a file' "$(hsm_agent key import-secret c1 --form mojaloop --secret-file "$T/secret-nl.txt")" 'imported c1'
is 'from stdin' "$(hsm_agent key import-secret c2 --secret-file - <"$T/key.raw")" 'imported c2'
is 'as base64' "$(hsm_agent key import-secret c3 --form base64 --secret-file "$T/key.b64" --token main)" 'imported c3'
for key in c1 c2 c3; do
    is "the code of $key" "$(printf hello | hsm_agent mac $key --format base64url)" "$(<"$T/want")"
done
is 'as hexadecimal text' "$(printf hello | hsm_agent mac c1 --format hex)" \
    "$(printf hello | openssl dgst -sha256 -mac HMAC -macopt "key:$key_text" | sed 's/.*= //')"
printf hello >"$T/hello"
succeeds 'a code into a file' hsm_agent mac c1 -i "$T/hello" -o "$T/code"
is 'has its bytes, and is private' "$(wc -c <"$T/code") $(stat -c %a "$T/code")" '32 600'
is 'fulfilment and condition of a transaction' "$(hsm_agent mac c1 --profile mojaloop/ilp <"$T/transaction.json")" \
    "$(vector '{"fulfilment": v["v4"]["fulfilment"], "condition": v["v4"]["condition"]}')"
is 'of a packet' "$(hsm_agent mac c1 --profile mojaloop/ilp-v1 -i "$T/packet")" \
    "$(vector '{"fulfilment": v["v1"]["fulfilment"], "condition": v["v1"]["condition"]}')"
fails 'a secret that is too short is refused' 1 '*32 to 512 bytes*this one has 5*remedy:*' \
    hsm_agent key import-secret c4 --secret-file "$T/hello"
fails 'one that is no base64 is' 1 "*the secret isn't base64*" \
    hsm_agent key import-secret c4 --form base64 --secret-file <(echo '"!"')
fails 'a form that is none is' 2 '*Use raw, base64 or mojaloop*' \
    hsm_agent key import-secret c4 --form text --secret-file "$T/hello"
like 'a newline that counts is mentioned' "$(hsm_agent key import-secret c4 --secret-file "$T/key.b64" 2>&1)" '*newline*part of the key*'
like 'the key is listed' "$(hsm_agent key show c1)" '*hmac:256*mac*imported*HMAC-SHA256*'
fails 'it has no public key to show' 1 '*no public key*' hsm_agent key show c1 --public pem
fails 'nor for OpenSSL' 1 '*public key*' hsm_agent pem c1

# --- What is refused

asks 'a short secret' 400 PUT /v1/keys/short '{"type":"hmac:256","secret":"c2hvcnQ"}'
like 'is refused with its size' "$body" '*an HMAC key has 32 to 512 bytes; this one has 5*"pointer":"/secret"*'
asks 'a name that is taken' 409 PUT /v1/keys/ilp "{\"type\":\"hmac:256\",\"secret\":\"$encoded\"}"
asks 'a secret for a pair' 400 PUT /v1/keys/pair "{\"type\":\"ec:p256\",\"secret\":\"$encoded\"}"
asks 'another purpose' 422 PUT /v1/keys/signer '{"type":"hmac:256","purposes":["sign"]}'
asks 'the purpose for a pair' 422 PUT /v1/keys/pair '{"type":"ec:p256","purposes":["mac"]}'
asks 'several tokens' 422 PUT /v1/keys/two '{"type":"hmac:256","tokens":["main"]}'
asks 'an HMAC key of somebody else' 404 PUT /v1/keys/other '{"uri":"pkcs11:object=ilp"}'
asks 'by no URI at all' 400 PUT /v1/keys/other '{"uri":""}'
asks 'a pair' 201 PUT /v1/keys/ec '{"type":"ec:p256"}'
asks 'it makes no codes' 422 POST /v1/keys/ec/mac '{"data_text":"x"}'
asks 'a code with an algorithm of signatures' 400 POST /v1/keys/ilp/mac '{"algorithm":"RS256","data_text":"x"}'
asks 'two inputs' 400 POST /v1/keys/ilp/mac '{"data":"eA","data_text":"x"}'
asks 'no input' 400 POST /v1/keys/ilp/mac '{}'
asks 'a transaction without a profile' 400 POST /v1/keys/ilp/mac '{"transaction":{}}'
asks 'a profile of signatures' 400 POST /v1/keys/ilp/mac '{"profile":"mojaloop/request","data_text":"x"}'
asks 'a transaction that is none' 400 POST /v1/keys/ilp/mac '{"profile":"mojaloop/ilp","data_text":"[]"}'
asks 'no signature' 400 POST /v1/keys/ilp/sign '{"algorithm":"HMAC-SHA256","data":"eA"}'
asks 'none by another name' 422 POST /v1/keys/ilp/sign '{"algorithm":"RS256","data":"eA"}'
asks 'no JWS' 422 POST /v1/keys/ilp/jws '{"payload_text":"x"}'
asks 'none with HS256' 400 POST /v1/keys/ilp/jws '{"algorithm":"HS256","payload_text":"x"}'
asks 'none with HMAC-SHA256' 403 POST /v1/keys/ilp/jws '{"algorithm":"HMAC-SHA256","payload_text":"x"}'
asks 'no JWT' 422 POST /v1/keys/ilp/jwt '{"claims":{}}'
asks 'no certificate request' 422 POST /v1/keys/ilp/csr '{"subject":[{"CN":"x"}]}'
asks 'no signed HTTP message' 422 POST /v1/keys/ilp/http-signature \
    '{"profile":"rfc9421/request","method":"GET","url":"https://x.example/","headers":{}}'
asks 'no decryption' 422 POST /v1/keys/ilp/decrypt '{"algorithm":"RSA-OAEP","ciphertext":"eA"}'
asks 'no agreement' 422 POST /v1/keys/ilp/derive \
    '{"algorithm":"ECDH","peer":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}'
asks 'no JWK' 200 GET /v1/jwks ''
is 'but that of the pair' "$(grep -o '"kid"' "$T/body" | wc -l)" 1

# --- Restarts

kill -KILL "$(child_pid a)"
asks 'another process of the token finds the key' 200 POST /v1/keys/ilp/mac '{"data_text":"hello"}'
is 'it is the same' "$(field mac)" "$(<"$T/want")"
ends_well a
start_agent a || done_testing
asks 'another daemon does' 200 POST /v1/keys/ilp/mac '{"data_text":"hello"}'
is 'it is the same again' "$(field mac)" "$(<"$T/want")"

asks 'a key is deleted' 200 DELETE /v1/keys/made ''
is 'and destroyed' "$(field objects)" destroyed
asks 'there is none of that name' 404 POST /v1/keys/made/mac '{"data_text":"hello"}'
asks 'a file of another key' 200 GET /v1/keys/made2 ''
sed "s/$(field id)/00/" "$T/a/state/keys/made2.json" >"$T/other.json"
ends_well a
cp "$T/other.json" "$T/a/state/keys/made2.json"
start_agent a || done_testing
asks 'whose object is gone' 200 GET /v1/keys/made2 ''
is 'is missing' "$(field state)" missing
asks 'and makes no codes' 409 POST /v1/keys/made2/mac '{"data_text":"hello"}'

# --- Policy

ends_well a
sed -i 's!^allow = .*!allow = *:show,create,delete\nallow = c1:mac profile=mojaloop/ilp\nallow = c2:mac HMAC-SHA256!' "$T/a/agent.conf"
start_agent a || done_testing
asks 'what a rule grants' 200 POST /v1/keys/c1/mac "{\"profile\":\"mojaloop/ilp\",\"transaction\":$transaction}"
asks 'another message of the profile' 403 POST /v1/keys/c1/mac '{"profile":"mojaloop/ilp-v1","data":"eA"}'
like 'is refused with what would have to be granted' "$body" '*allow = c1:mac profile=mojaloop/ilp-v1*'
asks 'a plain code' 403 POST /v1/keys/c1/mac '{"data_text":"x"}'
asks 'one of a batch' 200 POST /v1/keys/c1/mac \
    "{\"items\":[{\"data_text\":\"x\"},{\"profile\":\"mojaloop/ilp\",\"transaction\":$transaction}]}"
like 'is refused alone' "$body" '{"results":\[{*"code":"forbidden"*},{*"fulfilment":*}\]}'
asks 'a key without a rule' 403 POST /v1/keys/c3/mac '{"data_text":"x"}'
asks 'a batch with it' 403 POST /v1/keys/c3/mac '{"items":[{"data_text":"x"}]}'
asks 'plain codes where they are granted' 200 POST /v1/keys/c2/mac '{"data_text":"x"}'
asks 'and those of a profile' 200 POST /v1/keys/c2/mac '{"profile":"mojaloop/ilp-v1","data":"eA"}'

# --- The secret

# Both ways into this daemon, one of them over a connection that stays.
is 'a secret is imported' "$(hsm_agent key import-secret c5 --secret-file "$T/key.raw")" 'imported c5'
printf '{"type":"hmac:256","secret":"%s"}' "$encoded" >"$T/request"
mkfifo "$T/hold"
"$python" "$flow/keep_connection.py" "$socket" PUT /v1/keys/c6 "$T/request" <"$T/hold" >"$T/kept" &
track $!
exec 9>"$T/hold"
await 10 test -s "$T/kept"
is 'another, whose connection is kept' "$(<"$T/kept")" 201
asks 'keys are used' 200 POST /v1/keys/c2/mac '{"data_text":"hello"}'
for form in "$secret" "$key_text" "$encoded"; do
    is 'it is in no file of the agent' "$(grep -rcF -- "$form" "$T/a/state" "$T/a/log" "$T/a/agent.conf" | grep -vc ':0$')" 0
done
if [ "$(id -u)" != 0 ]; then
    skip 'nor in memory' 'only root can read it'
else
    printf '%s' "$socket" >"$T/known"
    daemon=${agent_pid[a]}
    like 'what is in the memory of the daemon is found there' "$("$python" "$flow/find_bytes.py" "$daemon" "$T/known")" '[1-9]*'
    for form in "$key_text" "$encoded"; do
        printf '%s' "$form" >"$T/form"
        is 'it is nowhere in the memory of the daemon' "$("$python" "$flow/find_bytes.py" "$daemon" "$T/form")" ''
        diag "in the token's process: $("$python" "$flow/find_bytes.py" "$(child_pid a)" "$T/form" | tr '\n' ' ')"
    done
fi

exec 9>&-
ends_well a
done_testing
