#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Clients that are slow or send too much, SLOW_CLIENTS of them (10,000), SLOW_RATE (100) a second, as another user when root
# runs it: the agent's memory stays flat, and the other caller's p99 within twice what it is without them.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'agent:connections = 1024' 'agent:connections-per-uid = 512'
sed -i 's/^mode = 0600/mode = 0666/' "$T/a/agent.conf"
printf '[client others]\nuser = 65534\nallow = *:*\n' >>"$T/a/agent.conf"
chmod 711 "$T" "$T/a"
start_agent a || done_testing
hsm_agent key create ec --type ec:p256 >/dev/null || not_ok 'a key is made'
part 'the clients come and go' "$python" "${srcdir:-.}/tests/bench/slow_clients.py" "$socket" "${agent_pid[a]}" \
    "${SLOW_CLIENTS:-10000}" "${SLOW_RATE:-100}" 65534
ends_well a
done_testing
