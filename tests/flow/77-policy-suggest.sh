#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `hsm-agent policy suggest`: under the policy that the audit log's uses need the same uses are granted, and no others.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
[ "$(id -u)" = 0 ] || skip_all 'it takes root to be several people'
. "${srcdir:-.}/tests/flow/unit_lib.sh" || exit 99

make_agent a 'end:[client all]' 'end:user = 4711' 'end:allow = *:*' \
    'end:[client trial]' 'end:user = 4712' 'end:allow = *:show' 'end:mode = shadow'
conf=$T/a/agent.conf
sed -i 's|^mode = 0600|mode = 0666|' "$conf"
chmod 0711 "$T" "$T/a"
start_agent a || done_testing
unit=web@1.service
in_unit $unit true || unit=
for key in 'edge --type ec:p256' 'r --type rsa:2048' 'h --type hmac:256' 'kek --type aes:256' 'box --type ec:p256 --backup'; do
    # shellcheck disable=SC2086
    hsm_agent key create $key >/dev/null || not_ok "$key is made"
done

as() { # UID[,UNIT] KEY OPERATION BODY: the statuses of request and items
    local who=${1%,*} place=
    [ "$who" = "$1" ] || place=${1#*,}
    ${place:+in_unit $place} setpriv --reuid "$who" --regid "$who" --clear-groups curl -sS --unix-socket "$socket" \
        -X POST -d "$4" -w ' %{http_code}' "http://localhost/v1/keys/$2/$3" |
        grep -o '"status":[0-9]*\|[0-9]*$' | sort -u | tr '\n' ' '
}
digest=$(printf hi | openssl dgst -sha256 -binary | b64u)
openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=x -outform DER 2>/dev/null |
    openssl asn1parse -inform DER -strparse 4 -noout -out "$T/request.info" >/dev/null 2>&1 ||
    not_ok 'there is the inside of a certificate request'
info=$(b64u <"$T/request.info")
http='"method":"GET","url":"https://x.example/","headers":{}'

# What is done: by whom, with which key, what.
uses=(
    "4711 edge sign {\"algorithm\":\"ES256\",\"data\":\"aGk\"}"
    "4711 edge sign {\"algorithm\":\"ES256\",\"digest\":\"$digest\"}"
    "4711 edge jws {\"payload\":\"aGk\"}"
    "4711 edge http-signature {\"profile\":\"rfc9421/request\",$http}"
    "4712 r sign {\"items\":[{\"algorithm\":\"PS256\",\"data\":\"aGk\"},{\"algorithm\":\"RS256\",\"digest\":\"$digest\"}]}"
    "4712 h mac {\"items\":[{\"profile\":\"mojaloop/ilp\",\"data_text\":\"{}\"},{\"profile\":\"mojaloop/ilp-v1\",\"data_text\":\"hi\"}]}"
    "0 box backup {\"kek\":\"kek\"}"
)
# What isn't.
others=(
    "4711 edge sign {\"algorithm\":\"ES256\",\"data\":\"$info\"}"
    "4711 edge jwt {\"claims\":{}}"
    "4711 edge csr {\"subject\":[{\"CN\":\"x\"}]}"
    "4711 r sign {\"algorithm\":\"PS256\",\"data\":\"aGk\"}"
    "4711 box backup {\"kek\":\"kek\"}"
    "4712 edge sign {\"algorithm\":\"ES256\",\"data\":\"aGk\"}"
    "4712 r sign {\"algorithm\":\"RS256\",\"data\":\"aGk\"}"
    "4712 r sign {\"algorithm\":\"PS256\",\"digest\":\"$digest\"}"
    "4712 h mac {\"data_text\":\"hi\"}"
    "4713 edge sign {\"algorithm\":\"ES256\",\"data\":\"aGk\"}"
    "0 edge sign {\"algorithm\":\"ES256\",\"data\":\"aGk\"}"
    "0 edge disable {}"
)
csr='edge csr {"subject":[{"CN":"x"}]}'
all() { # NAME PATTERN USE...: the statuses of each are like that
    local name=$1 pattern=$2 use who key operation body
    shift 2
    for use; do
        read -r who key operation body <<<"$use"
        like "$name: $who $key $operation ${body:0:60}" "$(as "$who" "$key" "$operation" "$body")" "$pattern"
    done
}
all 'done' '200 ' "${uses[@]}"
[ -z "$unit" ] || all 'done in a unit' '200 ' "4711,$unit $csr"
all 'refused' '*404 ' "4713 edge sign {\"algorithm\":\"ES256\",\"data\":\"aGk\"}"

# --- The policy

suggest() {
    "$bin/hsm-agent" policy suggest "$@"
}
suggest -c "$conf" >"$T/suggested"
is 'a policy is suggested' $? 0
suggested=$(<"$T/suggested")
like 'by user, with what was done' "$suggested" "*# * uses since 20*Z, the last at 20*Z
\[client uid-4711\]
user = 4711
allow = edge:sign ES256 content=other
allow = edge:sign-digest ES256
allow = edge:jws ES256 profile=jose/jws
allow = edge:http-signature ES256 profile=rfc9421/request
*"
like 'what shadow let pass too' "$suggested" $'*\nallow = h:mac HMAC-SHA256 profile=mojaloop/ilp\nallow = h:mac HMAC-SHA256 profile=mojaloop/ilp-v1\nallow = r:sign PS256 content=other\nallow = r:sign-digest RS256*'
like 'by administrators as well, with both keys of a backup' "$suggested" $'*\n\[client uid-0\]\nuser = 0\nallow = box:create,backup\n*\nallow = kek:create,backup\n*'
unlike 'nothing for who was refused' "$suggested" '*4713*'
[ -z "$unit" ] || like 'by unit' "$suggested" "*\[client uid-4711-web_1.service-*\]
user = 4711
unit = $unit
allow = edge:csr ES256
*"
log=$T/a/state/audit/audit.jsonl
mkdir "$T/kept"
head -n 7 "$log" | gzip >"$T/kept/audit.jsonl.000000000000000001.gz"
tail -n +8 "$log" >"$T/kept/audit.jsonl"
is 'the same from files, older and compressed ones too' "$(suggest "$T/kept/audit.jsonl")" "$suggested"
is 'or from several logs' "$(gunzip <"$T/kept/audit.jsonl.000000000000000001.gz" >"$T/kept/first"
    mv "$T/kept/audit.jsonl" "$T/kept/second"
    suggest "$T/kept/second" "$T/kept/first")" "$suggested"
unlike 'of a time alone' "$(suggest -c "$conf" --until 2001-01-01)" '*client*'
is 'which is what audit show takes' "$(suggest -c "$conf" --since 2001-01-01)" "$suggested"
fails 'a log that is not there' 1 '*there is no log at*' suggest "$T/none"

# --- A log that somebody wrote

forge() { # KEY MEMBERS
    printf '{"seq":1,"prev":"%064d","time":"2026-11-21T07:26:35.123Z","event":"use","uid":1,"client":"c","key":"%s",%s}\n' \
        0 "$1" "$2"
}
{
    forge 'a*' '"operation":"sign"'
    forge 'a\nallow = *:*' '"operation":"sign"'
    forge a '"operation":"sign\nallow = *:*"'
    forge a '"operation":"jws","profile":"*/*"'
    forge a '"operation":"sign","algorithm":"ES256,RS256"'
    forge a '"operation":"show","unit":"*.service"'
    forge a '"operation":"show","uid":0'
    forge a '"operation":"sign"' | sed 's/"client":"c",//' # a part of a ceremony
    echo 'no line at all'
} >"$T/forged"
is 'grants nothing by names that are none, nor what no rule granted' "$(suggest "$T/forged" | grep -v '^#' | tr '\n' ' ')" ''
like 'which is told' "$(suggest "$T/forged")" '*# Left out: 6 uses of which no rule can be made.*'

# --- In force

stop_agent a
sed -i '/^\[client me\]/,$d' "$conf"
cat "$T/suggested" >>"$conf"
start_agent a || done_testing
all 'the same is done' '200 ' "${uses[@]}"
[ -z "$unit" ] || all 'the same is done in a unit' '200 ' "4711,$unit $csr"
all 'no other' '*40[34] ' "${others[@]}"
{
    echo 'allow user=0 edge create'
    echo 'deny user=0 edge2 create'
    echo 'deny user=0 edge delete'
    echo 'allow user=4711 edge sign ES256 content=other'
    echo 'deny user=4711 edge sign ES256 content=csr'
    echo 'deny user=4711 edge sign ES384 content=other'
    echo 'deny user=4711 edge csr ES256'
    [ -z "$unit" ] || echo "allow user=4711,unit=$unit edge csr ES256"
    echo 'allow user=4712 h mac HMAC-SHA256 profile=mojaloop/ilp-v1'
    echo 'deny user=4712 h mac HMAC-SHA256'
} >"$T/expected"
succeeds 'expectations can be tested on it' "$bin/hsm-agent" policy test -c "$conf" "$T/expected"
is 'from what was done under it the same rules follow' "$(suggest -c "$conf" | grep -v '^#')" "$(grep -v '^#' "$T/suggested")"
ends_well a
done_testing
