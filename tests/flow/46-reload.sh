#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGHUP: rules, sockets and tokens change under load; a file with mistakes changes nothing.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'agent:drain-ms = 1000' 'token:deadline-ms = 60000' 'token:sessions = 2'
fault_on a
conf=$T/a/agent.conf
log=$T/a/log

# --- Changing the configuration

edit() { # SED SCRIPT
    sed -i "$1" "$conf"
}

reloads() {
    grep -Ec ' (reloaded|reload-refused) ' "$log"
}

is_reloaded() { # REPLIES BEFORE
    [ "$(reloads)" -gt "$1" ]
}

# Sends SIGHUP and waits until its outcome is in the log, the last one.
reload() {
    local before
    before=$(reloads)
    kill -HUP "${agent_pid[a]}"
    await 30 is_reloaded "$before" && grep -E ' (reloaded|reload-refused) ' "$log" | tail -n 1 >"$T/outcome"
}

takes() { # NAME: the configuration is reloaded
    reload
    like "$1" "$(<"$T/outcome")" '* reloaded *'
}

refuses() { # NAME PATTERN
    reload
    like "$1" "$(<"$T/outcome")" "* reload-refused $2"
}

signs() { # [KEY]
    api POST "/v1/keys/${1:-k}/sign" '{"algorithm":"ES256","data":"aGk"}'
    [ "$status" = 200 ]
}

is_logged() { # PATTERN [TIMES]
    [ "$(grep -c -e "$1" "$log")" -ge "${2:-1}" ]
}

is_another() { # PID [TOKEN]: the token's process isn't that one any more, and that one is gone
    [ "$(child_pid a "${2:-main}")" != "$1" ] && gone "$1"
}

start_agent a || done_testing
hsm_agent key create k --type ec:p256 >/dev/null
mkfifo "$T/stop"
"$python" "$flow/reload.py" load "$socket" <"$T/stop" >"$T/load.out" 2>"$T/load.err" &
load=$!
track $load
exec 9>"$T/stop"

child=$(child_pid a)
takes 'SIGHUP without a change is a reload'
is 'an unchanged token keeps its process' "$(child_pid a)" "$child"
cp "$conf" "$T/good.conf"

# --- A file with mistakes

edit 's/^allow = .*/allow = k:fly/; s/^mode = 0600/mode = 0999/'
refuses 'a file with mistakes is refused' "*2 mistakes*"
for option in mode allow; do
    line=$(grep -n "^$option = " "$conf" | cut -d : -f 1)
    like "the mistake of line $line is in the log" "$(grep -c "config-mistake file=$conf line=$line .*$option.* remedy=" "$log")" 1
done
cp "$T/good.conf" "$conf"
edit 's/^allow = .*/allow = k:show/'
chmod 0666 "$conf"
refuses 'a file that anybody can write is refused' '*'
chmod 0600 "$conf"
mv "$conf" "$T/away.conf"
refuses 'a file that is not there is refused' '*'
mv "$T/away.conf" "$conf"
echo precious >"$T/a/precious"
printf '[listen other]\nsocket = %s\n' "$T/a/precious" >>"$conf"
refuses 'a socket that can not be made is refused' "*$T/a/precious is there already*"
succeeds 'the rules from before are in force after each of them' signs
cp "$T/good.conf" "$conf"

# --- Rules

end_load() {
    exec 9>&-
    wait $load
    untrack $load
    part "$1" cat "$T/load.out"
    [ ! -s "$T/load.err" ] || not_ok 'the load has nothing to say' "$(<"$T/load.err")"
}

edit 's/^allow = .*/allow = k:*/'
takes 'a rule is narrowed'
api PUT /v1/keys/more '{"type":"ec:p256"}'
problem 'which counts for the next request' 404 no-such-key
edit 's/^allow = .*/allow = *:*/'
takes 'and widened again'
api PUT /v1/keys/more '{"type":"ec:p256"}'
is 'which counts as well' "$status" 201

# --- Sockets

edit "s/^mode = 0600/mode = 0640/"
takes 'a mode is changed'
is 'and the socket has it' "$(stat -c %a "$socket")" 640
edit "s/^mode = 0640/mode = 0600/; s/^admin = yes/admin = no/"
takes 'a socket is no longer for administrators'
api PUT /v1/keys/yetmore '{"type":"ec:p256"}'
problem 'and refuses their requests' 403 not-admin
edit "s/^admin = no/admin = yes/; s/^\[agent\]/[agent]\nconnections = 100/"
takes 'a number of connections is changed'
printf '[listen second]\nsocket = %s\nmode = 0600\n' "$T/a/second.sock" >>"$conf"
takes 'a socket is added'
socket=$T/a/second.sock
succeeds 'and serves' signs
api GET /v1/whoami
is 'by its name' "$(field listen) $(field admin)" 'second false'
use_agent a

freeze "$child"
"$python" "$flow/reload.py" pending "$T/a/second.sock" "$T/mark" ends >"$T/pending.out" 2>&1 &
pending=$!
track $pending
await 30 test -s "$T/mark"
"$python" "$flow/reload.py" idle "$T/a/second.sock" "$T/mark-idle" >"$T/idle.out" 2>&1 &
idle=$!
track $idle
await 30 test -s "$T/mark-idle"
edit '/^\[listen second\]/,$d'
takes 'it is removed with a request under way'
is 'its name is gone' "$([ -e "$T/a/second.sock" ] || echo yes)" yes
kill -CONT "$child"
wait $pending
untrack $pending
part 'the request' cat "$T/pending.out"
wait $idle
untrack $idle
part 'the idle connection' cat "$T/idle.out"
succeeds 'its lock goes, too' await 20 test ! -e "$T/a/second.sock.lock"

# --- Tokens

# Both sessions are kept busy in the module, where no lock is held that the new process would wait for.
are_held() {
    [ "$(counted a fired 1)" = 2 ]
}
faults a 'C_Sign hold count 2'
succeeds 'both sessions are busy' await 30 are_held
rm "$T/mark"
"$python" "$flow/reload.py" pending "$socket" "$T/mark" >"$T/pending.out" 2>&1 &
pending=$!
track $pending
await 30 test -s "$T/mark"
edit 's/^sessions = 2/sessions = 3/'
takes 'a token is changed with a request under way'
succeeds 'the new one takes over' await 30 is_logged 'token-changed token=main'
is 'the old one lives on with the request' "$(gone "$child" || echo yes)" yes
succeeds 'while the new one serves' signs
faults a
wait $pending
untrack $pending
part 'the request' cat "$T/pending.out"
succeeds 'then its process ends' await 30 is_another "$child"
api GET /v1/tokens
is 'the change is there' "$(field sessions)" 3

child=$(child_pid a)
edit 's/^module = .*/module = \/none.so/'
takes 'a token that can not be changed like that'
succeeds 'is reported' await 30 is_logged 'token-down token=main'
is 'and goes on as it was' "$(signs && gone "$child" || echo yes)" yes
edit "s|^module = .*|module = $fault_module|"
takes 'until it is put right'
is 'with the process that it has' "$(signs && child_pid a)" "$child"
edit 's/^sessions = 3/sessions = 4/'
takes 'or changed well'
succeeds 'which takes over again' await 30 is_logged 'token-changed token=main' 2

make_token "$T/a/extra" extra
token_section "$T/a/extra" extra >>"$conf"
takes 'a token is added'
await 30 is_logged 'keys-bound token=extra'
api PUT /v1/keys/e '{"type":"ec:p256","token":"extra"}'
is 'and makes keys' "$status" 201
extra=$(child_pid a extra)
cp "$conf" "$T/extra.conf"
edit '/^\[token extra\]/,$d'
takes 'a token is removed'
succeeds 'and its process ends' await 30 gone "$extra"
api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'its keys say so' 503 token-unavailable
like 'in words' "$(field detail)" '*isn*t in the configuration*'
printf '%s' 'not the PIN' >"$T/a/wrong-pin"
sed "s|^pin = file:$T/a/extra/pin|pin = file:$T/a/wrong-pin|" "$T/extra.conf" >"$conf"
takes 'it comes back with a wrong PIN'
succeeds 'which is refused' await 30 is_logged 'pin-refused.*token=extra\|pin-refused token=extra'
api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'and told' 503 pin-refused
cp "$T/a/extra/pin" "$T/a/wrong-pin"
takes 'the PIN is put right'
succeeds 'and the key signs again' await 30 signs e

# --- What a reload doesn't change

edit "s|^state-dir = .*|state-dir = $T/a/elsewhere|"
takes 'a change that needs a restart is taken with the rest'
like 'and is told' "$(<"$log")" '*needs-restart section=agent option=state-dir*'
succeeds 'but has no effect' signs

# --- The end

end_load 'the load'
like 'the tokens come and go without a crash' "$(grep -c token-process-ended "$log")" 0
mkfifo "$T/hangs.so"
edit "s|^module = .*|module = $T/hangs.so|"
takes 'a module that hangs as it is loaded'
succeeds 'leaves the key in service' signs
kill -TERM "${agent_pid[a]}"
succeeds 'SIGTERM does not wait for it' await 20 gone "${agent_pid[a]}"
wait "${agent_pid[a]}"
is 'and the agent ends with status 0' $? 0
untrack "${agent_pid[a]}"
done_testing
