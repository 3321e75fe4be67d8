#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What ssl-mode-async is worth: full handshakes a second of haproxy with one thread, for 32 clients, with a token that
# takes 20 ms a signature and has 32 sessions; against the same without ssl-mode-async, measured in turn.
# `make bench-async` runs it; less than 15 times as many is a failure.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/servers_lib.sh"

rounds=3
seconds=4
clients=32

need_programs haproxy
need_user haproxy

make_public
make_jail haproxy
make_server_agent haproxy '[listen haproxy]' "socket = $P/jail/hsm-agent/agent.sock"
publish ec.chain.key <"$P/ec.pem"

# The keys are there; from now on the token is slow.
stop_agent a
echo 'C_Sign delay 20' >"$T/rules"
sed -i "s|^module = .*|module = $bin/tests/fault/.libs/fault_module.so\\
environment = HSM_AGENT_FAULT_MODULE=$module\\
environment = HSM_AGENT_FAULT_RULES=$T/rules\\
sessions = $clients|" "$T/a/agent.conf"
start_agent a || done_testing

declare -A port process
serve() { # MODE [ARGUMENT of sed...]: the sample with one thread
    local mode=$1
    shift
    port[$mode]=$(free_port)
    sample haproxy.cfg -e "s|/var/lib/haproxy|$P/jail|" -e "s|/etc/haproxy/tls/edge|$P/ec|" \
        -e "s|bind :443|bind 127.0.0.1:${port[$mode]}|" -e 's|log /dev/log|log stderr format raw|' \
        -e 's|nbthread 4|nbthread 1|' "$@" | publish "$mode.cfg"
    start_program root "$T/$mode.log" env "OPENSSL_CONF=$P/jail.cnf" haproxy -db -f "$P/$mode.cfg"
    process[$mode]=$started
    await_port "${port[$mode]}" "$started" || not_ok "haproxy starts, $mode" "$(<"$T/$mode.log")"
}
serve blocking -e /ssl-mode-async/d
serve async

# One after the other, so that the machine's mood is the same for both.
measure() { # MODE SECONDS
    "$bin/tests/bench/handshakes" 127.0.0.1 "${port[$1]}" $clients "$2" | tee -a "$T/$1.rates"
}
for ((round = 1; round <= rounds; round++)); do
    for mode in blocking async; do
        diag "round $round, $mode: $(measure $mode $seconds | tr '\n' ' ')"
    done
done

for mode in blocking async; do
    is "haproxy goes on, $mode" "$(user_of "${process[$mode]}")" haproxy
    is "no handshake failed, $mode" "$(grep -c '^failed 0$' "$T/$mode.rates")" $rounds
done
"$python" - "$T/blocking.rates" "$T/async.rates" >"$T/result" <<'PYTHON'
import statistics
import sys

blocking, asynchronous = (
    statistics.median(float(line.split()[1]) for line in open(path) if line.startswith("rate "))
    for path in sys.argv[1:]
)
print(f"blocking: {blocking:.1f} handshakes/s, ssl-mode-async: {asynchronous:.1f} handshakes/s (medians)")
print(f"ratio {asynchronous / blocking:.1f}")
PYTHON
diag "$(<"$T/result")"
ratio=$(sed -n 's/^ratio //p' "$T/result")
is "ssl-mode-async is worth 15 times the handshakes: ratio $ratio" "$("$python" -c "print(${ratio:-0} >= 15)")" True
ends_well a
done_testing
