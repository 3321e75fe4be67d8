#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Processes that are killed or hang: the token's during a thousand requests, the daemon at any moment; keys half-made.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

# Longer than two new processes take, on a machine that has much else to do.
make_agent a 'token:deadline-ms = 30000'
start_agent a || done_testing
hsm_agent key create rsa --type rsa:2048 >/dev/null && hsm_agent key create p256 --type ec:p256 >/dev/null ||
    not_ok 'the keys are made'

# --- kill -9 of the token's process

part 'the kills during a thousand requests' "$python" "$flow/crash.py" "$socket" "$T/a/log" 1000 12

# --- A token that hangs

signs() { # KEY ALGORITHM: a signature that openssl verifies
    hsm_agent key show "$1" --public pem >"$T/pem" && echo hello >"$T/data" &&
        hsm_agent sign "$1" --alg "$2" -i "$T/data" -o "$T/sig" &&
        openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data"
}

stop_agent a
sed -i 's/^deadline-ms = .*/deadline-ms = 2000/' "$T/a/agent.conf"
start_agent a || done_testing
hung=$(child_pid a)
track "$hung"
freeze "$hung"
api POST /v1/keys/p256/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'a token that hangs past the deadline is a 504' 504 deadline
is 'which may be tried again' "$(field retryable)" true
succeeds 'and it is replaced' signs p256 ES256
is 'by another process' "$([ "$(child_pid a)" != "$hung" ] && gone "$hung" && echo yes)" yes
untrack "$hung"
like 'the log says so' "$(<"$T/a/log")" '*token-process-ended token=main status=137*'

# --- kill -9 of the daemon

keys_before=$(hsm_agent key list --json)
orphan=$(child_pid a)
kill_agent a
succeeds 'the token process goes with its daemon' await 20 gone "$orphan"
is 'the socket stays behind' "$([ -S "$socket" ] && echo yes)" yes
start_agent a || done_testing
is 'after a restart all keys are there' "$(hsm_agent key list --json)" "$keys_before"
succeeds 'and sign, RSA' signs rsa RS256
succeeds 'and sign, P-256' signs p256 ES256

# --- One daemon a socket, one a state directory

first=${agent_pid[a]}
fails 'a second daemon on the same socket is refused' 1 '*start-failed*remedy=*' "$bin/hsm-agentd" -c "$T/a/agent.conf"
sed "s|^socket = .*|socket = $T/a/other.sock|" "$T/a/agent.conf" >"$T/a/second.conf"
fails 'and one with the same state directory' 1 '*another agent is using the state directory*' \
    "$bin/hsm-agentd" -c "$T/a/second.conf"
sed "s|^state-dir = .*|state-dir = $T/a/state2|" "$T/a/agent.conf" >"$T/a/second.conf"
fails 'and one with the same socket alone' 1 '*another process serves*' "$bin/hsm-agentd" -c "$T/a/second.conf"
is 'the first one lives' "$(gone "$first" || echo yes)" yes
succeeds 'and serves' signs p256 ES256

# --- Keys half-made

phase_of() { # NAME
    sed -n 's/.*"phase": "\([a-z]*\)".*/\1/p' "$T/a/state/keys/$1.json" 2>/dev/null
}
is_creating() {
    [ "$(phase_of "$1")" = creating ]
}
private_objects() {
    pkcs11_tool a --list-objects --type privkey 2>/dev/null | grep -c '^Private Key'
}

objects=$(private_objects)
for i in 1 2 3 4; do
    api PUT "/v1/keys/half$i" '{"type":"rsa:4096"}' >/dev/null 2>&1 &
    request=$!
    if await 60 is_creating "half$i"; then
        kill_agent a
        ok "the daemon was killed while half$i was made"
    else
        not_ok "the daemon was killed while half$i was made"
    fi
    wait $request
    start_agent a || done_testing
    api GET "/v1/keys/half$i"
    case "$status $(field state)" in
    404*)
        like "half$i was undone, says the log" "$(<"$T/a/log")" "*key-creation-undone key=half$i*"
        ;;
    '200 incomplete')
        like "half$i is reported with what to do" "$(field state_detail)" "*key delete half$i*"
        succeeds "which works" hsm_agent key delete "half$i" --confirm "half$i"
        ;;
    *) not_ok "half$i is undone or reported" "$status $body" ;;
    esac
    api PUT "/v1/keys/half$i" '{"type":"ec:p256"}'
    is "the name half$i can be used" "$status" 201
    hsm_agent key delete "half$i" --confirm "half$i" >/dev/null
done
is 'nothing of them is left in the token' "$(private_objects)" "$objects"

# The moment between token and file is too short to be met; so the file is put back to what it was then.
hsm_agent key create moment --type ec:p256 >/dev/null
kill_agent a
sed -i 's/"phase": "ready"/"phase": "creating"/; /"public-key"/d; s/\("id": "[0-9a-f]*"\),/\1/' "$T/a/state/keys/moment.json"
start_agent a || done_testing
api GET /v1/keys/moment
is 'a key whose creation was cut off is incomplete' "$status $(field state)" '200 incomplete'
like 'and says what to do' "$(field state_detail)" '*object=moment*key delete moment*'
like 'so does the log' "$(<"$T/a/log")" '*key-incomplete key=moment*key delete moment*'
api POST /v1/keys/moment/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'it does not sign' 409 key-incomplete
api PUT /v1/keys/moment '{"type":"ec:p256"}'
problem 'its name is taken' 409 conflict
succeeds 'what it says to do works' hsm_agent key delete moment --confirm moment
is 'and leaves nothing in the token' "$(private_objects)" "$objects"

# Likewise a deletion that was cut off, which the next start finishes.
hsm_agent key create moment --type ec:p256 >/dev/null
kill_agent a
sed -i 's/"phase": "ready"/"phase": "deleting"/' "$T/a/state/keys/moment.json"
start_agent a || done_testing
api GET /v1/keys/moment
problem 'a deletion that was cut off is finished' 404 no-such-key
is 'in the token, too' "$(private_objects)" "$objects"
is 'and its file is gone' "$([ -e "$T/a/state/keys/moment.json" ] || echo yes)" yes

# A file that wasn't finished never had its name, and goes.
kill_agent a
echo '{' >"$T/a/state/keys/.rsa.json.Ab12Cd"
start_agent a || done_testing
is 'a file that was half-written when the daemon died is gone' "$(ls -A "$T/a/state/keys" | grep -c '^\.')" 0

# A file that nobody can read is reported, and the others serve.
kill_agent a
echo '{' >"$T/a/state/keys/broken.json"
start_agent a || done_testing
like 'a broken file is reported' "$(<"$T/a/log")" '*key-file-unreadable*broken.json*remedy=*'
succeeds 'and the keys serve' signs rsa RS256

ends_well a
done_testing
