#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The daemon and the token's process under helgrind, with the audit log synced in batches and at each use: concurrent
# signing, a batch, requests that take two people, SIGHUP, a token process that dies. Then what only unit tests have
# under load: limits, pairs, and the starter, which a daemon under valgrind does without.
# `make check-helgrind` runs it. SoftHSM, OpenSSL and libmicrohttpd are not ours to judge: tests/flow/helgrind.supp.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v valgrind >/dev/null || skip_all "valgrind isn't installed"
[ $sanitized = no ] || skip_all "what a sanitizer is built into doesn't run under valgrind"

sandbox=off # valgrind itself is what would be limited
helgrind=(valgrind --tool=helgrind --history-level=approx --error-exitcode=99
    "--suppressions=$(cd "$flow" && pwd)/helgrind.supp")

# A token's process that takes long to end is killed, before it has a summary.
reports() { # AGENT: in all its processes
    cat "$T/$1"/helgrind.* | grep -c '== Thread #.*:\|== Possible data race'
}

reloads() { # N
    [ "$(grep -c ' reloaded ' "$T/$agent/log")" = "$1" ]
}

has_checkpoint() {
    grep -q '"event":"checkpoint"' "$T/$agent/state/audit/audit.jsonl"
}

is_another() {
    local pid
    pid=$(child_pid "$agent") && [ -n "$pid" ] && [ "$pid" != "$first" ]
}

under_load() { # SYNC
    local i load hold items asking=()
    wrapper=("${helgrind[@]}" --trace-children=yes "--trace-children-skip=*/openssl*" "--log-file=$T/$1/helgrind.%p")
    make_agent "$1" 'agent:sandbox = no' "agent:audit-sync = $1" 'agent:audit-key = audit' \
        'agent:audit-checkpoint-s = 1' 'agent:second-approval = disable' 'client:rate = 100000/s burst=200000' 'client:daily-budget = 1000000' \
        'token:deadline-ms = 60000' 'token:sessions = 4'
    start_agent "$1" || done_testing
    await 120 hsm_agent key create k --type ec:p256 || not_ok 'the key k is made'
    hsm_agent key create audit --type ec:p256 >/dev/null || not_ok 'the key audit is made'
    mkfifo "$T/$1/stop"
    "$python" "$flow/reload.py" load "$socket" <"$T/$1/stop" >"$T/$1/load" &
    load=$!
    track $load
    exec {hold}>"$T/$1/stop"
    items=$(for ((i = 0; i < 63; i++)); do printf '{"algorithm":"ES256","data":"aGk"},'; done)
    for i in 1 2 3; do
        asking+=("http://localhost/v1/keys/k/disable" -o /dev/null)
    done
    for i in 1 2 3; do
        api POST /v1/keys/k/sign "{\"items\":[$items{\"algorithm\":\"ES256\",\"data\":\"aGk\"}]}"
        is "batch $i" "$status $(grep -o '"signature"' "$T/body" | wc -l)" '200 64'
        is 'one person is not two' '428 428 428 ' \
            "$(curl -sS -Z --unix-socket "$socket" -d '{}' -w '%{http_code} ' "${asking[@]}" 2>/dev/null)"
        kill -HUP "${agent_pid[$1]}"
        succeeds "reload $i" await 120 reloads $i
    done
    succeeds 'a checkpoint is made' await 120 has_checkpoint
    first=$(child_pid "$1")
    kill -KILL "$first"
    succeeds 'another token process' await 120 is_another
    api POST /v1/keys/k/sign '{"algorithm":"ES256","data":"aGk"}'
    is 'which signs' "$status" 200
    exec {hold}>&-
    wait $load
    like 'nobody was refused' "$(<"$T/$1/load")" 'ok *'
    diag "$(tail -n 1 "$T/$1/load")"
    stop_agent "$1"
    is 'the daemon ends without an error' $? 0
    processes=("$T/$1"/helgrind.*)
    is 'three processes were looked at' ${#processes[@]} 3
    is "and helgrind had nothing to say of any, with audit-sync = $1" "$(reports "$1")" 0
    diag "$(grep -h -v 'unhandled\|README_MISSING\|Nevertheless\|You may be\|report' "${processes[@]}" | head -n 300)"
}

under_load batch
under_load always
for unit in limits pairs starter; do
    succeeds "$unit" "$bin/libtool" --mode=execute "${helgrind[@]}" -q "$bin/tests/unit/${unit}_test"
done
done_testing
