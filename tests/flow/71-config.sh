#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The daemon's configuration, sockets, log, readiness and end.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:deadline-ms = 120000' 'token:sessions = 2'
daemon() {
    "$bin/hsm-agentd" "$@"
}

# --- --check and --dump

is '--check finds no mistake' "$(daemon --check -c "$T/a/agent.conf" 2>&1; echo $?)" "$T/a/agent.conf: no mistakes
0"

cat >"$T/bad.conf" <<'CONF'
[agent]
state-dirr = /var/lib/x
connections = many
[listen agent]
mode = 0999
[listn other]
socket = /run/x.sock
[token main]
uri = pkcs11:slot-id=0
module = softhsm.so
pin = 1234
[client one]
user = no-such-user-anywhere
allow = *:fly
allow = nonsense
CONF
daemon --check -c "$T/bad.conf" >"$T/out" 2>"$T/err"
is '--check fails when there are mistakes' $? 1
for line in 2 3 4 5 6 9 10 11 13 14 15; do
    mistake=$(grep -A 1 "^$T/bad.conf:$line: " "$T/err")
    like "the mistake of line $line is told with a remedy" "$mistake" "$T/bad.conf:$line: *remedy: *"
done
like 'a misspelt option has a suggestion' "$(grep -A 1 "bad.conf:2:" "$T/err")" '*state-dir*'
unlike 'a PIN that was written into it is not repeated' "$(<"$T/err")" '*1234*'
fails 'the daemon does not start with it' 1 "$T/bad.conf:2: *" daemon -c "$T/bad.conf"
fails 'nor without one' 1 "*$T/none.conf*remedy:*" daemon -c "$T/none.conf"

daemon --dump -c "$T/a/agent.conf" >"$T/dump.conf"
is '--dump ends well' $? 0
daemon --dump -c "$T/dump.conf" >"$T/dump2.conf"
is 'and reads back to the same' "$(<"$T/dump2.conf")" "$(<"$T/dump.conf")"
like 'with the defaults' "$(<"$T/dump.conf")" '*connections = 512*'

for mode in 0620 0602 0666; do
    cp "$T/a/agent.conf" "$T/open.conf"
    chmod $mode "$T/open.conf"
    fails "a file with mode $mode is refused" 1 "*$T/open.conf*remedy:*" daemon --check -c "$T/open.conf"
done
fails 'an unknown option of the command line is refused' 2 '*--frob*' daemon --frob
like '--help is there' "$(daemon --help)" '*--check*--dump*--log-format*'
like '--version is there' "$(daemon --version)" 'hsm-agentd [0-9]*'

# --- Sockets

stat_of() {
    stat -c '%a %F' "$1"
}
start_agent a || done_testing
is 'the socket has the mode that is configured' "$(stat_of "$socket")" '600 socket'
ends_well a
is 'the socket is gone with the agent' "$([ -e "$socket" ] || echo yes)" yes
if [ "$(id -u)" = 0 ]; then
    sed -i 's/^mode = 0600/mode = 0620\nuser = 4711\ngroup = 4712/' "$T/a/agent.conf"
    start_agent a || done_testing
    is 'and the owner' "$(stat -c '%a %u:%g' "$socket")" '620 4711:4712'
    ends_well a
    sed -i '/^user = 4711/d; /^group = 4712/d; s/^mode = 0620/mode = 0600/' "$T/a/agent.conf"
else
    sed -i "s/^mode = 0600/mode = 0620\ngroup = $(id -g)/" "$T/a/agent.conf"
    start_agent a || done_testing
    is 'and the group' "$(stat -c '%a %g' "$socket")" "620 $(id -g)"
    ends_well a
    sed -i "/^group = $(id -g)/d; s/^mode = 0620/mode = 0600/" "$T/a/agent.conf"
fi
echo precious >"$socket"
fails 'a file in the place of the socket is not replaced' 1 '*start-failed*isn*a socket*remedy=*' \
    daemon -c "$T/a/agent.conf"
is 'nor touched' "$(<"$socket")" precious
rm "$socket"
"$python" -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$socket"
start_agent a || done_testing
ok 'a stale socket is replaced'
ends_well a
"$python" -c 'import signal, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); signal.pause()' "$socket" &
foreign=$!
track $foreign
answers() {
    "$python" -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$socket"
}
await 20 answers
fails 'a socket at which another program answers is not' 1 '*start-failed*another program answers*remedy=*' \
    daemon -c "$T/a/agent.conf"
end $foreign
untrack $foreign
rm -f "$socket"

# --- The log and the service manager

daemon_args=(--log-format json)
start_agent a || done_testing
hsm_agent key create k --type ec:p256 >/dev/null
api POST /v1/keys/none/sign '{"algorithm":"ES256","data":"aGk"}'
kill -KILL "$(child_pid a)"
api POST /v1/keys/k/sign '{"algorithm":"ES256","data":"aGk"}'
is 'the agent signs' "$status" 200
ends_well a
is 'with --log-format json each line is JSON with time, level and event' "$("$python" - "$T/a/log" <<'PYTHON'
import json, sys
events = []
for line in open(sys.argv[1]):
    if not line.startswith("{"):
        continue
    record = json.loads(line)
    assert {"time", "level", "event"} <= set(record), record
    events.append(record["event"])
wanted = {"token-ready", "keys-bound", "serving", "key-created", "token-process-ended", "stopping", "drained", "stopped"}
print(sorted(wanted - set(events)))
PYTHON
)" '[]'
: >"$T/a/log"
start_agent a || done_testing
ends_well a
is 'and nothing else is on standard error' "$(grep -cv '^{.*}$' "$T/a/log")" 0
daemon_args=()

"$python" "$flow/notify.py" "$T/notify" >"$T/notified" &
listener=$!
track $listener
await 20 test -S "$T/notify"
export NOTIFY_SOCKET=$T/notify
launch_agent a
unset NOTIFY_SOCKET
await 60 grep -q READY=1 "$T/notified"
api GET /v1/health/alive
is 'READY=1 is sent when the agent serves' "$status $(grep -c READY=1 "$T/notified")" '200 1'
kill -HUP "${agent_pid[a]}"
is_ready_again() {
    [ "$(grep -c READY=1 "$T/notified")" = "$1" ]
}
succeeds 'SIGHUP reloads the configuration, and READY=1 is sent again' await 20 is_ready_again 2
like 'after RELOADING=1 with the time' "$(tr '\n' ' ' <"$T/notified")" 'READY=1 RELOADING=1 MONOTONIC_USEC=[0-9]* READY=1 '
cp "$T/a/agent.conf" "$T/kept.conf"
echo nonsense >>"$T/a/agent.conf"
kill -HUP "${agent_pid[a]}"
succeeds 'the same when it is refused' await 20 is_ready_again 3
like 'which the log says' "$(tail -n 2 "$T/a/log")" "*config-mistake file=$T/a/agent.conf line=*remedy=*reload-refused*1 mistake*"
cp "$T/kept.conf" "$T/a/agent.conf"
ends_well a
succeeds 'STOPPING=1 when it stops' await 20 grep -q STOPPING=1 "$T/notified"
end $listener
untrack $listener

# --- SIGTERM with requests under way

drains() { # finish|cut
    start_agent a || done_testing
    local child
    child=$(child_pid a)
    track "$child"
    succeeds 'the token hangs' freeze "$child"
    part "$1" "$python" "$flow/drain.py" "$1" "$socket" "$T/a/log" "${agent_pid[a]}" "$child"
    wait "${agent_pid[a]}"
    is 'the agent ends with status 0' $? 0
    untrack "${agent_pid[a]}"
    succeeds 'the token process is gone with it' await 20 gone "$child"
    untrack "$child"
}
drains finish
like 'nothing was cut off' "$(tail -n 2 "$T/a/log")" '*drained cut-off=0*stopped*'
sed -i 's/^\[agent\]/[agent]\ndrain-ms = 300/' "$T/a/agent.conf"
drains cut
like 'one request was cut off' "$(tail -n 3 "$T/a/log")" '*drained cut-off=1*stopped*'
done_testing
