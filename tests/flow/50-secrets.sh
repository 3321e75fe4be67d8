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

ends_well a
done_testing
