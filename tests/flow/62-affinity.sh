#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The threads that work for a connection share a processor; with affinity = no the scheduler decides.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

mine=$(nproc)
[ "$mine" -gt 1 ] || skip_all 'there is one processor'

printf '{"algorithm":"ES256","data":"aGk"}' >"$T/request"
processors() { # PID THREAD-NAME: how many each of those threads may use, one a line
    local task
    for task in /proc/"$1"/task/*; do
        [[ $(<"$task/comm") == $2 ]] 2>/dev/null && taskset -p "${task##*/}" | "$python" -c \
            'print(bin(int(input().split()[-1].replace(",", ""), 16)).count("1"))'
    done
}
kept() { # NAME: a connection of agent a that has signed once, and stays
    mkfifo "$T/$1.end"
    "$python" "$flow/keep_connection.py" "$socket" POST /v1/keys/one/sign "$T/request" <"$T/$1.end" >"$T/$1.status" &
    track $!
    exec {end[$1]}>"$T/$1.end"
    await 30 test -s "$T/$1.status" || not_ok "connection $1 is answered"
}
declare -A end

make_agent a
start_agent a || done_testing
hsm_agent key create one --type ec:p256 >/dev/null || not_ok 'a key is made'
kept first
kept second
is 'a connection has one processor' "$(processors "${agent_pid[a]}" 'MHD-connection' | sort -u)" 1
bound=$(processors "$(child_pid a)" '*' | grep -cx 1)
is 'each has a worker there' "$bound" 2
is 'what the process itself does is bound to none' \
    "$(processors "${agent_pid[a]}" hsm-agentd | sort -u) $(processors "$(child_pid a)" '*' | sort -n | tail -n 1)" "$mine $mine"
places=$(for task in /proc/"${agent_pid[a]}"/task/*; do
    [ "$(<"$task/comm")" = MHD-connection ] && grep Cpus_allowed_list "$task/status"
done | sort -u | wc -l)
is 'and two connections are on two' "$places" 2
ends_well a

make_agent b 'agent:affinity = no'
start_agent b || done_testing
hsm_agent key create one --type ec:p256 >/dev/null || not_ok 'a key is made'
kept third
is 'affinity = no binds no connection' "$(processors "${agent_pid[b]}" 'MHD-connection' | sort -u)" "$mine"
is 'and no worker' "$(processors "$(child_pid b)" '*' | sort -u)" "$mine"
ends_well b
done_testing
