#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hsm-agent dev: an agent around a command or in the foreground, that leaves nothing behind but a directory it was given.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

mkdir "$T/tmp"
unset XDG_RUNTIME_DIR
export TMPDIR=$T/tmp

dev() {
    "$bin/hsm-agent" dev "$@"
}

nothing_left() { # NAME
    is "$1, and nothing is left behind" "$(ls -A "$T/tmp")" ''
}

children_of() { # PID
    grep -l "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status 2>/dev/null | cut -d / -f 3
}

token_of() { # PID of a daemon
    local pid
    for pid in $(children_of "$1"); do
        [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") != *hsm-agent-token\ * ]] || echo "$pid"
    done
}

daemon_of() { # PID of a dev
    local pid
    for pid in $(children_of "$1"); do
        [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") != *hsm-agentd\ -c\ * ]] || echo "$pid"
    done
}

# Starts a dev without a command, and waits for its line. $dev is its process, $daemon the daemon's, $token the token's.
start_dev() { # NAME ARGUMENT...
    local name=$1
    shift
    mkdir -p "$T/$name"
    "$bin/hsm-agent" dev "$@" >"$T/$name/out" 2>"$T/$name/log" </dev/null &
    dev=$!
    track $dev
    await 60 grep -q . "$T/$name/out"
    socket=$(sed -n 's/^HSM_AGENT_SOCKET=//p' "$T/$name/out")
    daemon=$(daemon_of $dev)
    token=$(token_of "$daemon")
    [ -n "$socket" ] && [ -n "$daemon" ] && [ -n "$token" ] && return
    not_ok "dev starts ($name)" "$(<"$T/$name/log")"
    done_testing
}

dev_ends_with() { # NAME STATUS
    local code
    await 60 gone $dev || kill -KILL $dev
    wait $dev
    code=$?
    untrack $dev
    is "$1" $code "$2"
}

# --- Around a command

dev -- sh -c 'exit 7'
is "the command's status is passed on" $? 7
like 'the policy is its own' "$(dev -- "$bin/hsm-agent" policy explain --as "user=$(id -un)" k sign)" '*granted*client dev*'
like 'enrolments are kept beside its keys' "$(dev -- sh -c 'echo "$HSM_AGENT_SOCKET $HSM_AGENT_ENROL_DIR"')" \
    "$T/tmp/*/agent.sock $T/tmp/*/enrol"
succeeds 'also 0' dev -- true
for signal in TERM KILL; do
    dev -- sh -c "kill -$signal \$\$" 2>/dev/null
    is "a command that SIG$signal ended gives 128 and its number" $? $((128 + $(kill -l $signal)))
done
fails 'a command that is not there is a 127' 127 '*no-such-command*' dev -- "$T/no-such-command"
echo true >"$T/not-executable"
fails 'one that is no program is a 126' 126 '*not-executable*' dev -- "$T/not-executable"
# shellcheck disable=SC2016
is 'arguments reach the command as they are' "$(dev -- printf '<%s>' 'a b' '' --help '$x')" '<a b><><--help><$x>'
is 'so does standard input' "$(echo hello | dev -- cat)" hello
# shellcheck disable=SC2016
is 'HSM_AGENT_SOCKET names a socket' "$(dev -- sh -c 'test -S "$HSM_AGENT_SOCKET" && echo yes')" yes
is 'at which an agent is ready for this user' \
    "$(dev -- "$bin/hsm-agent" status --json | grep -o '^{"status":"[a-z]*"')" '{"status":"ready"'
# shellcheck disable=SC2016
succeeds 'who may make keys and use them' dev -- sh -e -c '
    "$1/hsm-agent" key create k --type ec:p256 >/dev/null
    "$1/hsm-agent" key show k --public pem -o "$2/pem"
    echo hello >"$2/data"
    "$1/hsm-agent" sign k --alg ES256 -i "$2/data" -o "$2/sig"
    openssl dgst -sha256 -verify "$2/pem" -signature "$2/sig" "$2/data"' sh "$bin" "$T"
nothing_left 'all of them have ended'

# shellcheck disable=SC2016
"$bin/hsm-agent" dev -- sh -c 'trap "kill \$!; exit 9" TERM; sleep 600 & echo ready >"$1"; wait' sh "$T/ready" &
dev=$!
track $dev
await 60 test -s "$T/ready"
kill -TERM $dev
dev_ends_with 'a signal is passed on to the command' 9
nothing_left 'so it has ended'

fails 'a module that is not there is named with a remedy' 1 '*/no/module.so*remedy:*' \
    env HSM_AGENT_SOFTHSM2_MODULE=/no/module.so "$bin/hsm-agent" dev -- true
nothing_left 'it has not started'

# --- In the foreground

start_dev stay
is 'without a command it prints the variable, and nothing else' "$(sed 's|=.*/agent.sock$|=|' "$T/stay/out")" \
    'HSM_AGENT_SOCKET='
api GET /v1/health/ready
is 'and serves' "$status $(field status)" '200 ready'
like 'its log is on standard error' "$(<"$T/stay/log")" '* serving *'
kill -TERM $dev
dev_ends_with 'until SIGTERM, which is no failure' 0
is 'the socket is gone' "$([ -e "$socket" ] || echo yes)" yes
is 'and the daemon, and the token process' "$(gone "$daemon" && gone "$token" && echo yes)" yes
nothing_left 'it has ended'

start_dev orphan
kill -KILL "$daemon"
dev_ends_with 'a daemon that ends by itself ends it' 1
like 'which says so' "$(<"$T/orphan/log")" '*hsm-agentd ended by itself with status 137*remedy:*'
nothing_left 'it has ended'

start_dev killed
kill -KILL $dev
wait $dev 2>/dev/null
untrack $dev
succeeds 'when it is killed, the daemon goes' await 60 gone "$daemon"
succeeds 'and the token process' await 60 gone "$token"
rm -rf "$T"/tmp/*

# --- In a directory

mkdir "$T/d"
ln -s agent.log "$T/d/log"
kept=(--dir "$T/d")
succeeds 'a key made in a directory' dev "${kept[@]}" -- "$bin/hsm-agent" key create k --type ec:p256
# shellcheck disable=SC2016
is 'which the socket is in, too' "$(dev "${kept[@]}" -- sh -c 'echo "$HSM_AGENT_SOCKET"')" \
    "$(realpath "$T/d")/agent.sock"
dev "${kept[@]}" -- "$bin/hsm-agent" key show k --public pem >"$T/pem"
echo hello >"$T/data"
dev "${kept[@]}" -- "$bin/hsm-agent" sign k --alg ES256 -i "$T/data" -o "$T/sig"
succeeds 'is there the next time, and signs' openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data"
is 'all in the directory is private' "$(find "$T/d" ! -type l -perm /077)" ''
start_dev busy "${kept[@]}"
fails 'a second dev in the directory is refused' 1 "*another 'hsm-agent dev' uses*remedy:*" dev "${kept[@]}" -- true
kill -KILL $dev
wait $dev 2>/dev/null
untrack $dev
await 60 gone "$daemon"
succeeds 'one that was killed is no hindrance' dev "${kept[@]}" -- "$bin/hsm-agent" key show k
succeeds 'a directory is made' dev --dir "$T/new/one" -- true
is 'for its user alone' "$(stat -c %a "$T/new/one")" 700
mkdir -m 755 "$T/open"
fails 'one that others may read is refused' 1 "*isn't yours alone*chmod 700*" dev --dir "$T/open" -- true
is 'and left empty' "$(ls -A "$T/open")" ''
mkdir -p "$T/$(printf 'x%.0s' {1..90})"
fails 'one whose path is too long for sockets is refused' 2 '*too long*remedy:*' \
    dev --dir "$T/$(printf 'x%.0s' {1..90})" -- true
nothing_left 'a directory has all that it makes'

# --- The PIN. A script in the place of hsm-agent-token tells what it was started with.

mkdir "$T/bin" "$T/p"
cp "$bin/hsm-agent" "$bin/hsm-agentd" "$T/bin"
cat >"$T/bin/hsm-agent-token" <<SCRIPT
#!/bin/sh
{ printf '%s\n' "\$@"; env; } >>'$T/started'
exec '$bin/hsm-agent-token' "\$@"
SCRIPT
chmod +x "$T/bin/hsm-agent-token"
# shellcheck disable=SC2016
"$T/bin/hsm-agent" dev --dir "$T/p" -- sh -c 'for pid in "$PPID" $(grep -l "^PPid:[[:space:]]*$PPID\$" \
    /proc/[0-9]*/status 2>/dev/null | cut -d / -f 3); do tr "\0" "\n" <"/proc/$pid/cmdline"; done' >"$T/argv" 2>/dev/null
for name in pin so-pin; do
    secret=$(<"$T/p/$name")
    like "the file $name has a secret" "${#secret}" '[1-9]*'
    is "which no process was started with" "$(cat "$T/started" "$T/argv" | grep -c -e "$secret")" 0
    is "nor does the log or the configuration have it" \
        "$(cat "$T/p/agent.log" "$T/p/hsm-agent.conf" "$T/p/softhsm2.conf" | grep -c -e "$secret")" 0
done
like 'the token process was started to make the token and to serve' "$(<"$T/started")" '*--init*--name=dev*'
like 'the daemon was among the processes looked at' "$(<"$T/argv")" '*hsm-agentd*'

# --- A user without privileges

name='dev works for a user without privileges'
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
mkdir "$T/nobody"
chmod 711 "$T"
if [ "$(id -u)" != 0 ]; then
    skip "$name" 'the tests are run by one'
elif ! chown 65534:65534 "$T/nobody" || ! "${as_nobody[@]}" test -x "$bin/hsm-agent" -a -w "$T/nobody"; then
    skip "$name" 'the build directory is out of reach for others'
else
    # shellcheck disable=SC2016
    out=$(TMPDIR=$T/nobody "${as_nobody[@]}" "$bin/hsm-agent" dev -- sh -c '
        "$1/hsm-agent" key create k --type ec:p256 >/dev/null && "$1/hsm-agent" whoami --json' sh "$bin" 2>&1)
    like "$name" "$out" '{"uid":65534,"gid":65534,"groups":\[\],*"clients":\["dev"\]*'
    is 'and leaves nothing behind' "$(ls -A "$T/nobody")" ''
fi
chmod 700 "$T"

done_testing
