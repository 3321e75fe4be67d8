#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the audit log costs, in one run: P-256 signatures by 8 callers with and without it, by turns, medians of ROUNDS (7);
# and how fast LINES (1,000,000) lines are verified by one core. `make bench-audit` runs it.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

rounds=${ROUNDS:-7} seconds=${SECONDS_EACH:-3} callers=${CALLERS:-8}
make_agent with 'agent:audit-key = audit' "agent:audit-sync = ${SYNC:-batch}"
make_agent without 'agent:audit = no'
for name in with without; do
    start_agent $name || done_testing
    hsm_agent key create e --type ec:p256 >/dev/null || not_ok 'the key is made'
done
use_agent with
hsm_agent key create audit --type ec:p256 >/dev/null

# Clock ticks that the daemon and the token's process have used: what else the machine does matters less for these.
ticks_of() { # AGENT
    cat "/proc/${agent_pid[$1]}/stat" "/proc/$(child_pid "$1")/stat" | sed 's/.*) //' | awk '{ n += $12 + $13 } END { print n }'
}

rate_of() { # AGENT
    "$bin/tests/bench/load" "$T/$1/agent.sock" "$callers" "$seconds" /v1/keys/e/sign \
        '{"algorithm":"ES256","data":"VGhlIGNvc3Qgb2YgYSBsaW5lLg"}' | tee -a "$T/$1.rates"
}

median() {
    sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

rate_of with >"$T/warm" && rate_of without >>"$T/warm" || not_ok 'requests are answered' "$(<"$T/warm")"
rm -f "$T"/*.rates
for ((round = 1; round <= rounds; round++)); do
    # Who goes first has it no better than the other.
    if ((round % 2)); then order='with without'; else order='without with'; fi
    for name in $order; do
        before=$(ticks_of "$name")
        rate=$(rate_of "$name" | awk '{ print $1 }')
        awk -v ticks=$(($(ticks_of "$name") - before)) -v rate="$rate" -v seconds="$seconds" \
            'BEGIN { print ticks * 10000 / (rate * seconds) }' >>"$T/$name.us"
    done
done
awk '{ print $1 }' "$T/with.rates" >"$T/with.n"
awk '{ print $1 }' "$T/without.rates" >"$T/without.n"
paste "$T/with.n" "$T/without.n" | awk '{ printf "%.4f\n", 100 - 100 * $1 / $2 }' >"$T/costs"
cost=$(median <"$T/costs")
diag "ES256, $callers callers, signatures a second: $(median <"$T/with.n") with the log, $(median <"$T/without.n") without;" \
    && diag "cost $cost % (median of $rounds pairs: $(tr '\n' ' ' <"$T/costs"))"
if awk -v cost="$cost" 'BEGIN { exit !(cost < 10) }'; then
    ok 'the audit log costs less than 10 %'
else
    not_ok 'the audit log costs less than 10 %' "$cost %"
fi
diag "of the processors' time for one signature: $(median <"$T/with.us") us with the log, $(median <"$T/without.us") without"
use_agent with
succeeds 'and the log is whole' hsm_agent audit verify
ends_well with
use_agent without
ends_well without

"$bin/tests/bench/audit_make" "$T/big/audit.jsonl" "${LINES_MADE:-1000000}" || not_ok 'the lines are made'
cat "$T/big/audit.jsonl" >/dev/null
TIMEFORMAT='%R %U %S'
times=$( { time hsm_agent audit verify "$T/big/audit.jsonl" --key "$T/big/audit.jsonl.pem" --head \
    "$T/big/audit.jsonl.checkpoint" --json >"$T/verdict" 2>/dev/null; } 2>&1)
is 'they are verified' "$(grep -o '"whole":true' "$T/verdict")" '"whole":true'
bytes=$(stat -c %s "$T/big/audit.jsonl")
diag "$(grep -o '"lines":[0-9]*' "$T/verdict"), $bytes bytes: $(awk -v bytes="$bytes" '{
    printf "%.2f s, of which %.2f s of one core: %.0f MB/s of it", $1, $2 + $3, bytes / 1e6 / ($2 + $3) }' <<<"$times")"
done_testing
