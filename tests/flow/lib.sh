# SPDX-License-Identifier: Apache-2.0
# What the flow tests share: TAP lines, a private directory, SoftHSM2 tokens, agents, requests.
#
# A test is a bash script that sources this file and ends with done_testing. It runs in the top build directory. All
# that it makes is in $T; that directory and the processes started here are gone when the test ends.
#
#   make_agent a token:'software-oaep = yes'; start_agent a      # a token, a configuration, a daemon
#   api GET /v1/keys; is 'the list is there' "$status" 200
#   done_testing

set -u -o pipefail
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
unset HSM_AGENT_SOCKET SOFTHSM2_CONF CREDENTIALS_DIRECTORY NOTIFY_SOCKET
umask 077

bin=$PWD
flow=$(cd "${srcdir:-.}/tests/flow" && pwd) || exit 99
python=${PYTHON:-$(python3 -c 'import sys; print(sys.executable)')} || exit 99

# The path of a Unix socket is short.
temporary=${TMPDIR:-/tmp}
[ ${#temporary} -le 40 ] || temporary=/tmp
T=$(mktemp -d "$temporary/hsm-agent-flow.XXXXXX") || exit 99

for module in "${HSM_AGENT_SOFTHSM2_MODULE:-}" /usr/lib/softhsm/libsofthsm2.so \
    /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so /usr/lib64/softhsm/libsofthsm2.so; do
    [ ! -r "$module" ] || break
done
export HSM_AGENT_SOFTHSM2_MODULE=$module

# OpenSC's module that logs every call and passes it on. Empty: it isn't there.
spy=
for candidate in /usr/lib/pkcs11-spy.so /usr/lib/*/pkcs11-spy.so /usr/lib64/pkcs11-spy.so; do
    [ ! -r "$candidate" ] || spy=$candidate
done

# What a sanitizer needs in an environment that is otherwise empty. Leaks are the daemon's matter: a module keeps its own.
sanitized=no
if grep -aq __asan_init "$bin/hsm-agentd"; then
    sanitized=yes
fi
quiet_sanitizer=ASAN_OPTIONS=detect_leaks=0
if grep -aq __tsan_init "$bin/hsm-agentd"; then
    sanitized=yes
    export TSAN_OPTIONS=ignore_noninstrumented_modules=1 # SoftHSM, libmicrohttpd: their locks are seen, their memory is not
    quiet_sanitizer=TSAN_OPTIONS=$TSAN_OPTIONS
fi

# --- TAP

count=0
failed=0

ok() { # NAME
    count=$((count + 1))
    echo "ok $count - $1"
}

not_ok() { # NAME [DIAGNOSTIC...]
    count=$((count + 1))
    failed=$((failed + 1))
    echo "not ok $count - $1"
    shift
    local line
    for line in "$@"; do
        diag "$line"
    done
    if [ -n "${agent:-}" ] && [ -s "$T/$agent/log" ]; then
        diag "the last lines of the log of agent $agent:"
        diag "$(tail -n 8 "$T/$agent/log")"
    fi
}

skip() { # NAME REASON
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

skip_all() { # REASON
    echo "1..0 # SKIP $1"
    exit 0
}

diag() { # TEXT
    printf '%s\n' "$1" | sed 's/^/# /'
}

is() { # NAME GOT WANTED
    if [ "$2" = "$3" ]; then
        ok "$1"
    else
        not_ok "$1" "got:    $2" "wanted: $3"
    fi
}

like() { # NAME GOT PATTERN (of the shell)
    # shellcheck disable=SC2053
    if [[ $2 == $3 ]]; then
        ok "$1"
    else
        not_ok "$1" "got:    $2" "wanted: $3"
    fi
}

unlike() { # NAME GOT PATTERN
    # shellcheck disable=SC2053
    if [[ $2 != $3 ]]; then
        ok "$1"
    else
        not_ok "$1" "got:      $2" "unwanted: $3"
    fi
}

succeeds() { # NAME COMMAND...
    local name=$1 out code
    shift
    out=$("$@" 2>&1)
    code=$?
    if [ $code = 0 ]; then
        ok "$name"
    else
        not_ok "$name" "$* ended with $code" "$out"
    fi
}

# The command fails with that status and says something that matches on standard error, cause and remedy.
fails() { # NAME STATUS PATTERN COMMAND...
    local name=$1 wanted=$2 pattern=$3 code
    shift 3
    "$@" >"$T/out" 2>"$T/err"
    code=$?
    # shellcheck disable=SC2053
    if [ $code = "$wanted" ] && [[ $(<"$T/err") == $pattern ]]; then
        ok "$name"
    else
        not_ok "$name" "$* ended with $code, wanted $wanted; standard error:" "$(<"$T/err")" "wanted: $pattern"
    fi
}

# Runs a program that prints `ok NAME`, `not ok NAME` and `# DIAGNOSTIC` lines as part of this test.
part() { # NAME COMMAND...
    local name=$1 line code
    shift
    "$@" >"$T/part" 2>"$T/part.err"
    code=$?
    while IFS= read -r line; do
        case $line in
        'ok '*) ok "${line#ok }" ;;
        'not ok '*) not_ok "${line#not ok }" ;;
        *) echo "$line" ;;
        esac
    done <"$T/part"
    if [ $code = 0 ]; then
        ok "$name"
    else
        not_ok "$name" "ended with $code" "$(<"$T/part.err")"
    fi
}

done_testing() {
    local log
    for log in "$T"/*/log; do
        if [ -f "$log" ] && grep -Eq '(ERROR|WARNING): [A-Za-z]*Sanitizer|runtime error:' "$log"; then
            not_ok "no sanitizer complains in $log" "$(grep -Ea -A 15 '(ERROR|WARNING): [A-Za-z]*Sanitizer|runtime error:' "$log")"
        fi
    done
    echo "1..$count"
    [ $failed = 0 ]
    exit
}

# --- Processes

tracked=()

track() { # PID: to be ended with the test, even if it was stopped
    tracked+=("$1")
}

untrack() { # PID
    local pid kept=()
    for pid in ${tracked[@]+"${tracked[@]}"}; do
        [ "$pid" = "$1" ] || kept+=("$pid")
    done
    tracked=(${kept[@]+"${kept[@]}"})
}

# Polls until a command succeeds: for a state that is sure to come, with a limit far beyond need.
await() { # SECONDS COMMAND...
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

gone() { # PID
    local state
    kill -0 "$1" 2>/dev/null || return 0
    # A zombie is gone but for its parent's wait.
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
    [ "$state" = Z ] || [ -z "$state" ]
}

is_stopped() { # PID: every thread of it
    ! awk '{ sub(/.*\) /, ""); if ($1 != "T") print }' "/proc/$1/task/"*/stat | grep -q .
}

# SIGSTOP reaches one thread, which stops the others only when it runs next: until then they go on.
freeze() { # PID
    kill -STOP "$1" && await 20 is_stopped "$1"
}

end() { # PID: politely, then by force
    kill -TERM "$1" 2>/dev/null
    kill -CONT "$1" 2>/dev/null
    await 30 gone "$1" || kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

clean_up() {
    local pid
    for pid in ${tracked[@]+"${tracked[@]}"}; do
        end "$pid"
    done
    rm -rf "$T"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- Tokens and agents. An agent has a name and the directory $T/NAME.

# A SoftHSM2 token in a directory of its own: DIRECTORY/softhsm2.conf, pin, so-pin, tokens; its label is NAME.
make_token() { # DIRECTORY NAME [PIN]
    local dir=$1
    mkdir -p "$dir/tokens"
    printf '%s' "${3:-$(openssl rand -hex 16)}" >"$dir/pin"
    openssl rand -hex 16 >"$dir/so-pin"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$dir/tokens" \
        >"$dir/softhsm2.conf"
    env -i "SOFTHSM2_CONF=$dir/softhsm2.conf" "$quiet_sanitizer" "$bin/hsm-agent-token" --init --module "$module" \
        --label "$2" --so-pin "file:$dir/so-pin" --pin "file:$dir/pin" >"$dir/serial" 2>"$dir/init.log" || {
        diag "the token $2 can't be made: $(<"$dir/init.log")"
        echo 'Bail out! no token'
        exit 99
    }
}

token_section() { # DIRECTORY NAME
    echo "[token $2]"
    echo "uri = pkcs11:token=$2"
    echo "module = $module"
    echo "environment = SOFTHSM2_CONF=$1/softhsm2.conf"
    [ $sanitized = no ] || echo "environment = $quiet_sanitizer"
    echo "pin = file:$1/pin"
    echo "sandbox = ${sandbox:-strict}"
    echo "write = $T"
}

# Lines of one section among SECTION:LINE arguments.
lines_of() { # SECTION SECTION:LINE...
    local section=$1 line
    shift
    for line in "$@"; do
        [ "${line%%:*}" != "$section" ] || echo "${line#*:}"
    done
}

# A token named main, a configuration that lets the calling user do everything, and what the arguments add to it.
make_agent() { # NAME [agent:LINE|listen:LINE|token:LINE|client:LINE|end:LINE]...
    local dir=$T/$1
    shift
    mkdir -p "$dir"
    make_token "$dir/main" main
    {
        echo "[agent]"
        echo "state-dir = $dir/state"
        lines_of agent "$@"
        echo "[listen agent]"
        echo "socket = $dir/agent.sock"
        echo "mode = 0600"
        echo "admin = yes"
        lines_of listen "$@"
        token_section "$dir/main" main
        lines_of token "$@"
        echo "[client me]"
        echo "user = $(id -u)"
        echo "allow = *:*"
        lines_of client "$@"
        lines_of end "$@"
    } >"$dir/agent.conf"
}

wrapper=()      # a command in front of the daemon's, for example valgrind's
daemon_args=()  # more arguments for the daemon
declare -A agent_pid

# Starts the daemon without waiting for it.
launch_agent() { # NAME
    ${wrapper[@]+"${wrapper[@]}"} "$bin/hsm-agentd" -c "$T/$1/agent.conf" ${daemon_args[@]+"${daemon_args[@]}"} \
        2>>"$T/$1/log" </dev/null &
    agent_pid[$1]=$!
    track $!
    use_agent "$1"
}

use_agent() { # NAME: the one that api and hsm-agent talk to
    agent=$1
    socket=$T/$1/agent.sock
    export HSM_AGENT_SOCKET=$socket
}

is_serving() {
    gone "${agent_pid[$agent]}" || curl -sf -m 5 --unix-socket "$socket" http://localhost/v1/health/alive
}

# Starts the daemon and waits until it serves. Fails when it ends instead.
start_agent() { # NAME
    launch_agent "$1"
    await 60 is_serving && ! gone "${agent_pid[$1]}" && return
    not_ok "agent $1 starts"
    return 1
}

# Ends the daemon with SIGTERM; its exit status.
stop_agent() { # NAME
    local pid=${agent_pid[$1]} code
    kill -TERM "$pid" 2>/dev/null
    wait "$pid"
    code=$?
    untrack "$pid"
    return $code
}

ends_well() { # NAME: stops the agent, which is a test
    local code
    stop_agent "$1"
    code=$?
    is "agent $1 ends with status 0" $code 0
}

kill_agent() { # NAME: with SIGKILL
    local pid=${agent_pid[$1]}
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    untrack "$pid"
}

# The process of the agent's token, as the log named it last.
child_pid() { # NAME [TOKEN]
    sed -n "s/.* token-ready token=${2:-main} .* pid=\([0-9]*\).*/\1/p
        s/.*\"event\":\"token-ready\",\"token\":\"${2:-main}\".*\"pid\":\([0-9]*\).*/\1/p" "$T/$1/log" | tail -n 1
}

hsm_agent() {
    "$bin/hsm-agent" "$@"
}

# Puts the spy before the module of a token in a configuration, so that FILE gets a line for each call.
spy_on() { # CONFIGURATION FILE
    sed -i "s|^module = .*|module = $spy\nenvironment = PKCS11SPY=$module\nenvironment = PKCS11SPY_OUTPUT=$2|" "$1"
}

calls_of() { # FILE [FUNCTION]: how many calls the spy has seen
    grep -c "^[0-9]*: ${2:-C_.*}\$" "$1"
}

pkcs11_tool() { # AGENT ARG...: the second reader, logged in to that agent's token
    local dir=$T/$1/main
    shift
    SOFTHSM2_CONF=$dir/softhsm2.conf pkcs11-tool --module "$module" --token-label main --login --pin "$(<"$dir/pin")" "$@"
}

# --- Requests

# Sends a request with curl; $status, $body and the file $T/headers are its answer. Without an answer, $status is 000.
api() { # METHOD PATH [BODY] [CURL ARGUMENT...]
    local method=$1 path=$2 data=()
    shift 2
    : >"$T/body"
    if [ $# -gt 0 ] && [ -n "$1" ]; then
        printf '%s' "$1" >"$T/request"
        data=(--data-binary "@$T/request" -H 'Content-Type: application/json')
    fi
    [ $# = 0 ] || shift
    status=$(curl -s -m 120 --unix-socket "$socket" -X "$method" ${data[@]+"${data[@]}"} -o "$T/body" -D "$T/headers" \
        -w '%{http_code}' "$@" "http://localhost$path")
    body=$(tr -d '\000' <"$T/body")
}

# The first member of that name in $body: a string without its quotes, a number, true, false.
field() { # NAME
    local pattern="\"$1\":(\"(([^\"\\\\]|\\\\.)*)\"|([^][{},\"]+))"
    [[ $body =~ $pattern ]] || return 1
    printf '%b' "${BASH_REMATCH[2]}${BASH_REMATCH[4]}"
}

# Whether the last answer is a whole problem document with that status and code, and that pointer if one is given.
is_problem() { # STATUS CODE [POINTER]
    [ "$status" = "$1" ] && [ "$(field code)" = "$2" ] && [ "$(field status)" = "$1" ] &&
        [ "$(field type)" = "urn:hsm-agent:error:$2" ] && [ -n "$(field title)" ] && [ -n "$(field detail)" ] &&
        [ -n "$(field hint)" ] && grep -qi '^content-type: application/problem+json' "$T/headers" &&
        grep -qi '^request-id: ..' "$T/headers" && { [ $# -lt 3 ] || [ "$(field pointer)" = "$3" ]; }
}

problem() { # NAME STATUS CODE [POINTER]
    local name=$1
    shift
    if is_problem "$@"; then
        ok "$name"
    else
        not_ok "$name" "wanted: $*" "got: $status $body"
    fi
}

# --- Bytes

b64u() { # from standard input
    basenc -w 0 --base64url | tr -d =
}

unb64u() { # from standard input
    local text
    text=$(cat)
    case $((${#text} % 4)) in
    2) text+='==' ;;
    3) text+='=' ;;
    esac
    printf '%s' "$text" | basenc -d --base64url
}

quoted() { # FILE: its text as a JSON string
    "$python" -c 'import json, sys; print(json.dumps(open(sys.argv[1]).read()))' "$1"
}

member() { # PATH with dots, for example results.3.status: that member of $body, anything but a string as JSON
    "$python" -c '
import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value[int(name)] if isinstance(value, list) else value.get(name)
    if value is None:
        sys.exit("no member " + name)
print(value if isinstance(value, str) else json.dumps(value))' "$T/body" "$1"
}

# --- A token that fails. tests/fault/rules.h has the language of the rules.

fault_module=$bin/tests/fault/.libs/fault_module.so

# Puts the fault module before the module of the token main, or of another one, in the agent's configuration. The rules
# of main are $T/AGENT/faults, those of another token $T/AGENT/TOKEN/faults: its AGENT below is AGENT/TOKEN.
fault_on() { # AGENT [TOKEN]
    local rules=$T/$1${2:+/$2}/faults
    mkdir -p "${rules%/*}"
    : >"$rules"
    sed -i "/^\[token ${2:-main}\]/,/^\[/ s|^module = \(.*\)|module = $fault_module\\
environment = HSM_AGENT_FAULT_MODULE=\1\\
environment = HSM_AGENT_FAULT_RULES=$rules|" "$T/$1/agent.conf"
}

# The rules from now on, instead of those before. None: the token is well. A hang goes on until its process ends.
faults() { # AGENT [RULE]...
    local rules=$T/$1/faults
    shift
    printf '%s\n' "$@" >"$rules.new"
    if faultctl check "$rules.new" >"$T/out" 2>&1; then
        mv "$rules.new" "$rules"
    else
        not_ok "the rules are understood" "$(<"$T/out")"
        return 1
    fi
}

faultctl() { # check|calls|fired|logins|pins|sessions|signals RULES [ARGUMENT]
    "$bin/tests/fault/faultctl" "$@"
}

# What the module has counted, for example: counted a calls C_Login, or counted a logins PIN-FILE.
counted() { # AGENT WHAT [ARGUMENT]
    local what=$2 rules=$T/$1/faults
    shift 2
    faultctl "$what" "$rules" "$@"
}
