#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Many callers, few sessions: everybody gets a turn, nobody waits longer than they asked to, and a token that is busy,
# slow or hanging is its own callers' matter. What comes first is seen by the calls that the fault module holds back.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:sessions = 1' 'token:queue = 70' 'token:deadline-ms = 60000'
fault_on a
for name in two sixteen; do
    make_token "$T/a/$name" $name
    token_section "$T/a/$name" $name >>"$T/a/agent.conf"
done
sed -i '/^\[token two\]/a sessions = 2\ndeadline-ms = 2000' "$T/a/agent.conf"
sed -i '/^\[token sixteen\]/a sessions = 16' "$T/a/agent.conf"
fault_on a two
start_agent a || done_testing
for name in main two sixteen; do
    hsm_agent key create $name --type ec:p256 --token $name >/dev/null || not_ok "a key is made in $name"
done

one='{"algorithm":"ES256","data":"aGVsbG8"}'
items=$(printf "$one,%.0s" {1..20})
batch="{\"items\":[${items%,}]}"

# A request that goes on beside the test, in $T/NAME; its status is in $T/NAME.status when it is answered.
declare -A running
send() { # NAME KEY BODY [CURL ARGUMENT...]
    local name=$1 key=$2
    printf '%s' "$3" >"$T/$name.request"
    shift 3
    curl -s -m 120 --unix-socket "$socket" -o "$T/$name" -D "$T/$name.headers" -w '%{http_code}' "$@" \
        --data-binary "@$T/$name.request" "http://localhost/v1/keys/$key/sign" >"$T/$name.status" &
    running[$name]=$!
}
answer_to() { # NAME: waits for it; $status and $body are its
    wait "${running[$1]}"
    status=$(<"$T/$1.status")
    body=$(<"$T/$1")
}
met() { # AGENT: a call has met the rule
    [ "$(counted "$1" fired 1)" = 1 ]
}
waiting() { # TOKEN NUMBER
    local state
    state=$(curl -s -m 10 --unix-socket "$socket" http://localhost/v1/tokens)
    [[ $state == *"\"name\":\"$1\""* ]] && state=${state#*"\"name\":\"$1\""} && [[ ${state%%restarts*} == *"\"waiting\":$2,"* ]]
}
restarts() { # TOKEN
    api GET /v1/tokens
    body=${body#*"\"name\":\"$1\""} && field restarts
}

# --- One session, two, sixteen, and 64 callers

for name in main two sixteen; do
    part "the callers of $name are done" "$python" "$flow/crowd.py" "$socket" crowd $name
done
is 'no process was replaced for that' "$(restarts main) $(restarts two) $(restarts sixteen)" '0 0 0'

# --- A batch and single requests share one session

faults a 'C_Sign hold'
send batch main "$batch"
succeeds 'the first item of a batch is under way' await 30 met a
for i in 1 2 3 4 5; do
    send single$i main "$one"
done
succeeds 'five single requests wait' await 30 waiting main 5
# From here on five operations begin. The item under way is done; if the batch went on now, one of the five would be held.
faults a 'C_SignInit hold after 5'
for i in 1 2 3 4 5; do
    answer_to single$i
    is "single request $i is served before the second item" "$status" 200
done
succeeds 'the second item comes after them' await 30 met a
faults a
answer_to batch
is 'the batch is done, too, with all its signatures' "$status $(grep -o '"signature"' "$T/batch" | wc -l)" '200 20'

# --- The queue is full

faults a 'C_Sign hold'
send first main "$one"
succeeds 'a request is under way' await 30 met a
for ((i = 0; i < 70; i++)); do
    send queued$i main "$one"
done
succeeds 'as many wait as may' await 60 waiting main 70
api POST /v1/keys/main/sign "$one"
problem 'one more is refused while nothing moves' 503 busy
like 'and told when to come back' "$(<"$T/headers")" '*[Rr]etry-[Aa]fter: 1*'
api POST /v1/keys/two/sign "$one"
is 'another token has its own queue' "$status" 200
faults a
wrong=0
for ((i = 0; i < 70; i++)); do
    answer_to queued$i
    [ "$status" = 200 ] || wrong=$((wrong + 1))
done
answer_to first
is 'those who waited are served' "$wrong $status" '0 200'

# --- Who is in a hurry: the token is well, and stays

faults a 'C_Sign hold'
api POST /v1/keys/main/sign "$one" -H 'Request-Timeout: 0.2'
problem 'a request under way ends at its Request-Timeout' 504 deadline
api POST /v1/keys/main/sign "$one" -H 'Request-Timeout: 0.2'
problem 'so does one that waits' 504 deadline
api POST /v1/keys/main/sign "$batch" -H 'Request-Timeout: 0.2'
is 'a batch has one for all its items' "$status $(grep -o '"status":504' "$T/body" | wc -l)" '200 20'
faults a
api POST /v1/keys/main/sign "$one" -H 'Request-Timeout: 60'
is 'the same session serves again' "$status $(restarts main)" '200 0'
api POST /v1/keys/main/sign "$one" -H 'Request-Timeout: soon'
problem 'a Request-Timeout that is no time is refused' 400 malformed

# --- A token that hangs

faults a/two 'C_Sign hang count 1'
start=$(date +%s%3N)
send hangs two "$one"
succeeds 'a token hangs' await 30 met a/two
part 'the callers of another one are done' "$python" "$flow/crowd.py" "$socket" crowd sixteen
answer_to hangs
is 'the request fails' "$status $(field code)" '504 deadline'
elapsed=$(($(date +%s%3N) - start))
is 'at its deadline' "$([ $elapsed -ge 1900 ] && [ $elapsed -lt 20000 ] && echo yes || echo "$elapsed ms")" yes
served() { # KEY
    api POST "/v1/keys/$1/sign" "$one" && [ "$status" = 200 ]
}
succeeds 'the token is back by itself' await 30 served two
is 'with a new process, the others with theirs' "$(restarts main) $(restarts two) $(restarts sixteen)" '0 1 0'

# --- A key that takes its time to be made

faults a 'C_GenerateKeyPair hold'
hsm_agent key create slow --type ec:p256 --token main >"$T/create" 2>&1 &
create=$!
succeeds 'a key is being made' await 30 met a
api POST /v1/keys/main/sign "$one"
is 'meanwhile the token signs, with the session that it has for that' "$status" 200
api GET /v1/keys
is 'and keys are listed' "$status" 200
faults a
wait $create
is 'the key is made' $? 0

# --- Those who don't read, and those who don't go on sending

part 'slow connections come and go' "$python" "$flow/crowd.py" "$socket" slow sixteen
succeeds 'they leave nothing behind' await 30 waiting sixteen 0

ends_well a
done_testing
