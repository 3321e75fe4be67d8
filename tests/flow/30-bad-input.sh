#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Malformed requests and strange clients: each gets its answer, the agent goes on, and its memory does not grow.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'agent:connections = 64'
printf '[listen plain]\nsocket = %s\nmode = 0600\n' "$T/a/plain.sock" >>"$T/a/agent.conf"
start_agent a || done_testing
hsm_agent key create p256 --type ec:p256 >/dev/null &&
    hsm_agent key create rsa --type rsa:2048 --purpose sign,decrypt >/dev/null &&
    hsm_agent key create dh --type ec:p256 --purpose derive >/dev/null || not_ok 'the keys are made'

# A sanitizer keeps what is freed, so there memory does grow.
rounds=24
[ $sanitized = no ] || rounds=0
part 'the table of requests' "$python" "$flow/bad_input.py" "$socket" "$T/a/plain.sock" "${agent_pid[a]}" $rounds

api GET /v1/keys
is 'no key was made by any of it' "$("$python" -c 'import json, sys
print(*(k["name"] for k in json.load(open(sys.argv[1]))["keys"]))' "$T/body")" 'dh p256 rsa'
is 'the token had no trouble' "$(grep -c token-process-ended "$T/a/log")" 0
is 'no line of the log is broken by what was sent' \
    "$(grep -cvE '^20[0-9T:.-]*Z (info|warn|error) [a-z-]+( |$)' "$T/a/log")" 0
ends_well a
done_testing
