#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# With 500 keys a signature costs the token what it costs with one, from the first one on: two calls, no search; and one
# packet each way.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

[ -n "$spy" ] || skip_all 'there is no pkcs11-spy (Debian: opensc-pkcs11)'
make_agent a
start_agent a || done_testing
succeeds '500 keys are made through the API' "$python" "$flow/scale.py" "$socket" create 500
api GET /v1/health/ready
is 'and are ready' "$(field ready)" 500
is 'each has its file' "$(find "$T/a/state/keys" -name 'k*.json' | wc -l)" 500
ends_well a

spy_on "$T/a/agent.conf" "$T/a/spy.log"
: >"$T/a/spy.log"
start_agent a || done_testing
api GET /v1/health/ready
is 'after a restart, too' "$(field ready)" 500

# Not even the first use searches: what was listed at the start is remembered.
: >"$T/a/spy.log"
succeeds 'the first, the last and one in the middle sign a hundred times' "$python" "$flow/scale.py" "$socket" sign 100 k1 k500 k250
is 'with a hundred C_SignInit' "$(calls_of "$T/a/spy.log" C_SignInit)" 100
is 'a hundred C_Sign' "$(calls_of "$T/a/spy.log" C_Sign)" 100
is 'no search' "$(calls_of "$T/a/spy.log" 'C_FindObjects.*')" 0
is 'and no other call' "$(calls_of "$T/a/spy.log")" 200

# --- Packets, counted where they arrive

if ! command -v strace >/dev/null || [ "$(id -u)" != 0 ]; then
    skip 'a hundred signatures are a hundred packets each way' 'needs strace and root'
    ends_well a
    done_testing
fi
child=$(child_pid a)
threads=$(find "/proc/$child/task" -mindepth 1 -maxdepth 1 | wc -l)
strace -f -qq -e trace=network -o "$T/strace" -p "$child" 2>"$T/strace.err" &
tracer=$!
track $tracer
traced() {
    [ "$(grep -l "^TracerPid:[[:space:]]*$tracer\$" "/proc/$child/task"/*/status | wc -l)" = "$threads" ]
}
if await 60 traced; then
    "$python" "$flow/scale.py" "$socket" sign 100 k1 k500 k250 || not_ok 'a hundred signatures'
    kill -INT $tracer
    wait $tracer
    untrack $tracer
    # A call that others interrupt has two lines, the second of which says how it ended.
    packets() { # CALL: those that did something
        grep -E "$1(\(| resumed)" "$T/strace" | grep -cE '= [1-9][0-9]*$'
    }
    is 'a hundred packets come' "$(packets 'recv(msg|from)?')" 100
    is 'a hundred packets go' "$(packets 'send(msg|to)?')" 100
else
    skip 'a hundred signatures are a hundred packets each way' "strace can not attach: $(<"$T/strace.err")"
fi

ends_well a
done_testing
