#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units: what systemd-analyze says of them, also with the lines for SoftHSM2, and whether the filter of the
# service lets through what the agent and its processes call.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v systemd-analyze >/dev/null || skip_all "systemd-analyze isn't installed"
[ $sanitized = no ] || skip_all 'a sanitizer calls what nobody else does'
units=$(cd "${srcdir:-.}/hsm-config" && pwd)
cp "$units"/hsm-agentd*.s* "$T"

exposure() { # FILE
    systemd-analyze security --offline=yes --no-pager "$1" 2>&1 | sed -n 's/.*exposure level for [^:]*: \([0-9.]*\) .*/\1/p'
}

score=$(exposure "$T/hsm-agentd.service")
diag "exposure of hsm-agentd.service: $score"
like 'the exposure of the service is 1.0 at most' "$score" '@(0.[0-9]|1.0)'
like "callers' processes aren't hidden, so that their units are known" "$(<"$T/hsm-agentd.service")" $'*\nProtectProc=default\n*'
mkdir "$T/softhsm"
sed 's|^#\(SupplementaryGroups=softhsm\)|\1|; s|^#\(ReadWritePaths=/var/lib/softhsm/tokens\)|\1|' "$T/hsm-agentd.service" \
    >"$T/softhsm/hsm-agentd.service"
is 'the lines for SoftHSM2 are there' "$(diff "$T/hsm-agentd.service" "$T/softhsm/hsm-agentd.service" | grep -c '^>')" 2
score=$(exposure "$T/softhsm/hsm-agentd.service")
diag "exposure with the lines for SoftHSM2: $score"
like 'so it is with them' "$score" '@(0.[0-9]|1.0)'
verified=$(systemd-analyze verify --man=no "$T/hsm-agentd.service" "$T/hsm-agentd.socket" "$T/hsm-agentd-admin.socket" 2>&1 |
    grep "$T\|^hsm-agentd" | grep -v 'is not executable')
is 'systemd finds no mistake in the units' "$verified" ''

command -v strace >/dev/null || {
    skip 'the system calls' "strace isn't installed"
    done_testing
}
make_agent a 'agent:expiry-hook = /bin/true'
wrapper=(strace -f -qq -o "$T/strace")
launch_agent a
await 60 is_serving
use_all() {
    hsm_agent key create rsa --type rsa:2048 --purpose sign,decrypt >/dev/null &&
        hsm_agent key create ec --type ec:p256 >/dev/null && echo hello | hsm_agent sign rsa --alg PS256 >"$T/sig" &&
        hsm_agent csr ec --subject CN=x >/dev/null && hsm_agent key rotate ec >/dev/null &&
        hsm_agent key delete rsa --confirm rsa >/dev/null && kill -HUP "$(pgrep -P "${agent_pid[a]}")" &&
        await 20 grep -q ' reloaded ' "$T/a/log" && kill -KILL "$(child_pid a)" && hsm_agent csr ec --subject CN=x >/dev/null
}
succeeds 'everything is used' use_all
kill -TERM "$(pgrep -P "${agent_pid[a]}")"
wait "${agent_pid[a]}"
untrack "${agent_pid[a]}"
# What the service manager starts is not the service yet: its first execve isn't under the filter.
called=$(sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$T/strace" | sort -u)
like 'they were seen' "$called" $'*accept4*landlock_restrict_self*'
part 'the filter of the service lets all of them through' "$python" - "$T/hsm-agentd.service" "$called" <<'P'
import subprocess, sys

def members(name):
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True).stdout
    names = [line.strip() for line in text.splitlines()[1:]]
    return set().union(*(members(name) for name in names if name and not name.startswith("#")))

allowed = set()
for line in open(sys.argv[1]):
    if line.startswith("SystemCallFilter="):
        value = line.split("=", 1)[1].strip()
        named = set().union(*(members(name) for name in value.lstrip("~").split()))
        allowed = allowed - named if value.startswith("~") else allowed | named
called = set(sys.argv[2].split())
print(f"# {len(called)} system calls seen, {len(allowed)} allowed")
missing = sorted(called - allowed)
print(("not ok" if missing else "ok") + " each of them: " + (" ".join(missing) or "none is missing"))
P
done_testing
