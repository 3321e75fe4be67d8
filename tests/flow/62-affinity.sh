#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The threads that work for a request share a processor; with affinity = no the scheduler decides. What is looked at are
# requests that hang in the token.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

all=$(nproc)
[ "$all" -gt 1 ] || skip_all 'there is one processor'

threads() { # PID NAME-PATTERN: the processors that each of those threads may use, one thread a line
    local task
    for task in /proc/"$1"/task/*; do
        [[ $(<"$task/comm") == $2 ]] && sed -n 's/^Cpus_allowed_list:\t//p' "$task/status"
    done
}
single() { # LINES: how many of them are of one processor
    grep -cx '[0-9]*' <<<"$1"
}
hanging() { # AGENT: two requests
    local i
    faults "$1" 'C_Sign hang'
    for i in 1 2; do
        curl -s --unix-socket "$socket" -d '{"algorithm":"ES256","data":"aGk"}' http://localhost/v1/keys/one/sign >/dev/null &
        track $!
        await 30 called "$1" $i || not_ok "request $i is with the token"
    done
}
called() { # AGENT N
    [ "$(counted "$1" fired 1)" = "$2" ]
}

for agent in 'a yes' 'b no'; do
    read -r name affinity <<<"$agent"
    make_agent $name "agent:affinity = $affinity" 'token:deadline-ms = 600000' 'agent:drain-ms = 0'
    fault_on $name
    start_agent $name || done_testing
    hsm_agent key create one --type ec:p256 >/dev/null || not_ok 'a key is made'
    hanging $name
    daemon=${agent_pid[$name]}
    connections=$(threads "$daemon" MHD-connection)
    workers=$(threads "$(child_pid $name)" '*')
    if [ $affinity = yes ]; then
        is 'each connection has one processor' "$(single "$connections")" 2
        is 'and not the same' "$(sort -u <<<"$connections" | wc -l)" 2
        is 'each has a worker there' "$(grep -x '[0-9]*' <<<"$workers" | sort)" "$(sort <<<"$connections")"
        is 'what else the process does is bound to none' "$(single "$(threads "$daemon" hsm-agentd)")" 0
    else
        is 'affinity = no binds nothing' "$(single "$connections$workers")" 0
    fi
    kill_agent $name
done
done_testing
