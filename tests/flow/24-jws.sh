#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# JSON Web Signatures and Tokens: made in every form, verified without the agent's code, and by the agent; batches,
# several signers, the policy; the set of public keys.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
start_agent a || done_testing
for key in r2:rsa:2048 p256:ec:p256 p384:ec:p384 p521:ec:p521 ed:ed25519; do
    hsm_agent key create "${key%%:*}" --type "${key#*:}" >/dev/null || not_ok "${key%%:*} is made"
done
hsm_agent key create dec --type rsa:2048 --purpose decrypt >/dev/null
hsm_agent key create web --type ec:p256 --purpose tls-server >/dev/null

part 'the API' "$python" "$flow/jws.py" "$socket"

# --- The command line, made for pipes

hsm_agent jwks >"$T/jwks"
for pair in r2:RS256 r2:RS384 r2:RS512 r2:PS256 r2:PS384 r2:PS512 p256:ES256 p384:ES384 p521:ES512 ed:Ed25519; do
    key=${pair%%:*} alg=${pair#*:}
    printf 'the payload' | hsm_agent jws "$key" --alg "$alg" >"$T/jws" || not_ok "$alg is made"
    is "$alg: what one command makes the other verifies" "$(hsm_agent verify jws --jwks "$T/jwks" <"$T/jws")" 'the payload'
done
printf '$.02' >"$T/payload"
hsm_agent jws ed --detached --unencoded -i "$T/payload" -o "$T/jws"
like 'detached and unencoded, it has no payload' "$(<"$T/jws")" '*..*'
is 'and verifies with that beside it' "$(hsm_agent verify jws --jwks "$T/jwks" --payload "$T/payload" -i "$T/jws")" '$.02'
fails 'without it, it does not' 1 '*detached*' hsm_agent verify jws --jwks "$T/jwks" -i "$T/jws"
hsm_agent jws r2 --form general --signer p256 --signer ed -i "$T/payload" -o "$T/jws"
like 'three signers, three signatures' "$(hsm_agent verify jws --jwks "$T/jwks" --json -i "$T/jws")" '*"signatures":3,"good":3*'
fails 'several signers need the general form' 1 '*general*' hsm_agent jws r2 --signer p256 -i "$T/payload"

printf '{"amount": 100.00, "big":12345678901234567890}' >"$T/claims"
hsm_agent jwt p256 --claims "$T/claims" --claim iss=me --claim aud=you --lifetime 60 >"$T/jwt"
like 'claims are signed as they were written' "$(hsm_agent verify jws --jwks "$T/jwks" -i "$T/jwt")" \
    '{"amount":100.00,"big":12345678901234567890,"iss":"me","aud":"you","iat":*,"exp":*,"jti":"*"}'
succeeds 'a token is for whom it is' hsm_agent verify jws --jwks "$T/jwks" --iss me --aud you --lifetime 60 -i "$T/jwt"
fails 'and for nobody else' 1 '*aud*' hsm_agent verify jws --jwks "$T/jwks" --aud them -i "$T/jwt"
fails 'nor for longer' 1 '*lives for 60 s*' hsm_agent verify jws --jwks "$T/jwks" --lifetime 59 -i "$T/jwt"
fails 'nor later' 1 '*expired*' hsm_agent verify jws --jwks "$T/jwks" --jwt --at 1999999999 -i "$T/jwt"
fails 'nor with another algorithm' 1 '*ES256*' hsm_agent verify jws --jwks "$T/jwks" --alg PS256 -i "$T/jwt"
fails 'claims twice are refused' 1 '*occurs twice*' hsm_agent jwt p256 --claims "$T/claims" --claim amount=1

# --- Certificates: the key's own for x5c, somebody's chain for verifying

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=ca -days 30 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/ca2.key" -out "$T/ca2.pem" -subj /CN=other -days 30 2>/dev/null
hsm_agent csr r2 --subject CN=signer -o "$T/r2.csr"
printf 'keyUsage=digitalSignature\n' >"$T/ext"
openssl x509 -req -in "$T/r2.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 7 -extfile "$T/ext" \
    -out "$T/r2.pem" 2>"$T/out" || not_ok 'the certificate is made' "$(<"$T/out")"
hsm_agent jws r2 --cert "$T/r2.pem" -i "$T/payload" -o "$T/jws"
is 'x5c leads to its CA' "$(hsm_agent verify jws --ca "$T/ca.pem" -i "$T/jws")" '$.02'
fails 'and to no other' 1 '*' hsm_agent verify jws --ca "$T/ca2.pem" -i "$T/jws"
fails 'not for ever' 1 '*expired*' hsm_agent verify jws --ca "$T/ca.pem" --at 1999999999 -i "$T/jws"
fails 'revocation has to be known where it is asked for' 1 '*revo*' \
    hsm_agent verify jws --ca "$T/ca.pem" --need-revocation -i "$T/jws"
is 'a certificate alone is a key' "$(hsm_agent verify jws --cert "$T/r2.pem" -i "$T/jws")" '$.02'
fails 'a certificate of another key is refused' 1 '*another key*' hsm_agent jws ed --cert "$T/r2.pem" -i "$T/payload"
ends_well a

# --- What it costs

if [ -n "$spy" ]; then
    cp "$T/a/agent.conf" "$T/a/plain.conf"
    spy_on "$T/a/agent.conf" "$T/a/spy.log"
    start_agent a || done_testing
    hsm_agent jwt p256 >/dev/null
    : >"$T/a/spy.log"
    "$python" -c 'import json; print(json.dumps({"items": [{"claims": {"n": i}} for i in range(256)]}))' >"$T/batch"
    api POST /v1/keys/p256/jwt "$(<"$T/batch")"
    is 'a batch of 256 tokens is done' "$status $(grep -o '"jwt"' "$T/body" | wc -l)" '200 256'
    is 'by 256 operations of the token' "$(calls_of "$T/a/spy.log" C_Sign)" 256
    # -a: several threads write the log at one time, and some of it are bytes.
    sessions=$(grep -a -A 3 '^[0-9]*: C_Sign$' "$T/a/spy.log" | grep -a 'hSession' | sort -u | wc -l)
    [ "$sessions" -gt 1 ] && ok "in $sessions sessions" || not_ok "in several sessions, not $sessions" "$(grep -a hSession "$T/a/spy.log" | sort | uniq -c)"
    ends_well a
    mv "$T/a/plain.conf" "$T/a/agent.conf"
else
    skip 'a batch of 256 tokens is done' 'pkcs11-spy.so is not there'
fi

# --- The policy: tokens and nothing else

me=$(id -u)
sed -i '/^\[client/,$d' "$T/a/agent.conf"
printf '[client me]\nuser = %s\nallow = p256:jwt\nallow = r2:jws PS256\n' "$me" >>"$T/a/agent.conf"
start_agent a || done_testing
api POST /v1/keys/p256/jwt '{"claims":{}}'
is 'who may have tokens gets one' "$status" 200
api POST /v1/keys/p256/jws '{"payload":"aGk"}'
problem 'but no other message' 403 forbidden
api POST /v1/keys/p256/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'and no bare signature' 403 forbidden
api POST /v1/keys/r2/jws '{"payload":"aGk","algorithm":"RS256"}'
problem 'an algorithm that is not granted' 403 forbidden
api POST /v1/keys/r2/jws '{"payload":"aGk"}'
problem 'nor by leaving it out' 403 forbidden
api POST /v1/keys/r2/jws '{"payload":"aGk","algorithm":"PS256"}'
is 'the granted one' "$status" 200
api POST /v1/keys/r2/jws '{"payload":"aGk","algorithm":"PS256","serialization":"general","signers":[{"key":"p256"}]}'
problem 'each signer is asked about' 403 forbidden
api POST /v1/keys/r2/jws '{"payload":"aGk","algorithm":"PS256","serialization":"general","signers":[{"key":"ed"}]}'
problem 'one that the caller may not know of is not there' 404 no-such-key
api POST /v1/keys/ed/jws '{"items":[{"payload":"aGk"}]}'
problem 'not in a batch either' 404 no-such-key
is 'the set has the keys that the caller may know of' "$(hsm_agent jwks | grep -o '"kid"' | wc -l)" 2
ends_well a

# --- A profile: the agent fills in, pins and caps, and a client with that profile alone gets nothing else

mkdir -p "$T/a/profiles"
printf '[values]\nclient-id = tpp-1\nissuer = https://as.example\n[optional values]\nsigning-certificate = %s\n' \
    "$T/r2.pem" >"$T/a/profiles/uae-tpp.conf"
sed -i -e '/^\[client/,$d' -e "s|^\[agent\]|&\nprofiles = $T/a/profiles|" "$T/a/agent.conf"
printf '[client me]\nuser = %s\nallow = r2:jwt profile=uae-tpp/client-assertion\n' "$me" >>"$T/a/agent.conf"
start_agent a || done_testing
assertion() { # MEMBER...: asks for one
    api POST /v1/keys/r2/jwt "{\"profile\":\"uae-tpp/client-assertion\",$1}"
}
hsm_agent jwt r2 --profile uae-tpp/client-assertion >"$T/jwt"
kid=$(openssl x509 -in "$T/r2.pem" -outform DER | openssl dgst -sha256 -binary | b64u)
is 'the header is the profile'"'"'s' "$(cut -d. -f1 "$T/jwt" | unb64u)" "{\"alg\":\"PS256\",\"kid\":\"$kid\"}"
like 'so are the claims' "$(cut -d. -f2 "$T/jwt" | unb64u)" \
    '{"iss":"tpp-1","sub":"tpp-1","aud":"https://as.example","iat":*,"exp":*,"jti":"*"}'
hsm_agent jwks --profile uae-tpp >"$T/jwks"
like 'the set has the certificate and its kid' "$(<"$T/jwks")" "*\"alg\":\"PS256\",\"kid\":\"$kid\",\"x5c\":\[\"*\"x5t#S256\":\"$kid\"*"
succeeds 'with which it verifies' hsm_agent verify jws --jwks "$T/jwks" --iss tpp-1 --aud https://as.example \
    --lifetime 300 --need-exp -i "$T/jwt"
assertion '"claims":{},"lifetime":301'
problem 'a longer life is refused' 403 forbidden /lifetime
assertion '"claims":{"iss":"tpp-2"}'
problem 'another issuer' 403 forbidden /claims/iss
assertion '"claims":{"jti":"old"}'
problem 'a jti that may have been used' 403 forbidden /claims/jti
assertion '"claims":{"iat":4000000000,"exp":4000000100}'
problem 'a token for later' 403 forbidden /claims/iat
assertion '"claims":{},"header":{"typ":"JOSE"}'
problem 'another typ' 403 forbidden /header/typ
assertion '"claims":{},"algorithm":"RS256"'
problem 'another algorithm' 403 forbidden /algorithm
api POST /v1/keys/r2/jwt '{"claims":{}}'
problem 'no profile' 403 forbidden
api POST /v1/keys/r2/jwt '{"profile":"uae-tpp/payment","claims":{}}'
problem 'another message of the profile' 403 forbidden
api POST /v1/keys/r2/jws '{"profile":"uae-tpp/client-assertion","payload":"e30"}'
problem 'the scheme of another operation' 400 malformed /profile
api POST /v1/keys/r2/sign '{"algorithm":"PS256","data":"aGk"}'
problem 'and no bare signature' 403 forbidden
ends_well a
done_testing
