#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A wrong PIN is tried once, over restarts, kills and crashes; the right one is never locked out for long.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
fault_on a
pin=$T/a/main/pin
record=$T/a/state/pin-guard/main
right=$(<"$pin")
wrong=$T/wrong
printf 'wrong-%s' "$right" >"$wrong"

state() {
    api GET /v1/tokens
    member tokens.0.state
}
logins() { # PIN-FILE: calls of C_Login with it, ever
    counted a logins "$1" | cut -d' ' -f1
}

# --- The right PIN leaves nothing behind.

faults a
start_agent a || done_testing
is 'the token is ready' "$(state)" ready
is 'the right PIN is not on record' "$(ls "$T/a/state/pin-guard")" ''
is 'the directory is private' "$(stat -c %a "$T/a/state/pin-guard")" 700
hsm_agent key create k --type ec:p256 >/dev/null || not_ok 'a key is made'
kill_agent a

# --- A wrong one, and a supervisor that restarts the daemon 50 times

cp "$wrong" "$pin"
faults a
for i in $(seq 50); do
    launch_agent a
    # Killed as soon as it has said what it thinks of the PIN. (Not amid the login itself, for then SoftHSM writes its token
    # anew, in place, and a kill leaves it none. What a death amid a login leads to is below, where the token isn't asked.)
    await 60 grep -q pin-refused "$T/a/log" || break
    kill_agent a
    [ "$i" = 50 ] || : >"$T/a/log"
done
is 'in 50 starts a wrong PIN was tried once' "$(logins "$wrong")" 1
is 'and no other but the right one before' "$(counted a pins)" 2
is 'its record is private' "$(stat -c %a "$record")" 600
is 'the PIN is not in it' "$(grep -cF -e "$right" "$record")" 0

start_agent a || done_testing
is 'the token says that its PIN was refused' "$(state)" pin-refused
like 'and what to do' "$(member tokens.0.error.hint)" '*hsm-agent token unlock*'
fails 'an unlock with the same PIN' 1 '' hsm_agent token unlock main
like 'says so' "$(<"$T/out")" 'main is pin-refused*because:*remedy:*'
is 'and has tried it' "$(logins "$wrong")" 2

# --- Corrected

printf '%s\n' "$right" >"$pin"
succeeds 'a corrected PIN and an unlock bring the token up' hsm_agent token unlock main
is 'it is ready' "$(state)" ready
api POST /v1/keys/k/sign '{"algorithm":"ES256","data":"aGk"}'
is 'and signs' "$status" 200
succeeds 'an unlock of a token that is ready changes nothing' hsm_agent token unlock main
fails 'there is no such token' 1 '*no token*' hsm_agent token unlock nothing

# --- The PIN turns wrong while the token serves, which takes a new login to notice.

cp "$wrong" "$pin"
faults a 'C_SignInit logout count 1'
api POST /v1/keys/k/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'a login with a wrong PIN is refused' 503 pin-refused
for i in 1 2 3; do
    kill_agent a
    launch_agent a
    await 60 is_serving
done
is 'and not tried again' "$(logins "$wrong")" 3
printf '%s\n' "$right" >"$pin"
kill_agent a
start_agent a || done_testing
is 'a corrected PIN is tried at the next start, without an unlock' "$(state)" ready
ends_well a

# --- The process dies amid a login: nobody knows what the token made of the PIN.

faults a 'C_Login crash kill count 1'
start_agent a || done_testing
is 'the right PIN is tried again' "$(state)" ready
is 'and is not on record' "$(grep -c '^begun ' "$record") $(grep -c '^refused ' "$record")" '0 1'
ends_well a

before=$(logins "$pin")
faults a 'C_Login crash kill' 'token pin-count-low'
start_agent a || done_testing
is 'a token that counts wrong PINs: tried once' $(($(logins "$pin") - before)) 1
is 'and not again' "$(state)" pin-refused
faults a
succeeds 'until an operator says that the PIN is right' hsm_agent token unlock main
is 'it is ready again' "$(state)" ready
ends_well a

# --- A login of somebody else proves nothing.

faults a 'C_Login error CKR_USER_ALREADY_LOGGED_IN'
launch_agent a
await 60 is_serving
await 60 grep -q 'token-down.*CKR_USER_ALREADY_LOGGED_IN' "$T/a/log"
is 'a login that is there already is no login' "$(grep -c 'token-down.*CKR_USER_ALREADY_LOGGED_IN' "$T/a/log")" 1
ends_well a

# --- What can't be recorded isn't tried.

rm -rf "$T/a/state/pin-guard"
printf 'what is this\n' >"$T/odd"
mkdir "$T/a/state/pin-guard"
install -m 600 "$T/odd" "$record"
faults a
before=$(logins "$pin")
start_agent a || done_testing
is 'a record that is not understood: the token stays down' "$(state)" down
is 'and the PIN is not tried' $(($(logins "$pin") - before)) 0
succeeds 'an unlock removes it' hsm_agent token unlock main
is 'and the token is ready' "$(state)" ready
ends_well a
is 'the PIN is in no log' "$(grep -cF -e "$right" "$T/a/log")" 0
done_testing
