#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hsm-agent openssl-check: configurations with one mistake each, and what it says of them.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

case $(openssl version) in
'OpenSSL 3.'*) ;;
*) skip_all "$(openssl version) has no providers" ;;
esac

make_agent a end:'[client nobody]' end:'user = 65534' end:'allow = web:tls'
start_agent a || done_testing
for pair in plain:ec:p256:sign rsa:rsa:2048:sign ed:ed25519:sign p384:ec:p384:sign web:rsa:2048:tls-server \
    caller:ec:p256:tls-client box:rsa:2048:decrypt; do
    type=${pair#*:}
    hsm_agent key create "${pair%%:*}" --type "${type%:*}" --purpose "${pair##*:}" >/dev/null ||
        not_ok "the key ${pair%%:*} is made"
done

# What others may read: $T is closed to them.
P=$(mktemp -d /tmp/hsm-agent-check.XXXXXX) || exit 99
chmod 0755 "$P"
trap 'clean_up; rm -rf "$P"' EXIT
install -m 0755 "$bin/.libs/hsmagent.so" "$P/hsmagent.so"
conf=$P/openssl.cnf
unset OPENSSL_CONF OPENSSL_MODULES

# The right configuration, changed by the lines of a sed script.
write() { # [SCRIPT]
    hsm_agent openssl-conf --module "$P/hsmagent.so" | sed "${1-}" >"$conf"
    chmod 0644 "$conf"
}
check() { # OPTION...
    out=$(timeout 100 "$bin/hsm-agent" openssl-check --conf "$conf" "$@" 2>&1)
    code=$?
}
# NAME STATUS PATTERN...: how the last check ended, and what stands in it. A pattern with a ! in front stands nowhere.
found() {
    local name=$1 wanted=$2 pattern
    shift 2
    [ "$code" = "$wanted" ] || { not_ok "$name" "ended with $code, wanted $wanted" "$out"; return; }
    for pattern; do
        # shellcheck disable=SC2053
        case $pattern in
        !*) [[ $out != *${pattern#!}* ]] || { not_ok "$name" "unwanted: $pattern" "$out"; return; } ;;
        *) [[ $out == *$pattern* ]] || { not_ok "$name" "wanted: $pattern" "$out"; return; } ;;
        esac
    done
    ok "$name"
}
# The mistake that SCRIPT makes is found by CHECK, with words and a remedy; nothing before it is wrong.
mistake() { # NAME SCRIPT CHECK PATTERN [OPTION...]
    local name=$1 check=$3 pattern=$4
    write "$2"
    shift 4
    check "$@"
    found "$name" 1 "problem  $check: $pattern"$'\n'"         remedy: "
    is "$name: it comes first" "$(sed -n '/^problem/{s/^problem  \([a-z-]*\):.*/\1/p;q}' <<<"$out")" "$check"
}

# --- What is right

write
check
found 'the configuration that is printed' 0 'nothing is wrong' 'ok       file' 'ok       openssl-conf' \
    'ok       providers' \
    'ok       default-provider' 'ok       hsmagent-section' 'ok       order' 'ok       module' 'ok       properties' \
    'ok       socket' 'ok       agent' 'ok       rights' 'ok       load' '!warning' '!problem'
out=$(OPENSSL_CONF=$conf "$bin/hsm-agent" openssl-check 2>&1)
code=$?
found 'by OPENSSL_CONF' 0 "ok       file: $conf can be read" 'nothing is wrong'
for key in plain rsa ed p384 web caller; do
    check --key $key
    found "a signature with $key" 0 "ok       key: the key hsm-agent:$key can be loaded" \
        "ok       signature: a signature with $key verifies"
done
check --key box
found 'a key that decrypts' 0 "ok       signature: box isn't for signatures"
"$bin/hsm-agent" openssl-check --conf "$conf" --key plain --json >"$T/document" 2>&1
is 'as a document' "$("$python" -c '
import json, sys
d = json.load(open(sys.argv[1]))
print(sorted(d), d["result"], [c["check"] for c in d["checks"] if c["result"] == "ok"])' "$T/document")" \
    "['checks', 'file', 'result'] ok ['file', 'openssl-conf', 'providers', 'default-provider', 'hsmagent-section',\
 'order', 'module', 'properties', 'socket', 'agent', 'rights', 'load', 'key', 'signature']"
cp "$flow/../../hsm-config/openssl.cnf" "$conf"
sed -i "s|^module = .*|module = $P/hsmagent.so|" "$conf"
check --key web
found 'the sample' 0 'nothing is wrong'

# --- The file

out=$("$bin/hsm-agent" openssl-check --conf "$P/nowhere.cnf" 2>&1)
code=$?
found 'no file' 1 'problem  file: '*'nowhere.cnf can'*'No such file' 'remedy: '*OPENSSL_CONF
out=$("$bin/hsm-agent" openssl-check --conf "$P" 2>&1)
code=$?
found 'a directory' 1 "problem  file: $P isn't a file"
mistake 'a line that is none' '3a [unclosed' file '*line*'
mistake 'no openssl_conf' '/^openssl_conf/d' openssl-conf "no line 'openssl_conf = ...'*"
mistake 'openssl_conf behind a section' '/^openssl_conf/{h;d};$G' openssl-conf "no line 'openssl_conf = ...'*"
mistake 'its section is missing' 's/^\[openssl_init\]/[other]/' openssl-conf 'the section \[openssl_init\]*'
mistake 'no providers' '/^providers =/d' providers "the section \[openssl_init\] has no line 'providers = ...'"
mistake 'the list is missing' 's/^\[providers\]/[other]/' providers 'the section \[providers\]*'
mistake 'no default provider' '/^default = /d' default-provider 'the list \[providers\] has no default*'
mistake 'default is not activated' '/^\[default_provider\]/,/^$/s/^activate.*//' default-provider \
    '*doesn*activate the provider default'
mistake 'the section of default is missing' 's/^\[default_provider\]/[other]/' default-provider \
    'the section \[default_provider\]*'
mistake 'no hsmagent' '/hsmagent/d' hsmagent-section 'the list \[providers\] has no provider hsmagent'
mistake 'its section is missing' 's/^\[zz_hsmagent_provider\]/[other]/' hsmagent-section \
    'the section \[zz_hsmagent_provider\]*'
mistake 'hsmagent is not activated' '/^\[zz_hsmagent_provider\]/,$s/^activate.*//' hsmagent-section \
    '*doesn*activate the provider zz_hsmagent'
mistake 'hsmagent is switched off' '/^\[zz_hsmagent_provider\]/,$s/^activate.*/activate = no/' hsmagent-section \
    '*doesn*activate the provider zz_hsmagent'
mistake 'a name that sorts too early' 's/^zz_hsmagent =/agent_hsmagent =/' order \
    "the provider's name agent_hsmagent sorts before base*"
mistake 'and one between' 's/^zz_hsmagent =/hsmagent =/' order "the provider's name hsmagent sorts before legacy*"
mistake 'hsmagent before default' '/^default = /{h;d};/^zz_hsmagent = /G' order 'zz_hsmagent stands before default*'
mistake 'default_properties shut it out' \
    '/^providers =/a alg_section = algs
$a [algs]\ndefault_properties = provider=default' properties 'default_properties = provider=default in \[algs\]*'
write '/^providers =/a alg_section = algs
$a [algs]\ndefault_properties = ?provider=default'
check
found 'a preference shuts nobody out' 0 'nothing is wrong'

# --- The module

mistake 'no module' "s|^module.*|module = $P/nowhere.so|" module 'the module '*'nowhere.so can'*'No such file*'
mistake 'a module that OpenSSL looks for elsewhere' 's|^module.*|module = hsmagent-nowhere.so|' module \
    '*/hsmagent-nowhere.so can*'
echo 'not a module' >"$P/hsmagent-text.so"
mistake 'a module that is none' "s|^module.*|module = $P/hsmagent-text.so|" load '*hsmagent-text.so*'
legacy=$(openssl version -m | sed 's/.*"\(.*\)".*/\1/')/legacy.so
if [ -r "$legacy" ]; then
    cp "$legacy" "$P/hsmagent-other.so"
    mistake 'another module' "s|^module.*|module = $P/hsmagent-other.so|" load 'the module is another one: *'
else
    skip 'another module' "there is no $legacy"
fi
compiler=$(command -v cc || command -v gcc || command -v clang)
if [ -n "$compiler" ] && [ $sanitized = no ]; then
    echo '__attribute__((constructor)) static void on_load(void) { __builtin_trap(); }' |
        "$compiler" -shared -fPIC -x c - -o "$P/hsmagent-crash.so"
    mistake 'a module that crashes' "s|^module.*|module = $P/hsmagent-crash.so|" load \
        'it crashes the program, with signal*'
    printf '#include <unistd.h>\n__attribute__((constructor)) static void on_load(void) { for (;;) pause(); }\n' |
        "$compiler" -shared -fPIC -x c - -o "$P/hsmagent-hang.so"
    mistake 'a module that hangs' "s|^module.*|module = $P/hsmagent-hang.so|" load '*the module hangs' --timeout 2
    printf '#include <unistd.h>\n__attribute__((constructor)) static void on_load(void) { _exit(3); }\n' |
        "$compiler" -shared -fPIC -x c - -o "$P/hsmagent-exit.so"
    mistake 'a module that ends the program' "s|^module.*|module = $P/hsmagent-exit.so|" load \
        'it ends the program, with status 3'
else
    skip 'modules that crash or hang' 'no compiler, or a sanitizer that would interfere'
fi

# --- The agent

mistake 'no socket' "\$a socket = $P/nowhere.sock" socket "the socket $P/nowhere.sock can't be reached: No such file*"
mistake 'a socket that is none' "\$a socket = $P/openssl.cnf" socket "$P/openssl.cnf isn't a socket"
write
check --key nobody
found 'a key that isn'"'"'t there' 1 "problem  key: *'nobody'" '         remedy: '
write "\$a socket = $socket"
saved=$HSM_AGENT_SOCKET
export HSM_AGENT_SOCKET=$P/nowhere.sock
check --key plain
found "the section's socket goes before the environment's" 0 "ok       socket: this user may use the socket $saved"
write
check
found 'the environment names the socket else' 1 "problem  socket: the socket $P/nowhere.sock"
check --socket "$saved"
found 'or the command line' 0 "ok       socket: this user may use the socket $saved"
export HSM_AGENT_SOCKET=$saved

# --- Another user. The agent of the tests is at a socket in $T, so these have one of their own.

stop_agent a
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    install -m 0755 "$bin/hsm-agent" "$P/hsm-agent"
    printf '[listen public]\nsocket = %s/agent.sock\nmode = 0666\n' "$P" >>"$T/a/agent.conf"
    start_agent a || done_testing
    as() { # UID OPTION...
        local uid=$1
        shift
        out=$(setpriv --reuid "$uid" --regid "$uid" --clear-groups env HSM_AGENT_SOCKET="$P/agent.sock" timeout 100 \
            "$P/hsm-agent" openssl-check --conf "$conf" "$@" 2>&1)
        code=$?
    }
    write
    as 65534 --key web
    found 'a user with the right tls for one key' 0 "a signature with web verifies"
    as 65534 --key plain
    found 'and none for others' 1 "problem  key: *'plain'"
    as 65533
    found 'a user whom no section is for' 1 'problem  rights: no \[client\] section is for user 65533'
    chmod 0600 "$P/agent.sock"
    as 65534
    found 'a socket that is closed to this user' 1 \
        "problem  socket: user 65534 may not use the socket $P/agent.sock: Permission denied"
    chmod 0666 "$P/agent.sock"
    chmod 0600 "$P/hsmagent.so"
    as 65534
    found 'a module that is closed to this user' 1 "problem  module: *Permission denied" '         remedy: '
    chmod 0644 "$P/hsmagent.so"
    chmod 0600 "$conf"
    as 65534
    found 'a file that is closed to this user' 1 'problem  file: *Permission denied' '         remedy: '
    # A key that may be seen, but not signed with as a program wants to.
    sed -i 's/^allow = web:tls$/allow = plain:show/' "$T/a/agent.conf"
    stop_agent a
    start_agent a || done_testing
    write
    as 65534 --key plain
    found 'a refusal is explained' 1 'ok       key: the key hsm-agent:plain can be loaded' 'problem  signature: ' \
        'remedy: '
    stop_agent a
else
    skip 'other users' 'that takes root and setpriv'
fi
write
check --key plain
found 'the agent is down' 1 'problem  socket: '
"$python" - "$T/dead.sock" <<'PYTHON'
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])
PYTHON
write "\$a socket = $T/dead.sock"
check --key plain
found 'a socket that nobody listens at' 1 'ok       socket' 'problem  agent: ' 'remedy: '

fails 'a name that no key has' 2 '*name*' "$bin/hsm-agent" openssl-check --key 'a b'

done_testing
