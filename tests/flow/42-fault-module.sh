#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The module that fails on command (tests/fault) below a whole agent: each fault is met, does what it says, and is over
# with its rule. What the agent makes of it is told as diagnostics; what it must make of it is tested elsewhere.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:deadline-ms = 2000'
fault_on a
make_token "$T/a/second" second
token_section "$T/a/second" second >>"$T/a/agent.conf"
fault_on a second
start_agent a || done_testing
if ! hsm_agent key create p256 --type ec:p256 --token main >/dev/null || ! hsm_agent key show p256 --public pem >"$T/pem"; then
    not_ok 'a key is made'
    done_testing
fi
printf hello >"$T/data"

sign() {
    api POST /v1/keys/p256/sign '{"algorithm":"ES256","data":"aGVsbG8"}'
}
works() {
    sign && [ "$status" = 200 ]
}
verifies() { # the last answer
    field signature | unb64u >"$T/sig"
    openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data" >/dev/null 2>&1
}
answer() {
    [ "$status" = 200 ] && echo 200 || echo "$status $(field code)"
}
# A new process of the token, from whatever state the fault has left.
renew() {
    kill -KILL "$(child_pid a)" 2>/dev/null
    await 20 works
}

# --- Rules that are wrong are noticed before they are obeyed

printf 'C_Sing hang\n' >"$T/wrong"
fails 'a rule for a function that nobody has is refused' 1 "*line 1: there is no function 'C_Sing'*" \
    faultctl check "$T/wrong"

# --- Faults at a call. Each is obeyed as often as it says, and the key signs once it is gone.

meets() { # NAME TIMES RULE...: signs so often; the first rule is met once
    local name=$1 times=$2 answers=() i
    shift 2
    faults a "$@" || return
    for ((i = 0; i < times; i++)); do
        sign
        answers+=("$(answer)")
    done
    is "$name: the call met it" "$(counted a fired 1)" 1
    diag "$* -> $(printf '%s; ' "${answers[@]}")"
    faults a
    succeeds "$name: and it is over" await 20 works
}

meets 'an error' 1 'C_Sign error CKR_GENERAL_ERROR count 1'
meets 'an error of the device' 1 'C_Sign error CKR_DEVICE_ERROR count 1'
meets 'an error that hides a success' 1 'C_Sign late CKR_DEVICE_ERROR count 1'
meets 'an error by a number' 1 'C_SignInit error 0x80000000 count 1'
meets 'a lost session' 1 'C_SignInit kill-sessions count 1'
meets 'a lost login' 1 'C_SignInit logout count 1'
meets 'a buffer that is said to be too small' 1 'C_Sign too-small count 1'
meets 'a signature that is too short' 1 'C_Sign shorten 1 count 1'
meets 'a hang' 1 'C_Sign hang count 1'
meets 'an abort' 1 'C_Sign crash count 1'
meets 'a segmentation fault' 1 'C_Sign crash segv count 1'
meets 'an exit without a word' 1 'C_Sign crash exit count 1'
meets 'a crash at the next start' 1 'C_Initialize crash count 1' 'C_Sign crash kill count 1'

# --- One process dies, the next one is well: the count is the file's, not the process's

faults a 'C_Sign crash after 2 count 1'
for i in 1 2 3 4; do
    sign
    is "signature $i around a crash" "$status" 200
done
is 'which happened' "$(counted a fired 1)" 1

# --- Signatures that are wrong

renew
faults a 'C_Sign flip count 1'
sign
if [ "$status" = 200 ]; then
    is 'a flipped bit spoils the signature' "$(verifies || echo spoilt)" spoilt
else
    ok 'a flipped bit is noticed'
fi
sign
is 'the next signature is right' "$status $(verifies && echo verifies)" '200 verifies'

# --- A delay holds nobody else up

faults a 'C_Sign delay 500'
start=$(date +%s%3N)
requests=()
for i in 1 2 3 4; do
    curl -s -m 60 --unix-socket "$socket" -o /dev/null -d '{"algorithm":"ES256","data":"aGVsbG8"}' \
        -H 'Content-Type: application/json' http://localhost/v1/keys/p256/sign &
    requests+=($!)
done
wait "${requests[@]}"
elapsed=$(($(date +%s%3N) - start))
is 'four delays' "$(counted a fired 1)" 4
# One after the other they would take 2 s.
is 'are taken at one time' "$([ $elapsed -ge 500 ] && [ $elapsed -lt 1900 ] && echo yes || echo "$elapsed ms")" yes

# --- hold: a call that is in flight for as long as the test wants

is_held() {
    [ "$(counted a fired 1)" = 1 ]
}
faults a 'C_Sign hold count 1'
curl -s -m 60 --unix-socket "$socket" -o "$T/held" -w '%{http_code}' -d '{"algorithm":"ES256","data":"aGVsbG8"}' \
    -H 'Content-Type: application/json' http://localhost/v1/keys/p256/sign >"$T/held.status" &
held=$!
succeeds 'a call is held' await 20 is_held
sign
is 'while another one passes' "$status" 200
faults a
wait $held
is 'and goes on with the end of its rule' "$(<"$T/held.status")" 200

# --- Each token has its own faults

hsm_agent key create other --type ec:p256 --token second >/dev/null || not_ok 'a key is made in the second token'
before=$(counted a calls C_Sign)
faults a 'C_Sign error CKR_DEVICE_MEMORY'
api POST /v1/keys/other/sign '{"algorithm":"ES256","data":"aGVsbG8"}'
is "the second token doesn't know the first one's faults" "$status" 200
is 'nor does the first one see its calls' "$(counted a calls C_Sign)" "$before"
faults a
faults a/second 'C_Sign error CKR_DEVICE_MEMORY count 1'
api POST /v1/keys/other/sign '{"algorithm":"ES256","data":"aGVsbG8"}'
is 'it has its own' "$(counted a/second fired 1)" 1
sign
is 'which leave the first one alone' "$status" 200

# --- What a token is

describes() { # NAME RULE: the answer to two requests, the second after the token's process was replaced
    local name=$1 first
    shift
    faults a 'C_SignInit kill-sessions count 1' "$@" || return
    sign
    first=$(answer)
    is "$name: the sessions are lost" "$(counted a fired 1)" 1
    kill -KILL "$(child_pid a)" 2>/dev/null
    sign
    diag "sessions lost, and $* -> $first; in a new process -> $(answer)"
    faults a
    succeeds "$name: and it is over" renew
}

describes 'slots are renumbered' 'token slots-shift 7'
describes 'the token moves to another slot' 'token slots-move 7'
describes 'few sessions' 'token session-cap 4'
describes 'one session' 'token session-cap 1'
describes 'objects are found twice' 'token objects-twice'
describes 'objects have twins' 'token objects-twins'
describes 'no object is found' 'token objects-hidden'

faults a 'token absent'
sign
unlike 'a token that is gone does not sign' "$status" 200
diag "token absent -> $(answer)"
faults a
succeeds 'and serves when it is back' await 20 works

faults a 'token session-idle 100'
before=$(counted a calls C_OpenSession)
sleep 0.3
sign
diag "token session-idle 100 -> $(answer)"
is 'idle sessions have expired: a new one was opened' "$([ "$(counted a calls C_OpenSession)" -gt "$before" ] && echo yes)" yes
faults a
succeeds 'and serve again' await 20 works

# --- Signals: the module takes them in C_Initialize

faults a 'C_Initialize signals' 'C_Sign crash kill count 1'
sign
is 'a new process initialised the module' "$(counted a fired 1)" 1
pid=$(child_pid a)
for name in PIPE INT TERM; do
    kill -s $name "$pid"
done
sign
is "the token's process survives SIGPIPE, SIGINT and SIGTERM" "$status $(child_pid a)" "200 $pid"
is "and the module's handlers saw none of them" "$(counted a signals)" 0
faults a

# --- The PIN

renew
like 'the right PIN was tried, and never refused' "$(counted a logins "$T/a/main/pin")" '[1-9]* ok=[1-9]* refused=0 *'
is 'and no other' "$(counted a pins)" 1
ends_well a
cp "$T/a/main/pin" "$T/right"
printf 'wrong-%s' "$(<"$T/right")" >"$T/a/main/pin"
faults a 'token pin-tries 3'
start_agent a || done_testing
for i in 1 2 3; do
    sign
done
is_problem 503 pin-refused || diag "a wrong PIN -> $(answer)"
is 'a wrong PIN reached the token once' "$(counted a logins "$T/a/main/pin")" '1 ok=0 refused=1 other=0'
is 'so two PINs were seen' "$(counted a pins)" 2
ends_well a

# The token counts across the agent's processes, and says what it has counted.
cp "$T/right" "$T/a/main/pin"
faults a 'token pin-tries 2'
logins=$(counted a logins "$T/right")
start_agent a || done_testing
sign
diag "CKF_USER_PIN_FINAL_TRY -> $(answer)"
is 'the right PIN is not tried when one more mistake would lock the token' "$(counted a logins "$T/right")" "$logins"
ends_well a

faults a 'C_Login error CKR_USER_ALREADY_LOGGED_IN'
start_agent a || done_testing
sign
unlike 'already logged in is no login' "$status" 200
diag "C_Login error CKR_USER_ALREADY_LOGGED_IN -> $(answer)"
ends_well a
done_testing
