#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A token that fails now and then is not noticed by its callers. One that is away is told at once, probed slowly, and
# back soon after its return.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:sessions = 4'
fault_on a
faults a
start_agent a || done_testing
hsm_agent key create e --type ec:p256 >/dev/null &&
    hsm_agent key create r --type rsa:2048 --purpose sign,decrypt >/dev/null || not_ok 'the keys are made'
hsm_agent key show r --public pem >"$T/r.pem"
ciphertext=$(printf hello | openssl pkeyutl -encrypt -pubin -inkey "$T/r.pem" -pkeyopt rsa_padding_mode:oaep | b64u)

sign() {
    api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
}
signs() {
    sign && [ "$status" = 200 ]
}
lines() { # EVENT: how many of it are in the log
    grep -c " $1 " "$T/a/log"
}

part 'twelve codes' "$python" "$flow/ladder.py" "$socket" "$T/a/faults" 24 4 "$ciphertext"

# --- Away

await 30 signs
: >"$T/a/log"
before=$(counted a calls C_Initialize)
faults a 'token absent'
began=$EPOCHREALTIME
sign
problem 'a token that is away' 503 token-unavailable
like 'is told, with when to ask again' "$(<"$T/headers")" '*[Rr]etry-[Aa]fter: [1-9]*'
slowest=0
for i in $(seq 40); do
    time=$(curl -s -m 60 -o "$T/body" -w '%{time_total}' --unix-socket "$socket" -d '{"algorithm":"ES256","data":"aGk"}' \
        -H 'Content-Type: application/json' http://localhost/v1/keys/e/sign)
    slowest=$(printf '%s\n' "$slowest" "$time" | sort -g | tail -n 1)
done
diag "the slowest of 40 answers of a token that is away took $slowest s"
succeeds 'none of them waits for the token' awk "BEGIN { exit $slowest >= 2 }"
# Two probes at first, then one a second: however slow this machine is, not one a request.
is_down() {
    [ "$(lines token-down)" = 1 ]
}
is_back() {
    [ "$(lines token-ready)" = 1 ]
}
await 30 is_down
probes=$(($(counted a calls C_Initialize) - before))
diag "$probes calls of C_Initialize within $(awk "BEGIN { print $EPOCHREALTIME - $began }") s"
succeeds 'it is probed less often than it is asked for' test $probes -lt 35
is 'the log has one line of it' "$(lines token-down)" 1
faults a
began=$EPOCHREALTIME
succeeds 'it is back when the token is' await 30 signs
diag "it was back after $(awk "BEGIN { print $EPOCHREALTIME - $began }") s"
await 30 is_back
is 'which is a line too' "$(lines token-ready)" 1

# --- There, but nothing works

: >"$T/a/log"
for code in CKR_DEVICE_ERROR CKR_FUNCTION_FAILED; do
    faults a "C_Sign error $code"
    for i in 1 2 3 4 5 6 7 8 9 10; do
        sign
        ! is_problem 503 token-unavailable || break
    done
    problem "$code at every C_Sign" 503 token-unavailable
    faults a
    succeeds "$code: it is back when that is over" await 30 signs
done

# --- The module's handlers don't stay

faults a 'C_Initialize signals'
kill -KILL "$(child_pid a)"
await 30 signs
faults a 'C_Initialize signals' 'C_Sign error CKR_DEVICE_ERROR count 2'
succeeds 'a request that needs C_Initialize again' signs
kill -TERM "$(child_pid a)"
kill -INT "$(child_pid a)"
succeeds 'and the process does not end with a signal that the module wanted' signs
is 'whose handlers were not called' "$(counted a signals)" 0
faults a
ends_well a
done_testing
