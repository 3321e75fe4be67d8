#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What /proc tells of the daemon and of the token's process: no PKCS#11 module and no PIN where they don't belong.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'agent:rsa1_5-decrypt = yes' 'token:software-oaep = yes'
# A PIN that nothing else in memory looks like.
rm -rf "$T/a/main"
pin=marker-$(openssl rand -hex 24)
make_token "$T/a/main" main "$pin"
daemon_args=(--debug)
start_agent a || done_testing

# Everything is used once, and the token's process has been replaced.
use_all() {
    hsm_agent key create rsa --type rsa:2048 --purpose sign,decrypt >/dev/null &&
        hsm_agent key create ec --type ec:p256 --purpose sign,derive >/dev/null &&
        echo hello | hsm_agent sign rsa --alg PS256 >"$T/sig" && hsm_agent key show rsa --public pem >"$T/pem" &&
        echo secret | openssl pkeyutl -encrypt -pubin -inkey "$T/pem" -pkeyopt rsa_padding_mode:oaep \
            -pkeyopt rsa_oaep_md:sha256 >"$T/ct" && hsm_agent decrypt rsa -i "$T/ct" >/dev/null &&
        hsm_agent csr ec --subject CN=x >/dev/null && hsm_agent key show ec --public pem >"$T/peer" &&
        hsm_agent derive ec --peer "$T/peer" >/dev/null && hsm_agent tokens >/dev/null
}
succeeds 'everything is used' use_all
kill -KILL "$(child_pid a)"
echo hello | hsm_agent sign ec --alg ES256 >"$T/sig" || not_ok 'the token comes back'

daemon=${agent_pid[a]}
child=$(child_pid a)
helpers=$(grep -l "^PPid:[[:space:]]*$daemon\$" /proc/[0-9]*/status 2>/dev/null | cut -d / -f 3 | grep -vx "$child" | tr '\n' ' ')
[ $sanitized = yes ] || like 'two more start programs and look up executables' "$helpers" '+([0-9]) +([0-9]) '

# --- What everybody may see

is 'no PIN in the arguments of the daemon' "$(tr '\0' ' ' <"/proc/$daemon/cmdline" | grep -cF "$pin")" 0
is 'none in those of the token process' "$(tr '\0' ' ' <"/proc/$child/cmdline" | grep -cF "$pin")" 0
is 'none in the log, debugging included' "$(grep -cF "$pin" "$T/a/log")" 0
is 'none in the state directory' "$(grep -rcF "$pin" "$T/a/state" | grep -vc ':0$')" 0
is 'none in the effective configuration' "$("$bin/hsm-agentd" --dump -c "$T/a/agent.conf" | grep -cF "$pin")" 0
is 'the daemon gains no privileges' "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$daemon/status")" 1
is 'nor does the token process' "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$child/status")" 1

# --- What root alone may see, for neither process can be dumped

if [ "$(id -u)" != 0 ]; then
    if [ $sanitized = no ]; then
        is 'the daemon is closed to its own user' "$(cat "/proc/$daemon/environ" 2>/dev/null | wc -c)" 0
        is 'so is the token process' "$(cat "/proc/$child/environ" 2>/dev/null | wc -c)" 0
    fi
    skip 'memory, mappings and environment' 'only root can read them'
    ends_well a
    done_testing
fi

for pid in "$daemon" "$child"; do
    like "process $pid leaves no core" "$(grep 'core file size' "/proc/$pid/limits")" 'Max core file size *0 *0 *bytes*'
done
# libp11-kit.so.0 itself is no module; GnuTLS needs it, which Debian's libmicrohttpd is linked with.
modules=$(awk '{ print $6 }' "/proc/$daemon/maps" | sort -u | grep -v '/libp11-kit\.so' | grep -iE 'softhsm|p11|pkcs11|opensc')
is 'the daemon maps no PKCS#11 module' "$modules" ''
like 'the token process does' "$(<"/proc/$child/maps")" '*libsofthsm2.so*'

is 'no PIN in the environment of the daemon' "$(tr '\0' '\n' <"/proc/$daemon/environ" | grep -cF "$pin")" 0
wanted="SOFTHSM2_CONF=$T/a/main/softhsm2.conf"
[ $sanitized = no ] || wanted+=" $quiet_sanitizer"
is 'the environment of the token process is what the configuration says' \
    "$(tr '\0' ' ' <"/proc/$child/environ" | sed 's/ $//')" "$wanted"
held=$(for fd in "/proc/$child/fd"/*; do readlink "$fd"; done | grep -E 'lock$|state' | tr '\n' ' ')
is 'no lock and no state file is open in it' "$held" ''

printf '%s' "$pin" >"$T/pin"
printf '%s' "$socket" >"$T/known"
like 'what is in the memory of the daemon is found there' "$("$python" "$flow/find_bytes.py" "$daemon" "$T/known")" '[1-9]*'
is 'the PIN is nowhere in the memory of the daemon' "$("$python" "$flow/find_bytes.py" "$daemon" "$T/pin")" ''
found=$("$python" "$flow/find_bytes.py" "$child" "$T/pin")
diag "the PIN in the memory of the token process (copies, where): ${found:-none}"
is 'of the memory of the token process it is not on the stack' "$(grep -c '\[stack\]' <<<"$found")" 0
is 'nor anywhere else in it, once it is logged in' "$found" ''
is 'and none of its pages is locked, since there is nothing to keep' "$(sed -n 's/^VmLck:[[:space:]]*//p' "/proc/$child/status")" '0 kB'

# --- A private key that was imported: its secret numbers, as they are in memory, are in the token alone

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$T/import.key" 2>/dev/null
for number in privateExponent prime1 exponent1; do
    openssl rsa -in "$T/import.key" -noout -text 2>/dev/null |
        sed -n "/^$number:/,/^[a-z]/p" | grep '^ ' | tr -d ' :\n' | sed 's/^00//' | cut -c 1-96 | tr a-f A-F |
        basenc -d --base16 >"$T/secret-$number"
    # As OpenSSL has numbers in memory: the least byte first.
    "$python" -c 'import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])' <"$T/secret-$number" >"$T/turned-$number"
done
succeeds 'a key is imported' hsm_agent key import imported "$T/import.key"
# The client's program has had those numbers too. Data for a signature comes from a pipe, so that it can be looked at.
mkfifo "$T/data"
(ulimit -S -c unlimited && exec "$bin/hsm-agent" sign imported --alg RS256 <"$T/data" >/dev/null) &
track $!
client=$!
exec {data}>"$T/data"
coreless() {
    grep -q 'Max core file size *0 *0 ' "/proc/$1/limits"
}
succeeds 'the client leaves no core' await 30 coreless $client
exec {data}>&-
# Looked for at once, before something else takes the memory that was given back.
for number in privateExponent prime1 exponent1; do
    is "48 bytes of the $number were cut out" "$(wc -c <"$T/secret-$number")" 48
    is "the $number is nowhere in the memory of the daemon" "$("$python" "$flow/find_bytes.py" "$daemon" "$T/secret-$number")" ''
    is "nor turned round" "$("$python" "$flow/find_bytes.py" "$daemon" "$T/turned-$number")" ''
    for pid in $helpers; do
        is "nor in that of process $pid" "$("$python" "$flow/find_bytes.py" "$pid" "$T/secret-$number")" ''
    done
done
echo hello | hsm_agent sign imported --alg RS256 >"$T/sig" || not_ok 'the imported key signs'
for pid in $helpers; do
    is "the PIN is nowhere in the memory of process $pid" "$("$python" "$flow/find_bytes.py" "$pid" "$T/pin")" ''
done

# --- What is written, and what /proc shows: neither has the PIN or a number, in no form

find "$T/a/state" -type f -exec cat {} + >"$T/written"
like 'the audit log is a part of what is written' "$(<"$T/written")" '*"key":"imported"*"operation":"sign"*'
for pid in "$daemon" "$child" $helpers; do
    cat "/proc/$pid/cmdline" "/proc/$pid/environ"
done >"$T/shown"
part 'log, state, audit log, arguments and environment' "$python" - "$T" <<'P'
import base64, sys

directory = sys.argv[1]
def read(name):
    with open(f"{directory}/{name}", "rb") as file:
        return file.read()

secrets = {"the PIN": read("pin")}
for number in "privateExponent", "prime1", "exponent1":
    secrets[f"the {number}"] = read(f"secret-{number}")
places = {"the log": read("a/log"), "the state directory": read("written"), "arguments and environment": read("shown")}
for what, secret in secrets.items():
    cut = secret[: len(secret) // 3 * 3]
    forms = [secret, secret[::-1], base64.b64encode(cut), base64.urlsafe_b64encode(cut), secret.hex().encode()]
    for place, text in places.items():
        found = [form for form in forms if form in text or form in text.lower()]
        print("not ok" if found or not text else "ok", f"{what} isn't in {place}")
P

# --- Cores: none of the processes leaves one, and what root takes by force has no PIN

has_gcore() { # a sanitizer's shadow is terabytes
    [ $sanitized = no ] && command -v gcore >/dev/null
}
if has_gcore; then
    for who in "daemon=$daemon" "token=$child" $(printf 'helper=%s ' $helpers); do
        pid=${who#*=}
        gcore -o "$T/core" "$pid" >"$T/gcore" 2>&1
        succeeds "${who%=*}: root takes a core" test -s "$T/core.$pid"
        is "${who%=*}: there is no PIN in it" "$(grep -acF "$pin" "$T/core.$pid")" 0
        rm -f "$T/core.$pid"
    done
else
    skip 'cores that root takes' 'gcore is not there, or a sanitizer is'
fi

ends_well a

# --- A PIN that has to be kept, since a person typed it: one locked page of the token's process, and no other

make_agent p
rm -rf "$T/p/main"
make_token "$T/p/main" main "$pin"
sed -i "s/^pin = .*/pin = prompt/" "$T/p/agent.conf"
"$python" "$flow/at_terminal.py" 'PIN of token main' "$pin" -- sh -c "exec '$bin/hsm-agentd' -c '$T/p/agent.conf' 2>'$T/p/log'" \
    >"$T/p/screen" 2>&1 </dev/null &
track $!
use_agent p
typed() {
    curl -sf -m 5 --unix-socket "$socket" http://localhost/v1/health/ready
}
succeeds 'a PIN that is typed serves' await 60 typed
child=$(child_pid p)
daemon=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$child/status")
is 'one page of the token process is locked' "$(sed -n 's/^VmLck:[[:space:]]*//p' "/proc/$child/status")" "$(($(getconf PAGESIZE) / 1024)) kB"
is 'the PIN is in one place of it' "$("$python" "$flow/find_bytes.py" "$child" "$T/pin")" '1 anonymous'
flags=$(grep '^VmFlags:.* lo ' "/proc/$child/smaps")
like 'which is not dumped' "$flags" '*VmFlags:* dd *'
like 'and empty or missing in what is forked' "$flags" '* @(wf|dc) *'
is 'the daemon has it nowhere' "$("$python" "$flow/find_bytes.py" "$daemon" "$T/pin")" ''
if has_gcore; then
    gcore -o "$T/core" "$child" >"$T/gcore" 2>&1
    succeeds 'root takes a core' test -s "$T/core.$child"
    is 'there is no PIN in it either' "$(grep -acF "$pin" "$T/core.$child")" 0
fi
kill -TERM "$daemon"
await 30 gone "$daemon"
done_testing
