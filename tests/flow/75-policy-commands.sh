#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `hsm-agent policy explain` and `policy test`, and the sample of roles. No agent runs.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

cat >"$T/head.conf" <<END
[agent]
state-dir = $T/state
[listen a]
socket = $T/a.sock
[token t]
uri = pkcs11:token=t
module = /usr/lib/m.so
pin = prompt
END
cat "$T/head.conf" - >"$T/agent.conf" <<'END'
[client web]
user = 4711
unit = nginx.service
allow = other:*
allow = edge:tls ES256
rate = 5/s
daily-budget = 1000
[client back]
group = 4712
allow = pay*:sign ES256 content=other
allow = pay*:show
hours = Mon-Fri 08:00-18:00
[client trial]
user = 4713
allow = pay*:show
mode = shadow
END
explain() { # WHO WORD...
    local who=$1
    shift
    "$bin/hsm-agent" policy explain -c "$T/agent.conf" --as "$who" "$@"
}
out=$(explain user=4711,unit=nginx.service edge tls ES256)
is 'a use that is granted ends with 0' $? 0
like 'and names the rule, and how far it goes' "$out" \
    "granted by $T/agent.conf:13: \[client web\] allow = edge:tls ES256, as far as rate = 5/s goes, as far as daily-budget = 1000 goes*"
like 'the other rules are there too' "$out" '*line 12: allow = other:\*: another key*line 16*is not about the caller: another group*'
out=$(explain user=4711 edge tls ES256)
is 'one that is refused ends with 1' $? 1
like 'for want of a section' "$out" 'refused: no \[client\] section*line 9: \[client web\] is not about the caller: another unit*'
like 'of an algorithm' "$(explain user=4711,unit=nginx.service edge tls RS256)" 'refused: *other algorithms; the nearest is *:13: *'
like 'of a class of content' "$(explain group=4712 pay1 sign ES256 content=csr at=2026-11-18T12:00:00Z)" \
    'refused: *other classes of content*'
like 'of time' "$(explain group=4712 pay1 sign ES256 at=2026-11-21T12:00:00Z)" 'refused: it is granted at other hours only*'
like 'shadow is told' "$(explain user=4713 pay1 sign ES256)" 'refused, but done and logged, for \[client trial\]*'
is 'there is a document of it' "$(explain user=4711 edge tls ES256 --json)" \
    '{"allowed":false,"shadow":false,"reason":"no-client"}'
for words in 'edge' 'edge frob' 'edge tls ES265' 'edge tls ES256 RS256' 'ed/ge tls' 'edge tls content=x' 'edge tls at=noon' 'edge tls at=1960-01-01T00:00:00Z'; do
    # shellcheck disable=SC2086
    fails "no case: $words" 2 '*' explain user=4711 $words
done
fails 'nobody: unit=nginx' 2 '*says of nobody*' explain unit=nginx edge tls
fails 'nobody: no such user' 2 "*no user*" explain user=no-such-user-here edge tls
printf 'frob' >>"$T/head.conf"
fails 'a configuration with mistakes is none' 1 '*mistake*' "$bin/hsm-agent" policy explain -c "$T/head.conf" --as user=0 a show
sed -i '$d' "$T/head.conf"

cat >"$T/good.test" <<'END'
# A comment, and an empty line

allow user=4711,unit=nginx.service edge tls ES256   # and one behind
deny	user=4711 edge tls
shadow user=4713 pay1 sign
END
succeeds 'expectations that are met' "$bin/hsm-agent" policy test -c "$T/agent.conf" "$T/good.test"
sed 's/^deny/allow/; s/^shadow/deny/' "$T/good.test" >"$T/bad.test"
out=$("$bin/hsm-agent" policy test -c "$T/agent.conf" "$T/bad.test")
is 'those that are not end with 1' $? 1
like 'and are named' "$out" "$T/bad.test:4: expected allow, but it is refused: *$T/bad.test:5: expected deny, but it is refused, but done*3 expectations, 2 of them not met*"
printf 'allow user=0 a show\nperhaps user=0 a show\n' >"$T/broken.test"
fails 'a line that is none is named' 2 '*broken.test:2*' "$bin/hsm-agent" policy test -c "$T/agent.conf" "$T/broken.test"
printf 'allow user=0 a show ES256 at=2026-11-18T12:00:00Z profile=a/b content=other x y z w v\n' >"$T/broken.test"
fails 'nor one with too many words' 2 '*broken.test:1*' "$bin/hsm-agent" policy test -c "$T/agent.conf" "$T/broken.test"

# --- The sample: groups and users by numbers, since this machine has none of those.

roles() { sed 's/dip-sro\b/5001/g; s/dip-aro\b/5002/g; s/dip-tc\b/5003/g' "$1"; }
{
    sed 's/^state-dir.*/&\naudit-key = audit\nsecond-approval = delete/' "$T/head.conf"
    sed '/^group = /{s/dip-sro/5001/;s/dip-aro/5002/;s/dip-tc/5003/};s/^user = dip/user = 4711/' "$srcdir/hsm-config/roles-dip.conf"
} >"$T/roles.conf"
roles "$srcdir/hsm-config/roles-dip.test" >"$T/roles.test"
succeeds 'the sample of the roles means what its expectations say' "$bin/hsm-agent" policy test -c "$T/roles.conf" "$T/roles.test"
done_testing
