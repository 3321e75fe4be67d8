#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the processes gave up: privileges, system calls, files, being traced, cores; and that the agent works like that.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

[ $sanitized = no ] || skip_all "a sanitizer needs what is given up"
root=no
[ "$(id -u)" != 0 ] || root=yes
nobody=65534

status_of() { # PID FIELD
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

children_of() { # PID
    grep -l "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status 2>/dev/null | cut -d / -f 3
}

child_of() { # PID of a daemon, NAME
    local pid
    for pid in $(children_of "$1"); do
        [ "$(status_of "$pid" Name)" != "$2" ] || echo "$pid"
    done
}

# Everything once: what is made, used and removed by way of the daemon, the token's process and their files.
use_all() {
    hsm_agent key create rsa --type rsa:2048 --purpose sign,decrypt >/dev/null &&
        hsm_agent key create ec --type ec:p256 --purpose sign,derive >/dev/null &&
        echo hello | hsm_agent sign rsa --alg PS256 >"$T/sig" &&
        hsm_agent key show rsa --public pem >"$T/pem" && echo secret >"$T/secret" &&
        openssl pkeyutl -encrypt -pubin -inkey "$T/pem" -pkeyopt rsa_padding_mode:oaep -in "$T/secret" -out "$T/ct" &&
        hsm_agent decrypt rsa --alg RSA-OAEP -i "$T/ct" >/dev/null && hsm_agent csr ec --subject CN=x >/dev/null &&
        hsm_agent key show ec --public pem >"$T/peer" && hsm_agent derive ec --peer "$T/peer" >/dev/null &&
        hsm_agent key rotate ec >/dev/null && hsm_agent key delete rsa --confirm rsa >/dev/null
}

# --- As a user of its own: that of `user` when root starts it

unprivileged=()
make_agent a 'agent:expiry-hook = /bin/true'
if [ $root = yes ]; then
    sed -i "s/^\[agent\]/[agent]\nuser = $nobody/" "$T/a/agent.conf"
    chown -R $nobody:$nobody "$T/a/main" "$T/a"
    chmod 711 "$T"
    chown 0:0 "$T/a/agent.conf"
    chmod 644 "$T/a/agent.conf"
    unprivileged=(setpriv --reuid $nobody --regid $nobody --clear-groups)
fi
start_agent a || done_testing
daemon=${agent_pid[a]}
child=$(child_pid a)
starter=$(child_of "$daemon" hsm-agent-start)
looker=$(child_of "$daemon" hsm-agent-look)
like 'a process that starts programs is there' "$starter" '[1-9]*'
like 'and one that looks up executables' "$looker" '[1-9]*'
like 'the daemon says what it gave up' "$(<"$T/a/log")" '* info confined system-calls=filtered landlock=[1-9]*'
for who in "daemon $daemon" "token $child" "starter $starter" "looker $looker"; do
    pid=${who#* }
    name=${who% *}
    is "$name: no new privileges" "$(status_of "$pid" NoNewPrivs)" 1
    is "$name: no capabilities" "$(status_of "$pid" CapEff) $(status_of "$pid" CapPrm)" '0000000000000000 0000000000000000'
    [ $root = no ] || is "$name: it is the configured user, with that user's groups" \
        "$(status_of "$pid" Uid | tr '\t' ' ') $(status_of "$pid" Groups)" "$nobody $nobody $nobody $nobody $(id -G $nobody) "
    like "$name: no core" "$(grep 'core file size' "/proc/$pid/limits")" 'Max core file size *0 *0 *bytes*'
done
is 'the system calls of the daemon are filtered' "$(status_of "$daemon" Seccomp)" 2
is 'and those of each of its threads' "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$daemon/task/"*/status | sort -u)" 2
is 'so are those of the token process' "$(status_of "$child" Seccomp)" 2
is 'and those of the looker' "$(status_of "$looker" Seccomp)" 2
succeeds 'the full flow runs' use_all

# --- Nobody but root traces them

trace() { # PID...: by the agent's own user
    ${unprivileged[@]+"${unprivileged[@]}"} "$python" -c '
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ATTACH, DETACH = 16, 17
def attach(pid):
    if libc.ptrace(ATTACH, pid, None, None) != 0:
        return os.strerror(ctypes.get_errno())
    os.waitpid(pid, 0x40000000)
    libc.ptrace(DETACH, pid, None, None)
    return "attached"
def memory(pid):
    try:
        open(f"/proc/{pid}/mem", "rb").close()
        return "opened"
    except OSError as error:
        return error.strerror
child = os.fork()
if child == 0:
    signal.pause()
print("control:", attach(child), memory(child))
os.kill(child, signal.SIGKILL)
for pid in sys.argv[1:]:
    print(attach(int(pid)), "/", memory(int(pid)))' "$@" 2>&1
}
wanted="control: attached opened"
for _ in 1 2 3 4; do
    wanted+=$'\nOperation not permitted / Permission denied'
done
is 'ptrace and memory are closed to the same user, for daemon, token process, starter and looker' \
    "$(trace "$daemon" "$child" "$starter" "$looker")" "$wanted"

# --- No core, even where the shell allows one

mkdir "$T/cores"
[ $root = no ] || chown $nobody "$T/cores"
kill -SEGV "$child"
await 20 grep -q ' token-process-ended ' "$T/a/log"  # the daemon says so after it has taken its child away
like 'the token process dies of a signal' "$(grep ' token-process-ended ' "$T/a/log")" '* status=139 *'
succeeds 'another one serves' hsm_agent csr ec --subject CN=x
unlike 'which is another process' "$(child_pid a)" "$child"
(
    cd "$T/cores" && ulimit -c unlimited &&
        exec ${unprivileged[@]+"${unprivileged[@]}"} "$python" -c '
import os, re, subprocess, sys, time
def await_line(pattern):
    while not (found := re.search(pattern, open("log", "rb").read())):
        if daemon.poll() is not None: sys.exit("it ended")
        time.sleep(0.05)
    return found
daemon = subprocess.Popen(sys.argv[1:], stderr=open("log", "wb"))
os.kill(int(await_line(rb" token-ready .* pid=([0-9]+)")[1]), 11)
await_line(rb" token-process-ended .* status=139 ")
await_line(rb" serving ")
daemon.send_signal(11)
_, status = os.waitpid(daemon.pid, 0)
print(os.WTERMSIG(status), os.WCOREDUMP(status), sorted(name for name in os.listdir(".") if name != "log"))' \
            "$bin/hsm-agentd" -c "$T/b.conf"
) >"$T/cored" 2>&1 &
sed "s/^user = .*//; s|$T/a/state|$T/cores/state|; s|$T/a/agent.sock|$T/cores/agent.sock|" "$T/a/agent.conf" |
    sed "s/^\[client me\]/[client me]\nuser = $(id -u)/" >"$T/b.conf.new"
chmod 644 "$T/b.conf.new"
mv "$T/b.conf.new" "$T/b.conf"
wait $!
is 'neither token process nor daemon leaves a core' "$(<"$T/cored")" "11 False ['agent.sock', 'agent.sock.lock', 'state']"

ends_well a

# --- A state directory that others may write isn't used

make_agent w
mkdir -m 777 "$T/w/state"
launch_agent w
wait "${agent_pid[w]}"
is 'a state directory that everybody may write: the agent does not start' $? 1
untrack "${agent_pid[w]}"
like 'and says why' "$(<"$T/w/log")" '*the state directory can?t be trusted*chmod go-w*'

# --- Without

sandbox=off
make_agent off 'agent:sandbox = no'
sandbox=module
start_agent off || done_testing
is 'sandbox = no: the daemon keeps its system calls' "$(status_of "${agent_pid[off]}" Seccomp)" 0
is 'and starts programs itself' "$(child_of "${agent_pid[off]}" hsm-agent-start)" ''
is 'sandbox = off: so does the token process' "$(status_of "$(child_pid off)" Seccomp)" 0
succeeds 'the full flow runs' use_all
ends_well off
make_agent module
start_agent module || done_testing
is 'sandbox = module: its system calls are filtered' "$(status_of "$(child_pid module)" Seccomp)" 2
succeeds 'the full flow runs' use_all
ends_well module

# --- Sockets of the service manager's

if ! command -v systemd-socket-activate >/dev/null; then
    skip 'socket activation' 'systemd-socket-activate is not there'
    done_testing
fi
make_agent s
printf '[listen plain]\nsocket = %s\nmode = 0600\n' "$T/s/plain.sock" >>"$T/s/agent.conf"
systemd-socket-activate -l "$T/s/plain.sock" -l "$T/s/agent.sock" -l "$T/s/other.sock" \
    "$bin/hsm-agentd" -c "$T/s/agent.conf" 2>"$T/s/log" </dev/null &
agent_pid[s]=$!
track $!
use_agent s
inode=
has_socket() {
    inode=$(stat -c %i "$T/s/agent.sock")
}
await 20 has_socket
succeeds 'the first request starts the agent' hsm_agent key create ec --type ec:p256
is 'it answers at the socket that was there' "$(stat -c %i "$T/s/agent.sock")" "$inode"
[ ! -e "$T/s/agent.sock.lock" ] && ok 'which it has no lock for' || not_ok 'which it has no lock for'
socket=$T/s/plain.sock
api PUT /v1/keys/no '{"type":"ec:p256"}'
problem 'the other one is the plain one' 403 not-admin
like 'one that no section has is told of' "$(<"$T/s/log")" "* socket-unused socket=$T/s/other.sock *"
socket=$T/s/agent.sock
kill -HUP "${agent_pid[s]}"
await 20 grep -q ' reloaded ' "$T/s/log"
succeeds 'it goes on after a reload' hsm_agent csr ec --subject CN=x
ends_well s
is 'the sockets are still there after it' "$(stat -c %i "$T/s/agent.sock")" "$inode"
done_testing
