#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Notice of certificates that expire: once for each of the numbers of days, over restarts and reloads; the hook; status.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/expiry_lib.sh"

hooks=$T/hooks
mkdir "$hooks"
hook() { # writes the program, which gets its text on standard input
    cat >"$hooks/new"
    chmod 755 "$hooks/new"
    mv "$hooks/new" "$hooks/hook"
}
hook <<HOOK
#!/bin/sh
{
    echo "arguments: \$*"
    env | sort | sed 's/^/env /'
    echo "uid \$(id -u) gid \$(id -g) groups \$(id -G)"
    for fd in /proc/self/fd/*; do echo "fd \$fd \$(readlink "\$fd")"; done
} >"$hooks/run.\$1.\$3.part"
mv "$hooks/run.\$1.\$3.part" "$hooks/run.\$1.\$3"
HOOK
# The agent of a test may be root's, and its hook is nobody's then.
chmod 711 "$T"
chmod 1777 "$hooks"

make_agent a 'agent:expiry-days = 30, 60' "agent:expiry-hook = $hooks/hook"
start_agent a || done_testing
for name in near far late gone; do
    hsm_agent key create "$name" --type ec:p256 --purpose sign,csr --environment prod --holder 'Acme; Ltd' >/dev/null ||
        not_ok "the key $name is made"
done

install() { # KEY UNTIL
    issue "$1" "C=AE,O=Acme,CN=$1.example" "$2" "$T/$1" || not_ok "a certificate for $1 is made" "$(<"$ca/log")"
    api PUT "/v1/keys/$1/certificate" "{\"certificates\":$(cat "$T/$1" "$ca/pem" | jq -Rs .)}"
    [ "$status" = 200 ] || not_ok "the certificate of $1 is installed" "$status $body"
}
look() { # the agent looks at once when it is told to read its configuration
    kill -HUP "${agent_pid[a]}"
}
told() { # KEY [WORDS]: how often
    grep -c " certificate-expire[sd] key=$1 .*${2:-}" "$T/a/log"
}
is_told() { # KEY WORDS
    [ "$(told "$1" "${2:-}")" -gt 0 ]
}

# --- The first notice

install near '20 days 3 hours'
install far '200 days'
look
await 20 is_told near 'days-left=20' && ok 'a certificate with 20 days left is told of' || not_ok 'a certificate with 20 days left is told of'
like 'the event has key, version, days, date, names' "$(grep certificate-expires "$T/a/log")" \
    '* warn certificate-expires key=near version=1 days-left=20 notice=30 not-after=20*Z subject="CN=near.example,O=Acme,C=AE" issuer="CN=Test CA,C=AE" serial=* sha256=*'
is 'nothing is told of one with 200 days' "$(told far)" 0

# --- The hook

await 20 test -e "$hooks/run.near.20" && ok 'the hook ran' || not_ok 'the hook ran'
ran=$(<"$hooks/run.near.20")
not_after=$(date -u -d "$(openssl x509 -in "$T/near" -noout -enddate | sed 's/.*=//')" +%Y-%m-%dT%H:%M:%SZ)
like 'its arguments are key, version, days and date' "$ran" "arguments: near 1 20 $not_after"$'\n*'
is 'its environment is what is promised, and nothing else' \
    "$(sed -n 's/^env \([A-Z_0-9]*\)=.*/\1/p' <<<"$ran" | grep -Ev '^(PWD|SHLVL|OLDPWD|_)$' | paste -sd ' ')" \
    'HSM_AGENT_DAYS_LEFT HSM_AGENT_ENVIRONMENT HSM_AGENT_HOLDER HSM_AGENT_ISSUER HSM_AGENT_KEY HSM_AGENT_NOTICE HSM_AGENT_NOT_AFTER HSM_AGENT_PROFILE HSM_AGENT_SERIAL HSM_AGENT_SHA256 HSM_AGENT_SUBJECT HSM_AGENT_VERSION PATH'
like 'what it says is as it was said, whatever a shell would make of it' "$ran" \
    "*env HSM_AGENT_HOLDER=Acme; Ltd*env HSM_AGENT_SUBJECT=CN=near.example,O=Acme,C=AE*"
unlike 'it has no socket, file or pipe of the agent' "$(grep '^fd' <<<"$ran" | grep -v '/dev/null$\|/proc/' | grep -v "$hooks/run")" '*fd*'
if [ "$(id -u)" = 0 ]; then
    like 'a hook of an agent that is root is nobody' "$ran" '*uid 65534 gid 65534 groups 65534*'
fi

# --- Once

install late '45 days'
look
await 20 is_told late 'notice=60' && ok 'one with 45 days is told of at 60' || not_ok 'one with 45 days is told of at 60'
is 'the next look tells nothing twice' "$(told near)" 1
# A notice counts as given when its hook is done.
recorded() { # N
    [ "$(jq '.told | length' "$T/a/state/expiry-notices.json")" = "$1" ]
}
await 20 recorded 2 || not_ok 'what was told is written down'
stop_agent a
issue_gone() {
    start_agent a && issue gone 'CN=gone.example' '-2 days -1 hour' "$T/gone" && stop_agent a
}
issue_gone || not_ok 'an expired certificate is made' "$(<"$ca/log")"
cp "$T/gone" "$T/a/state/certificates/gone@1.pem"
start_agent a || done_testing
await 20 is_told gone && ok 'what has expired is told of' || not_ok 'what has expired is told of'
like 'as an error' "$(grep key=gone "$T/a/log" | grep certificate-)" '* error certificate-expired key=gone version=1 days-left=-2 *'
is 'a restart tells nothing twice' "$(told near) $(told late)" '1 1'
await 20 recorded 3 || not_ok 'what was told is written down'
kill_agent a
sed -i 's/^expiry-days = .*/expiry-days = 90, 30, 25/' "$T/a/agent.conf"
start_agent a || done_testing
await 20 is_told near 'notice=25' && ok 'another number of days is another notice' || not_ok 'another number of days is another notice'
is 'a crash tells nothing twice, and a number that has passed longer ago nothing' "$(told near) $(told late) $(told gone)" '2 1 1'
install near '22 days'
look
await 20 is_told near 'days-left=2[12] notice=25' && ok 'another certificate is told of anew' || not_ok 'another certificate is told of anew'
is 'that was one more notice' "$(told near)" 3

# --- Hooks that fail

refused() { # NAME PATTERN: the next notice has the hook fail so
    install late "$((wanted -= 1)) days"
    look
    await 20 grep -q "expiry-hook-failed .*key=late .*$2" "$T/a/log" && ok "$1" || not_ok "$1" "$(grep expiry-hook "$T/a/log")"
}
wanted=60
sed -i 's/^expiry-days = .*/expiry-days = 90/' "$T/a/agent.conf"
hook <<'HOOK'
#!/bin/sh
exit 3
HOOK
refused 'a hook that fails is told of' 'status 3'
chmod 777 "$hooks/hook"
refused 'a hook that others may write is not run' 'others than its owner.*chmod 755'
rm "$hooks/hook"
refused 'a hook that is missing is told of' 'No such file'
hook <<HOOK
#!/bin/sh
sleep 1000 &
echo \$! >"$hooks/sleeper"
wait
HOOK
install far '80 days'
look
await 20 test -s "$hooks/sleeper" || not_ok 'the hook that hangs runs'
began=$SECONDS
ends_well a
if [ $((SECONDS - began)) -lt 10 ]; then
    ok 'a hook that hangs keeps nobody from stopping'
else
    not_ok 'a hook that hangs keeps nobody from stopping' "it took $((SECONDS - began)) s"
fi
await 10 gone "$(<"$hooks/sleeper")" && ok 'and what it had started is gone' || not_ok 'and what it had started is gone'
hook <<'HOOK'
#!/bin/sh
exit 0
HOOK
before=$(told far)
start_agent a || done_testing
told_again() {
    [ "$(told far)" -gt "$before" ]
}
await 20 told_again && ok 'a notice that was cut off is given again' || not_ok 'a notice that was cut off is given again'

# --- What people look at

hsm_agent status >"$T/status"
is 'status shows what expires next' "$(sed -n '/^EXPIRES NEXT/,$p' "$T/status" | awk '{ print $1 }' | paste -sd ' ')" 'EXPIRES gone near late far'
like 'and when' "$(grep '^near' "$T/status")" 'near *1 *20* in 2[12] days'
sed -i 's/^expiry-days = .*/expiry-days = none/' "$T/a/agent.conf"
reloaded() {
    api GET /v1/inventory
    [ "$(member expiry_days)" = '[]' ]
}
look
await 20 reloaded && ok 'notices can be turned off' || not_ok 'notices can be turned off'

# --- A record that can't be read

stop_agent a
echo 'nonsense' >"$T/a/state/expiry-notices.json"
echo 'nonsense' >"$T/a/state/last-use.json"
start_agent a || done_testing
like 'a damaged record is told of, and the agent serves' "$(grep -c ' warn \(expiry-notices\|last-use\)-unreadable' "$T/a/log")" 2
ends_well a
done_testing
