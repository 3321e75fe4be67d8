#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One new key in two tokens: wrapped from one into the other, used in both, extractable from neither; and what is left
# when that is cut off.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v pkcs11-tool >/dev/null || skip_all 'pkcs11-tool looks into the tokens, and is not there'

make_agent a 'token:deadline-ms = 4000' 'token:sessions = 4'
make_token "$T/a/b" b
{
    token_section "$T/a/b" b
    echo 'deadline-ms = 4000'
    echo 'sessions = 4'
} >>"$T/a/agent.conf"
fault_on a
fault_on a b
faults a
faults a/b

tool() { # TOKEN ARG...
    local token=$1
    shift
    SOFTHSM2_CONF=$T/a/$token/softhsm2.conf pkcs11-tool --module "$module" --token-label "$token" --login \
        --pin "$(<"$T/a/$token/pin")" "$@" 2>&1
}
objects() { # how many the two tokens have: "2 2" for a pair in each
    echo "$(tool main --list-objects | grep -c 'Key Object') $(tool b --list-objects | grep -c 'Key Object')"
}
start_agent a || done_testing

# --- Made

for type in ec:p256 ec:p384 ec:p521 rsa:2048; do
    name=${type/:/-}
    succeeds "$type is made in both tokens" hsm_agent key create "$name" --type $type --token main,b
    api GET "/v1/keys/$name"
    is 'it is ready in both' "$(field origin) $(field state) $(member replicas.0.token) $(member replicas.0.state) \
$(member replicas.1.token) $(member replicas.1.state)" 'created ready main ready b ready'
done
api PUT /v1/keys/box '{"type":"rsa:2048","purposes":["decrypt"],"tokens":["b","main"]}'
is 'a request makes one' "$status $(member replicas.0.token) $(member replicas.1.token)" '201 b main'
api PUT /v1/keys/agree '{"type":"ec:p256","purposes":["derive"],"tokens":["b","main"]}'
is 'and one for key agreement' "$status" 201
is 'the tokens hold nothing else' "$(objects)" '12 12'
for token in main b; do
    is "no private key leaves $token" "$(tool $token --list-objects --type privkey | grep -c 'Access: *sensitive$')" 6
    like "what they may be used for is theirs ($token)" "$(tool $token --list-objects --type privkey | grep Usage: | sort | uniq -c |
        tr -s ' \n' ' ')" ' 1 Usage: decrypt 1 Usage: derive 4 Usage: sign '
done

asked() { # KEY ALGORITHM: which tokens answer ten requests
    local i
    for i in {1..10}; do
        api POST "/v1/keys/$1/sign" "{\"algorithm\":\"$2\",\"data\":\"aGk\"}"
        [ "$status" = 200 ] && field token && echo || echo "$status $(field code)"
    done | sort | uniq -c | sed 's/^ *//' | paste -sd ' '
}
is 'the tokens take turns' "$(asked ec-p256 ES256)" '5 b 5 main'
printf hello >"$T/data"
for name in ec-p256 rsa-2048; do
    hsm_agent key show $name --public pem >"$T/pem"
    for i in 1 2; do
        hsm_agent sign $name -i "$T/data" -o "$T/sig" 2>"$T/err"
        succeeds "a signature of $name is right ($i)" openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data"
    done
done
hsm_agent key show box --public pem >"$T/pem"
openssl pkeyutl -encrypt -pubin -inkey "$T/pem" -pkeyopt rsa_padding_mode:oaep -in "$T/data" -out "$T/cipher"
for i in 1 2; do
    is "a plaintext is right ($i)" "$(hsm_agent decrypt box --alg RSA-OAEP -i "$T/cipher")" hello
done

# --- With either token away

has_token_down() { # INDEX
    api GET /v1/keys/ec-p256
    [ "$(member "replicas.$1.state")" = token-down ]
}
is_back() {
    api GET /v1/keys/ec-p256
    [ "$(member replicas.0.state) $(member replicas.1.state)" = 'ready ready' ]
}
index=0
for token in main b; do
    where=a; other=b
    [ $token = main ] || where=a/b other=main
    faults "${where}" 'token absent'
    kill -KILL "$(child_pid a $token)"
    is "without $token the other signs" "$(asked rsa-2048 RS256)" "10 $other"
    succeeds "$token is down" await 20 has_token_down $index
    fails 'no key is made then' 1 '*' hsm_agent key create gone --type ec:p256 --token main,b
    fails 'nor one in that token' 1 '*' hsm_agent key create gone --type ec:p256 --token $token
    api GET /v1/keys/gone
    problem 'and there is no trace of it' 404 no-such-key
    faults "${where}"
    succeeds "$token is used again" await 30 is_back
    index=$((index + 1))
done
is 'nothing was made' "$(objects)" '12 12'

# --- Refused

api PUT /v1/keys/none '{"type":"ec:p256","tokens":["main","main"]}'
problem 'a token twice is refused' 400 malformed /tokens/1
api PUT /v1/keys/none '{"type":"ec:p256","tokens":["main","c"]}'
problem 'an unknown token is refused' 400 malformed /tokens/1
api PUT /v1/keys/none '{"type":"ec:p256","tokens":[]}'
problem 'no token is refused' 400 malformed /tokens
api PUT /v1/keys/none '{"type":"ec:p256","tokens":["main",7]}'
problem 'a number is refused' 400 malformed /tokens/1
api PUT /v1/keys/none '{"type":"ec:p256","tokens":["main","b"],"token":"b"}'
problem 'token and tokens are refused' 400 malformed /tokens
api PUT /v1/keys/none '{"uri":"pkcs11:object=x","tokens":["main","b"]}'
problem 'tokens of an adopted key are refused' 400 malformed /tokens
fails 'a key that the token does not wrap is refused' 1 "*token 'main'*C_WrapKey*" \
    hsm_agent key create none --type ed25519 --token main,b
api GET /v1/keys/none
problem 'nothing came of what was refused' 404 no-such-key
is 'in no token' "$(objects)" '12 12'

# A token that tells of no mechanism: nothing is made in the other one.
faults a/b 'C_GetMechanismInfo error CKR_MECHANISM_INVALID'
before=$(child_pid a b)
kill -KILL "$before"
is_ready() { # TOKEN'S INDEX
    api GET /v1/tokens
    [ "$(member "tokens.$1.state")" = ready ]
}
await 30 eval '[ "$(child_pid a b)" != "$before" ] && is_ready 1'
made=$(counted a calls C_GenerateKeyPair)
for order in main,b b,main; do
    fails "a token that lacks what it takes is refused ($order)" 1 "*token 'b'*lacks*wrapping*remedy*adopt*" \
        hsm_agent key create none --type ec:p256 --token $order
done
is 'before anything is made' "$(counted a calls C_GenerateKeyPair) $(ls "$T/a/state/keys" | grep -c none)" "$made 0"
faults a/b
kill -KILL "$(child_pid a b)"
await 30 is_back

# --- Cut off

none_left() {
    api GET /v1/keys/cut
    [ "$status" = 404 ] && [ "$(objects)" = '12 12' ]
}
cut() { # NAME AGENT RULE: a creation that meets a fault fails and leaves nothing behind
    faults "$2" "$3"
    fails "$1 fails" 1 '*' hsm_agent key create cut --type ec:p256 --token main,b
    is 'the fault was met' "$([ "$(counted "$2" fired 1)" -gt 0 ] && echo yes)" yes
    faults "$2"
    await 30 none_left
    is 'and leaves nothing behind' "$status $(objects)" '404 12 12'
    succeeds 'and the tokens are back' await 30 is_back
}
cut 'a process killed as it wraps' a 'C_WrapKey crash kill count 1'
cut 'a process killed as it wraps for the other token' a 'C_WrapKey crash kill after 1 count 1'
cut 'a process killed as it unwraps its own' a 'C_UnwrapKey crash kill count 1'
cut 'a process killed as it makes the public object' a 'C_CreateObject crash kill after 1 count 1'
cut 'the other killed as it makes its wrapping key' a/b 'C_GenerateKeyPair crash kill count 1'
cut 'the other killed as it unseals' a/b 'C_UnwrapKey crash kill count 1'
cut 'the other killed as it unwraps' a/b 'C_UnwrapKey crash kill after 1 count 1'
cut 'the other killed as it makes the public object' a/b 'C_CreateObject crash kill count 1'
cut 'a token that refuses to wrap' a 'C_WrapKey error CKR_KEY_UNEXTRACTABLE'
cut 'a token that refuses to unwrap' a/b 'C_UnwrapKey error CKR_MECHANISM_INVALID'
cut 'a token whose wrapping fails' a 'C_WrapKey error CKR_DEVICE_ERROR'
cut 'a replica that gives wrong signatures' a/b 'C_Sign flip'
succeeds 'then it can be made' hsm_agent key create cut --type ec:p256 --token main,b
succeeds 'and deleted' hsm_agent key delete cut --confirm cut
is 'in both' "$(objects)" '12 12'
faults a 'C_WrapKey error CKR_SESSION_HANDLE_INVALID count 1'
succeeds 'a fault of the moment is got over' hsm_agent key create cut --type ec:p256 --token main,b
faults a
hsm_agent key delete cut --confirm cut >/dev/null

# --- The daemon killed

kill_in_creation() { # AGENT RULE
    faults "$1" "$2"
    hsm_agent key create cut --type ec:p256 --token main,b >"$T/out" 2>&1 &
    local client=$!
    await 30 eval '[ "$(counted '"$1"' fired 1)" -gt 0 ]' || not_ok 'the creation got there'
    kill_agent a
    wait $client
    faults "$1"
    start_agent a || done_testing
}
kill_in_creation a 'C_WrapKey hold'
await 30 none_left
is 'a daemon killed during the wrapping leaves nothing behind' "$status $(objects)" '404 12 12'
kill_in_creation a/b 'C_UnwrapKey hold'
await 30 none_left
is 'nor does one killed when only one token has the key' "$status $(objects)" '404 12 12'
# The private key is in both tokens, so the file may as well be a backup from the wrong moment.
kill_in_creation a/b 'C_CreateObject hold'
api GET /v1/keys/cut
is 'one killed when both have it says so' "$status $(field state)" '200 incomplete'
succeeds 'and its key can be deleted' hsm_agent key delete cut --confirm cut
is 'with all that was made' "$(objects)" '12 12'
ends_well a
done_testing
