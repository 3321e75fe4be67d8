#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who asks: user, unit and executable are those of the process that made the connection, at that time, and of no other.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
[ "$(id -u)" = 0 ] || skip_all 'it takes root to be somebody else'
. "${srcdir:-.}/tests/flow/unit_lib.sh" || exit 99

# A confined daemon may look at executables only if its configuration has one.
make_agent a 'end:[client one]' "end:user = $(id -u)" 'end:exe = /bin/true' 'end:allow = none:show'
sed -i 's|^mode = 0600|mode = 0666|' "$T/a/agent.conf"
chmod 0711 "$T" "$T/a"
curl=$(readlink -f "$(command -v curl)")
printf '[client %s]\nuser = root\nexe = %s\nallow = *:show\n' curl "$curl" other "$T/other" >>"$T/a/agent.conf"
start_agent a || done_testing
[ $sanitized = yes ] || like 'what follows is so while files are limited' "$(<"$T/a/log")" '* confined * landlock=[1-9]*'
part 'the caller of a connection is who made it' python3 "$srcdir/tests/flow/identity.py" "$socket" "${agent_pid[a]}"

api GET /v1/whoami
is 'the executable of curl is known' "$(member exe)" "$curl"
like 'a section with its executable is about it, one with another is not' "$body" '*"clients":\["me","curl"\]*'
like 'the command line says it too' "$(hsm_agent whoami)" "*exe       *hsm-agent*"
if in_unit test@1.service true; then
    whoami_in() { in_unit "$1" curl -sS --unix-socket "$socket" http://localhost/v1/whoami; }
    like 'a unit is known' "$(whoami_in test@1.service)" '*"unit":"test@1.service"*'
    like 'what a unit makes below itself is the unit' "$(whoami_in user@7.service/app.slice/gateway.service)" \
        '*"unit":"user@7.service"*'
    like 'a scope is a unit' "$(whoami_in session-3.scope)" '*"unit":"session-3.scope"*'
    like 'a slice alone is none' "$(whoami_in inner.slice)" '*"unit":null*'
else
    skip 'a unit is known' 'no control group can be made here'
fi

# A program at the same path in a mount namespace of its own.
program=$T/program
cp "$(command -v curl)" "$program"
chmod 0755 "$program"
like 'a program is known by its path' "$("$program" -sS --unix-socket "$socket" http://localhost/v1/whoami)" \
    "*\"exe\":\"$program\"*"
cp "$program" "$T/other"
# shellcheck disable=SC2016
if unshare -m true 2>/dev/null; then
    like 'another file bound to that path in a namespace of its own is not' \
        "$(unshare -m sh -c 'mount --bind "$1" "$2" && exec "$2" -sS --unix-socket "$3" http://localhost/v1/whoami' - \
            "$T/other" "$program" "$socket")" '*"exe":null*'
else
    skip 'another file bound to that path in a namespace of its own is not' 'no mount namespace can be made here'
fi
ends_well a
done_testing
