#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The audit log before callers who are refused, messages whose fields are told, shadow mode, a disk that becomes full in
# an administrator's act, and somebody who takes the log away while the agent is down.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

log=$T/a/state/audit/audit.jsonl
make_agent a 'agent:audit-key = audit' 'agent:audit-checkpoint-s = 1' 'agent:connections-per-uid = 4'
start_agent a || done_testing
for key in audit:ec:p256 e:ec:p256 r:rsa:2048; do
    hsm_agent key create "${key%%:*}" --type "${key#*:}" >/dev/null || not_ok "$key is made"
done
ES256='{"algorithm":"ES256","data":"aGk"}'

newest() { # of those about requests; a checkpoint may come at any time
    grep -v '"event":"checkpoint"' "$log" | tail -n 1
}

fields() {
    newest | sed -n 's/.*"fields":\({[^}]*}\).*/\1/p'
}

# --- What is told of a message

api POST /v1/keys/e/jwt '{"claims":{"iss":"me","sub":"you","aud":["a","b"],"jti":"7","client_id":"c","secret":"hush"},"header":{"kid":"k\u001b1"},"lifetime":60}'
is 'a token is made' "$status" 200
like 'and what it says of whom is told' "$(fields)" \
    '{"kid":"k\\u001b1","iss":"me","sub":"you","aud":"a b","jti":"7","client_id":"c","exp":"*"}'
unlike 'and nothing else' "$(newest)" '*hush*'
long=$(printf 'x%.0s' {1..3000})
api POST /v1/keys/e/jwt "{\"claims\":{\"iss\":\"$long\"},\"lifetime\":60}"
is 'cut off as other texts are' "$status $(fields | grep -o 'x*' | awk '{ print length }' | sort -n | tail -n 1)" '200 256'
api POST /v1/keys/e/jws '{"header":{"kid":"k","url":"https://h/a?token=hush"},"payload_text":"{\"iss\":\"hush\"}"}'
is 'of a JWS its header alone, without the query' "$status $(fields)" '200 {"kid":"k","url":"https://h/a"}'
api POST /v1/keys/r/http-signature '{"profile":"rfc9421/request","method":"POST","url":"https://h/transfers?hush=1","body_text":"{}"}'
is 'a signed request' "$status" 200
like 'is told by where it goes' "$(fields)" '{"method":"POST",*"kid":"*"}'
unlike 'without what it asks' "$(newest)" '*hush*'
api POST /v1/keys/r/http-signature '{"profile":"mojaloop/request","method":"POST","url":"https://h/transfers","headers":{"FSPIOP-Source":"payer","FSPIOP-Destination":"payee"},"body_text":"{}"}'
like 'one of Mojaloop too' "$status $(fields)" '200 {"method":"POST","destination":"/transfers","source":"payer","to":"payee"}'
api POST /v1/keys/e/csr '{"subject":[{"C":"AE"},{"O":"Acme"},{"CN":"a.example"}]}'
is 'and a certificate request by its subject' "$status $(fields)" '200 {"subject":"CN=a.example,O=Acme,C=AE"}'
api POST /v1/keys/e/jwt '{"items":[{"claims":{"iss":"one"},"lifetime":60},{"claims":{"iss":"two"},"lifetime":60}]}'
request=$(sed -n 's/^Request-Id: *\([^\r]*\).*/\1/Ip' "$T/headers")
is 'each of a batch by its own' "$(grep "\"request\":\"$request\"" "$log" | grep -o '"iss":"[a-z]*"' | tr '\n' ' ')" '"iss":"one" "iss":"two" '

like 'show has them' "$(hsm_agent audit show --operation csr)" '*fields="subject=CN=a.example,O=Acme,C=AE" *'

# --- What no handler sees

raw() { # sends standard input as it is, and ends when the agent does
    "$python" -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as peer:
    peer.settimeout(20)
    peer.connect(sys.argv[1])
    try:
        peer.sendall(sys.stdin.buffer.read())
        while peer.recv(4096):
            pass
    except OSError:
        pass' "$socket"
}

told() { # CODE: how many refusals with it are in the log
    grep -c "\"event\":\"refusal\".*\"result\":\"$1\"" "$log"
}

before=$(told too-large)
printf 'POST /v1/keys/e/sign HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n' | raw
await 10 eval '[ "$(told too-large)" = $((before + 1)) ]'
is 'a body that is too large has its line' "$(told too-large)" $((before + 1))
like 'with who sent it' "$(newest)" "*\"event\":\"refusal\",\"uid\":$(id -u),\"gid\":$(id -g),*\"listen\":\"agent\",\"request\":\"*\",\"result\":\"too-large\"*"
{
    printf 'GET /v1/keys HTTP/1.1\r\nHost: x\r\nX: '
    head -c 70000 /dev/zero | tr '\0' x
    printf '\r\n\r\n'
} | raw
await 10 eval '[ "$(told headers-too-large)" = 1 ]'
is 'so has a header that is' "$(told headers-too-large)" 1
before=$(told malformed)
printf 'POST /v1/keys/e/sign HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n' | raw
await 10 eval '[ "$(told malformed)" -gt $before ]'
is 'so has what is no HTTP' "$(($(told malformed) > before))" 1
"$python" - "$socket" "$T/held" "$T/go" <<'END' &
import os, socket, sys, time
held = [socket.socket(socket.AF_UNIX) for _ in range(4)]
for peer in held:
    peer.connect(sys.argv[1])
    peer.sendall(b"GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n")
    peer.recv(4096)
os.mkdir(sys.argv[2])
while not os.path.exists(sys.argv[3]):
    time.sleep(0.02)
END
holder=$!
await 20 test -d "$T/held"
api GET /v1/version
problem 'one connection too many' 429 too-many-requests
touch "$T/go"
wait $holder
await 10 eval '[ "$(told too-many-requests)" = 1 ]'
is 'has its line' "$(told too-many-requests)" 1

# --- A flood of refusals, by one who may do nothing

before=$(wc -c <"$log")
"$python" - "$socket" <<'END'
import socket, sys
request = b"POST /v1/keys/nothing/sign HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
for i in range(60):
    peer.sendall(request * 50)
    n = 0
    while n < 50:
        n += peer.recv(1 << 20).count(b"HTTP/1.1 4")
END
api POST /v1/keys/e/sign "$ES256"
is 'after 3,000 refusals others go on' "$status" 200
like 'and a use has its line' "$(newest)" '*"event":"use",*"operation":"sign",*'
grown=$(($(wc -c <"$log") - before))
is 'the disk has a few hundred of them' "$((grown < 300 * 800))" 1 || diag "$grown bytes"
await 30 grep -q '"event":"suppressed"' "$log"
like 'and how many the others were' "$(grep '"event":"suppressed"' "$log" | tail -n 1)" \
    "*\"event\":\"suppressed\",\"uid\":$(id -u),\"suppressed\":2[0-9][0-9][0-9],\"seconds\":*"
succeeds 'the chain is whole' hsm_agent audit verify

# --- An administrator's act, in which the disk becomes full

await 10 eval 'tail -n 1 "$log" | grep -q checkpoint' # so that none comes now
prlimit --pid "${agent_pid[a]}" --fsize="$(stat -c %s "$log")":unlimited
api PUT /v1/keys/late '{"type":"ec:p256"}'
problem 'an act that cannot be told is no success' 503 audit-unavailable
like 'though it was done, which is said' "$body" "*\"hint\":\"it was done, but isn't in the log: *"
api GET /v1/health/ready
like 'health says so' "$status $body" '503 *"audit":{"state":"unavailable",*'
api PUT /v1/keys/later '{"type":"ec:p256"}'
problem 'the next one is not begun' 503 audit-unavailable
prlimit --pid "${agent_pid[a]}" --fsize=unlimited:unlimited
sleep 0.2
is 'so there is the first, and not the second' "$(hsm_agent key list | grep -c '^late ') $(hsm_agent key list | grep -c '^later ')" '1 0'
api POST /v1/keys/e/sign "$ES256"
is 'with room the agent goes on' "$status" 200
like 'and tells that something is missing' "$(grep '"event":"resumed"' "$log" | tail -n 1)" '*"missed":[1-9]*'

# --- Shadow mode

cp "$T/a/agent.conf" "$T/enforced"
sed -i 's/^allow = \*:\*$/allow = e:show\nmode = shadow/' "$T/a/agent.conf"
before=$(grep -c ' reloaded ' "$T/a/log")
kill -HUP "${agent_pid[a]}"
await 30 eval '[ "$(grep -c " reloaded " "$T/a/log")" -gt $before ]'
api POST /v1/keys/e/sign "$ES256"
like 'what would be refused is a use that says so' "$status $(newest)" '200 *"event":"use",*"client":"me",*"shadow":"operation",*"result":"ok"*'
api POST /v1/keys/e/sign "{\"items\":[$ES256,$ES256]}"
is 'in a batch too' "$status $(tail -n 5 "$log" | grep -c '"shadow":"operation"')" '200 3'
cp "$T/enforced" "$T/a/agent.conf"
ends_well a

# --- A log that is taken away while nobody looks

cp "$log.checkpoint" "$T/head"
cp "$log" "$T/whole"
rm "$log"
start_agent a
await 10 grep -q 'audit-lines-missing' "$T/a/log"
like 'the agent says what is missing' "$(newest)$(head -n 1 "$log")" '*"seq":1,*"event":"start",*"missing":*'
api POST /v1/keys/e/sign "$ES256"
await 20 eval 'tail -n 1 "$log" | grep -q checkpoint'
fails 'a verification finds it' 1 '' hsm_agent audit verify
like 'by what the agent noticed' "$(<"$T/out")" '*missing-lines: *'
fails 'and by the head that was kept elsewhere' 1 '' hsm_agent audit verify --head "$T/head"
like 'whose line is not there' "$(<"$T/out")" '*missing-end: *'
ends_well a
: >"$log"
rm "$log.checkpoint"
start_agent a
api POST /v1/keys/e/sign "$ES256"
await 20 eval 'tail -n 1 "$log" | grep -q checkpoint'
succeeds 'with the checkpoint gone too, a new log looks whole' hsm_agent audit verify
fails 'to all but who has a head elsewhere' 1 '' hsm_agent audit verify --head "$T/head"
like 'for it is in no log' "$(<"$T/out")" '*missing-end: *'
ends_well a
done_testing
