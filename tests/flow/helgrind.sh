#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The daemon and the token's process under helgrind: concurrent signing, a batch, SIGHUP, a token process that dies.
# `make check-helgrind` runs it. SoftHSM, OpenSSL and libmicrohttpd are not ours to judge: tests/flow/helgrind.supp.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v valgrind >/dev/null || skip_all "valgrind isn't installed"
[ $sanitized = no ] || skip_all "what a sanitizer is built into doesn't run under valgrind"

sandbox=off # valgrind itself is what would be limited
make_agent a 'agent:sandbox = no' 'token:deadline-ms = 60000' 'token:sessions = 4'
wrapper=(valgrind --tool=helgrind --trace-children=yes "--trace-children-skip=*/openssl*" --history-level=approx
    --error-exitcode=99 "--suppressions=${srcdir:-.}/tests/flow/helgrind.supp" "--log-file=$T/helgrind.%p")
start_agent a || done_testing
await 120 hsm_agent key create k --type ec:p256 || not_ok 'the key k is made'

# A token's process that takes long to end is killed, before it has a summary.
reports() { # in all processes
    cat "$T"/helgrind.* | grep -c '== Thread #.*:\|== Possible data race'
}

mkfifo "$T/stop"
"$python" "$flow/reload.py" load "$socket" <"$T/stop" >"$T/load" &
load=$!
track $load
exec {hold}>"$T/stop"
items=$(for ((i = 0; i < 63; i++)); do printf '{"algorithm":"ES256","data":"aGk"},'; done)
for i in 1 2 3; do
    api POST /v1/keys/k/sign "{\"items\":[$items{\"algorithm\":\"ES256\",\"data\":\"aGk\"}]}"
    is "batch $i" "$status $(grep -o '"signature"' "$T/body" | wc -l)" '200 64'
    reloaded() {
        [ "$(grep -c ' reloaded ' "$T/a/log")" = "$i" ]
    }
    kill -HUP "${agent_pid[a]}"
    succeeds "reload $i" await 120 reloaded
done
is_another() {
    local pid
    pid=$(child_pid a) && [ -n "$pid" ] && [ "$pid" != "$first" ]
}
first=$(child_pid a)
kill -KILL "$first"
succeeds 'another token process' await 120 is_another
api POST /v1/keys/k/sign '{"algorithm":"ES256","data":"aGk"}'
is 'which signs' "$status" 200
exec {hold}>&-
wait $load
diag "$(tail -n 3 "$T/load")"
stop_agent a
is 'the daemon ends without an error' $? 0
processes=("$T"/helgrind.*)
is 'three processes were looked at' ${#processes[@]} 3
is 'and helgrind had nothing to say of any' "$(reports)" 0
diag "$(grep -h -v 'unhandled\|README_MISSING\|Nevertheless\|You may be\|report' "${processes[@]}" | head -n 300)"
done_testing
