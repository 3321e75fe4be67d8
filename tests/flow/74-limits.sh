#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rates, budgets, hours, classes of content and shadow mode, through the socket.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
start_agent a || done_testing
for key in one two; do
    hsm_agent key create $key --type ec:p256 >/dev/null || not_ok "$key is made"
done
hsm_agent key create web --type ec:p256 --purpose tls-server >/dev/null || not_ok 'web is made'
hsm_agent key create dec --type rsa:2048 --purpose decrypt >/dev/null || not_ok 'dec is made'

me=$(id -u)
base=$(sed '/^\[client me\]/,$d' "$T/a/agent.conf")
policy() { # LINE...: these lines in place of [client me]
    { echo "$base"; printf '%s\n' "$@"; } >"$T/a/next.conf"
    mv "$T/a/next.conf" "$T/a/agent.conf"
    local before
    before=$(grep -c ' reloaded ' "$T/a/log")
    kill -HUP "${agent_pid[a]}"
    await 30 eval "[ \"\$(grep -c ' reloaded ' '$T/a/log')\" -gt $before ]" || not_ok 'the policy is read again'
}
ES256='{"algorithm":"ES256","data":"aGk"}'
statuses() { # N PATH BODY: how often each status came, one after the other on one connection
    local args=() i
    for ((i = 0; i < $1; i++)); do
        args+=(-o /dev/null "http://localhost$2")
    done
    curl -sS --unix-socket "$socket" -H 'Content-Type: application/json' -d "$3" -w '%{http_code}\n' "${args[@]}" |
        sort | uniq -c | awk '{ printf "%s%s x %s", n++ ? ", " : "", $1, $2 }'
}

# --- A rate, of which the next use comes after an hour and more, so that the time that a test takes doesn't count.

policy '[client me]' "user = $me" 'allow = *:*' 'daily-budget = 7'
is 'a budget is exact' "$(statuses 9 /v1/keys/one/sign "$ES256")" '7 x 200, 2 x 429'
api POST /v1/keys/two/sign "$ES256"
problem 'it is of the section, not of the key' 429 budget-spent
curl -sS -D "$T/header" -o /dev/null --unix-socket "$socket" -d "$ES256" http://localhost/v1/keys/one/sign
wait_s=$(tr -d '\r' <"$T/header" | sed -n 's/^Retry-After: //p')
left_s=$((86400 - $(date -u +%s) % 86400))
is 'and comes back at midnight' "$((wait_s >= left_s && wait_s <= left_s + 30))" 1
kill -HUP "${agent_pid[a]}"
sleep 1
api POST /v1/keys/one/sign "$ES256"
problem 'a new look at the configuration gives no other' 429 budget-spent
api GET /v1/keys/one
is 'what is no use costs nothing' "$status" 200
like 'the log tells' "$(<"$T/a/log")" "*refused key=one operation=sign algorithm=ES256 uid=$me*reason=budget*"

policy '[client rated]' "user = $me" 'allow = *:*' 'rate = 1/s burst=20'
batch=$(printf "$ES256,%.0s" {1..30})
api POST /v1/keys/one/sign "{\"items\":[${batch%,}]}"
is 'a batch is as many uses as it has items' "$status $(grep -o '"signature"' <<<"$body" | wc -l) $(grep -o '"code":"rate-limited"' <<<"$body" | wc -l)" \
    '200 20 10'
sleep 2.1
signed=$(statuses 5 /v1/keys/one/sign "$ES256")
is 'two seconds later there are two more' "$signed" '2 x 200, 3 x 429'
curl -sS -D "$T/header" -o /dev/null --unix-socket "$socket" -d "$ES256" http://localhost/v1/keys/one/sign
like 'a caller is told when to come back' "$(tr -d '\r' <"$T/header")" '*429*Retry-After: 1*'
policy '[client decrypts]' "user = $me" 'allow = *:*' 'rate = 1/s burst=3'
is 'a ciphertext that is refused is a use' "$(statuses 5 /v1/keys/dec/decrypt '{"algorithm":"RSA-OAEP","ciphertext":"AAAA"}')" \
    '3 x 422, 2 x 429'

# --- Classes of content

policy '[client me]' "user = $me" 'allow = one:sign content=other' 'allow = two:sign content=csr,x509'
api POST /v1/keys/one/sign "$ES256"
is 'content of a granted class is signed' "$status" 200
api POST /v1/keys/two/sign "$ES256"
problem 'content of another is not' 403 forbidden
api POST /v1/keys/two/sign "{\"items\":[$ES256]}"
like 'nor in a batch' "$body" '*"code":"forbidden"*'
api POST /v1/keys/one/sign '{"algorithm":"ES256","digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'
problem 'a digest has no class' 403 forbidden

# --- Hours: a window that is over by a day, and one that is open.

yesterday=$(LC_ALL=C date -u -d '36 hours ago' +%a)
policy '[client me]' "user = $me" 'allow = *:*' "hours = $yesterday 00:00-00:01"
api POST /v1/keys/one/sign "$ES256"
problem 'outside its hours a section grants nothing' 403 forbidden
policy '[client me]' "user = $me" 'allow = *:*' "hours = $yesterday 00:00-00:01" 'hours = 00:00-24:00'
api POST /v1/keys/one/sign "$ES256"
is 'within one of them it does' "$status" 200

# --- Shadow

policy '[client me]' "user = $me" 'allow = one:show' 'mode = shadow' 'rate = 1/s burst=2'
is 'in shadow mode what would be refused is done' "$(statuses 4 /v1/keys/one/sign "$ES256")" '4 x 200'
like 'and logged, for want of a rule' "$(<"$T/a/log")" "*would-refuse key=one operation=sign*reason=operation*"
like 'and over the rate' "$(<"$T/a/log")" "*would-refuse key=one operation=sign*reason=rate*"
api POST /v1/keys/one/sign "{\"items\":[$ES256]}"
like 'also in a batch' "$status $body" '200*"signature"*'
api POST /v1/keys/two/sign "$ES256"
problem 'a key that no rule names stays unknown' 404 no-such-key
api DELETE /v1/keys/one
problem 'nothing that administrators do is done' 403 forbidden
ends_well a
done_testing
