#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What takes two people: the same request by another one, within a time.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
[ "$(id -u)" = 0 ] || skip_all 'it takes root to be two people'

make_agent a agent:'second-approval = delete,disable,unlock' agent:'second-approval-s = 2' \
    end:'[client two]' end:'user = 4711' end:'allow = *:*' end:'[client three]' end:'user = 4712' end:'allow = *:show'
sed -i 's|^mode = 0600|mode = 0666|' "$T/a/agent.conf"
chmod 0711 "$T" "$T/a"
start_agent a || done_testing
for key in one two; do
    hsm_agent key create $key --type ec:p256 >/dev/null || not_ok "$key is made"
done
as() { # UID METHOD PATH [BODY]: the status, and the code of a problem
    setpriv --reuid "$1" --regid "$1" --clear-groups curl -sS --unix-socket "$socket" -X "$2" ${4:+-d "$4"} \
        -w ' %{http_code}' "http://localhost$3" | sed 's/.*"code":"\([^"]*\)".* \([0-9]*\)$/\2 \1/; s/^{.* //'
}
api DELETE /v1/keys/one
problem 'the first request is remembered' 428 second-needed
like 'and says until when' "$body" '*delete on *one* takes two people*until 20*Z*'
api DELETE /v1/keys/one
problem 'the same person is no second' 428 second-needed
is 'who may not do it is none either' "$(as 4712 DELETE /v1/keys/one)" '403 forbidden'
is 'nor is another request by somebody else' "$(as 4711 DELETE '/v1/keys/one?objects=destroy')" '428 second-needed'
is 'nor one about another key' "$(as 4711 DELETE /v1/keys/two)" '428 second-needed'
is 'the same request by somebody else does it' "$(as 4711 DELETE /v1/keys/one)" 200
api GET /v1/keys/one
problem 'the key is gone' 404 no-such-key
like 'the log names both' "$(<"$T/a/log")" '*seconded key=one operation=delete uid=4711 first-uid=0*'
sleep 2.1
api DELETE /v1/keys/two
problem 'a request that was made too long ago is forgotten' 428 second-needed
sleep 2.1
is 'also for the second' "$(as 4711 DELETE /v1/keys/two)" '428 second-needed'
api DELETE /v1/keys/two
is 'who is the first one then' "$status" 200

# --- Another policy

outcomes() { grep -c ' reloaded ' "$T/a/log"; }
reload() {
    local before
    before=$(outcomes)
    kill -HUP "${agent_pid[a]}"
    # shellcheck disable=SC2016
    await 30 eval '[ "$(outcomes)" -gt "$before" ]'
}
sed -i 's/^second-approval-s = .*/second-approval-s = 600/' "$T/a/agent.conf"
reload
hsm_agent key create four --type ec:p256 >/dev/null
is 'somebody asks' "$(as 4711 DELETE /v1/keys/four)" '428 second-needed'
sed -i '/^user = 4711/{n;s/.*/allow = *:show/}' "$T/a/agent.conf"
reload
api DELETE /v1/keys/four
problem 'who has lost the right is no first one any more' 428 second-needed
sed -i '/^user = 4711/{n;s/.*/allow = *:*/}; s/^second-approval-s = .*/second-approval-s = 2/' "$T/a/agent.conf"
reload

hsm_agent key create three --type ec:p256 >/dev/null
is 'what takes one is done by one' $? 0
api POST /v1/keys/three/disable '{}'
problem 'disabling takes two as well' 428 second-needed
is 'the same one is done' "$(as 4711 POST /v1/keys/three/disable '{}')" 200
api POST /v1/tokens/main/unlock
problem 'tokens are unlocked by two as well' 428 second-needed
fails 'the command line says what to do' 1 '*takes two people*remedy: *another administrator*' \
    hsm_agent key delete three --confirm three
ends_well a
done_testing
