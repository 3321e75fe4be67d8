#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The audit log: a line for each use and each refusal, checkpoints that verify, no use without a line, and what the
# commands make of it.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

log=$T/a/log.d/audit.jsonl
make_agent a 'agent:audit-key = audit' "agent:audit-log = $log" 'agent:audit-checkpoint-s = 1' \
    'client:deny-nothing = no' 'end:[client also]' "end:user = $(id -u)" 'end:allow = h:create' \
    'end:allow = h:mac profile=mojaloop/ilp' 'end:[client more]' "end:user = $(id -u)" 'end:allow = h:mac profile=mojaloop/ilp-v1'
sed -i '/deny-nothing/d; s/^allow = \*:\*$/allow = e:* ES256\nallow = [ar]*:*/' "$T/a/agent.conf"
start_agent a || done_testing
hsm_agent key create audit --type ec:p256 >/dev/null
hsm_agent key create e --type ec:p256 >/dev/null
hsm_agent key create r --type rsa:2048 --purpose decrypt >/dev/null

last() { # PATTERN: the last line with it
    grep -e "$1" "$log" | tail -n 1
}

newest() { # of those about uses; a checkpoint may come at any time
    grep -v '"event":"checkpoint"' "$log" | tail -n 1
}

# --- What is written

api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
is 'a signature is made' "$status" 200
hash=$(printf hi | sha256sum | cut -d ' ' -f 1)
request=$(sed -n 's/^Request-Id: *\([^\r]*\).*/\1/Ip' "$T/headers")
line=$(last "\"request\":\"$request\"")
like 'it has its line, with who and what' "$line" \
    "{\"seq\":*,\"prev\":\"*\",\"time\":\"*Z\",\"event\":\"use\",\"uid\":$(id -u),\"gid\":$(id -g),*\"listen\":\"agent\",\"client\":\"me\",\"request\":\"$request\",\"key\":\"e\",\"version\":1,\"spki_sha256\":\"*\",\"operation\":\"sign\",\"algorithm\":\"ES256\",\"content\":\"other\",\"content_sha256\":\"$hash\",\"token\":\"main\",\"result\":\"ok\",\"latency_us\":*,\"policy\":\"*\"}"
tail -n 2 "$log" >"$T/two"
before=$(printf '%s' "$(head -n 1 "$T/two")" | sha256sum | cut -d ' ' -f 1)
like 'and the hash of the line before it' "$(tail -n 1 "$T/two")" "*\"prev\":\"$before\"*"

api POST /v1/keys/e/sign '{"items":[{"algorithm":"ES256","data":"aGk"},{"algorithm":"ES384","data":"aGk"},
    {"algorithm":"ES256","data":"aGk","version":7},
    {"algorithm":"ES256","digest":"'"$(printf hi | openssl dgst -sha256 -binary | b64u)"'"}]}'
request=$(sed -n 's/^Request-Id: *\([^\r]*\).*/\1/Ip' "$T/headers")
is 'each item of a batch has a line, the refused one too' \
    "$(grep "\"request\":\"$request\"" "$log" | sed 's/.*"event":"\([a-z]*\)".*"operation":"\([a-z-]*\)".*"result":"\([a-z-]*\)".*/\1 \2 \3/' | sort | tr '\n' ';')" \
    'refusal sign forbidden;refusal sign key-cannot;use sign ok;use sign-digest ok;'
like 'a digest is told as that' "$(last '"operation":"sign-digest"')" "*\"digest\":\"$hash\"*"

hsm_agent key create h --type hmac:256 >/dev/null
api POST /v1/keys/h/mac '{"items":[{"profile":"mojaloop/ilp","data_text":"{}"},{"profile":"mojaloop/ilp-v1","data_text":"hi"},{"data_text":"hi"}]}'
request=$(sed -n 's/^Request-Id: *\([^\r]*\).*/\1/Ip' "$T/headers")
is 'each with its own profile, and the section whose rule granted it' \
    "$(grep "\"request\":\"$request\"" "$log" | "$python" -c 'import json, sys
for line in map(json.loads, sys.stdin):
    print(line["event"], line["client"], line.get("profile"))' | sort | tr '\n' ';')" \
    'refusal me None;use also mojaloop/ilp;use more mojaloop/ilp-v1;'

api POST /v1/keys/other/sign '{"algorithm":"ES256","data":"aGk"}'
like 'a refusal has its line' "$(newest)" '*"event":"refusal",*"key":"other","operation":"sign",*"result":"no-such-key"*'
api POST /v1/keys/r/decrypt '{"algorithm":"RSA-OAEP","ciphertext":"aGk"}'
like 'so has what failed' "$(newest)" '*"key":"r",*"operation":"decrypt",*"result":"*"*'
unlike 'which is no use' "$(newest)" '*"event":"use"*'
api POST /v1/keys/e/disable '{}'
like "an administrator's act has its line" "$(newest)" '*"event":"use",*"route":"/v1/keys/{name}/disable","key":"e","operation":"disable",*"result":"ok"*'
api POST /v1/keys/e/enable '{}'
is 'the log is for its owner alone' "$(stat -c '%a %a' "$log" | cut -d ' ' -f 1) $(stat -c %a "$T/a/log.d")" '600 700'

lines=$(grep -vc '"event":"checkpoint"' "$log")
for name in $'a%0ab' 'a"b' '%22%7d%0a' $'\xff\xfe' "$(printf 'x%.0s' {1..64})"; do
    curl -s -o "$T/body" --unix-socket "$socket" -X POST -d '{"algorithm":"ES256","data":"aGk"}' --path-as-is \
        "http://localhost/v1/keys/$name/sign"
done
is 'names that aim at the log make a line each' "$(grep -vc '"event":"checkpoint"' "$log")" $((lines + 5))
cp "$log" "$T/lines"
is 'which is JSON' "$("$python" -c 'import json, sys
print(sum(isinstance(json.loads(line), dict) for line in open(sys.argv[1], encoding="utf-8", newline="\n")))' "$T/lines")" \
    "$(wc -l <"$T/lines")"

# --- Checkpoints and their verification

await 10 grep -q '"event":"checkpoint"' "$log"
succeeds 'the log is verified with what the agent says' hsm_agent audit verify
api GET /v1/audit/head
is 'the head is told' "$status $(field state)" '200 ready'
hsm_agent key show audit | sed -n '/BEGIN/,/END/p' >"$T/audit.pem"
cp "$log.checkpoint" "$T/head"
succeeds 'and without the agent' env HSM_AGENT_SOCKET=/nonexistent "$bin/hsm-agent" audit verify "$log" \
    --key "$T/audit.pem" --head "$T/head"
openssl genpkey -algorithm ED25519 2>/dev/null | openssl pkey -pubout -out "$T/another.pem"
fails 'not with another key' 1 '' hsm_agent audit verify "$log" --key "$T/another.pem"
like 'which is said' "$(<"$T/out")" '*unknown-key: *'
sed 's/"uid":[0-9]*/"uid":4242/2;10s/"result":"ok"/"result":"forbidden"/;5s/"uid":0/"uid":1/;5s/Z"/X"/' "$log" >"$T/changed"
fails 'a change is found' 1 '' hsm_agent audit verify "$T/changed" --key "$T/audit.pem"
like 'and named' "$(<"$T/out")" '*wrong-hash: *the log is NOT whole*'
of=$(sed -n 's/.*"of":\([0-9]*\).*/\1/p' "$T/head")
head -n $((of - 1)) "$log" >"$T/cut"
fails 'so is an end that was cut off' 1 '' hsm_agent audit verify "$T/cut" --key "$T/audit.pem" --head "$T/head"
like 'against what is known of it' "$(<"$T/out")" '*missing-end: *'
succeeds 'a verification notes how far it came' hsm_agent audit verify --state "$T/verified"
api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
hsm_agent audit verify --state "$T/verified" --json >"$T/verdict"
like 'and the next goes on there' "$(<"$T/verdict")" '*"whole":true*'
unlike 'at a checkpoint' "$(<"$T/verdict")" '*"resumed":0,*'

# --- Looking at it

like 'show filters' "$(hsm_agent audit show --event refusal --key other)" "*refusal uid=$(id -u)*key=other*result=no-such-key*"
is 'by the last' "$(hsm_agent audit show --last 2 --json | wc -l)" 2
is 'by time' "$(hsm_agent audit show --until 2000-01-01)" ''
hsm_agent audit export --csv --operation sign --result ok -o "$T/csv"
like 'export writes a table' "$(<"$T/csv")" $'seq,time,event,uid,*\r\n*,use,*,e,1,*,sign,ES256,other,*'

# A log that somebody else has made mustn't get at the terminal, nor at the spreadsheet.
line_with() { # SEQ MEMBERS
    printf '{"seq":%d,"prev":"%064d","time":"2026-11-21T07:26:35.123Z","event":"use",%s}\n' "$1" 0 "$2"
}
{
    line_with 1 '"uid":1,"key":"a\u001b[2J\u009b\nuse uid=0","result":"ok"'
    line_with 2 '"uid":2,"key":"=HYPERLINK(1)","unit":"+1","exe":"-1","client":"@x","result":"\ty","object":"\"a\",\r\n=b"'
    printf '{"seq":3,"prev":"%064d","time":"2026-11-21T07:26:35.123Z","event":"alarm","cause":"x\\nthe log is whole\\u001b[1m"}\n' 0
    printf 'no line %d\n' {1..1100}
    printf '{"seq":4,"prev":"%064d","time":"2026-11-21T07:26:35.123Z","event":"alarm","cause":%0500d' 0 0 | tr 0 '['
    printf '\n\0\0\n'
} >"$T/hostile"
is 'a line stays a line' "$(hsm_agent audit show "$T/hostile" --uid 1)" \
    '2026-11-21T07:26:35.123Z 1 use uid=1 key="a\u001b[2J\u009b\nuse uid=0" result=ok'
hsm_agent audit export --csv "$T/hostile" --uid 2 >"$T/csv"
like 'a cell is no formula' "$(<"$T/csv")" $'*\n2,*,use,2,,\'+1,\'-1,,\'@x,,,"""a"",?\n=b",\'=HYPERLINK(1),*,\'\ty,,*'
fails 'a verdict is not forged' 1 '' hsm_agent audit verify "$T/hostile" --unsigned
unlike 'by what the log says' "$(<"$T/out")" $'*\nthe log is whole*'
like 'and is not longer than anybody reads' "$(<"$T/out")" $'*\nand * more\n*the log is NOT whole*'

"$bin/tests/bench/audit_make" "$T/large/audit.jsonl" 40000
part 'export needs no memory for the table' "$python" - "$bin/hsm-agent" "$T/large/audit.jsonl" "$T/csv" <<'END'
import os, resource, subprocess, sys
program, log, out = sys.argv[1:]
def peak(*options):
    subprocess.run([program, "audit", "export", "--csv", log, "-o", out, *options], check=True,
                   env=dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1"))
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
little = peak("--last", "1")
much = peak()
lines = sum(1 for _ in open(out, newline="\n"))
good = lines == 40000 + 40 + 2 and much - little < 4096
print(f"{'ok' if good else 'not ok'} - it is written as it is read")
print(f"# {lines} lines, {little} and {much} KiB")
END

# --- A disk that is full

await 10 eval 'tail -n 1 "$log" | grep -q checkpoint' # so that none comes now
size=$(stat -c %s "$log")
prlimit --pid "${agent_pid[a]}" --fsize=$((size + 50)):unlimited
api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'what has no room for its line is refused' 503 audit-unavailable
is 'nothing of a line is left' "$(stat -c %s "$log")" "$size"
api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'so is the next' 503 audit-unavailable
api GET /v1/health/ready
like 'health says so' "$status $body" '503 *"audit":{"state":"unavailable","cause":"can*t write *'
api GET /metrics
like 'and so do the metrics' "$body" $'*\nhsm_agent_audit_up 0\n*'
prlimit --pid "${agent_pid[a]}" --fsize=unlimited:unlimited
sleep 0.2
api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
is 'with room the agent goes on' "$status" 200
api GET /v1/health/ready
is 'and is ready' "$status" 200
like 'the gap is told' "$(last '"event":"resumed"')" '*"cause":"can*t write *","missed":*'
succeeds 'the chain has none' hsm_agent audit verify

# A file system of its own, where one can be mounted.
full() {
    make_agent f "agent:audit-log = $T/small/audit.jsonl" 'agent:audit-checkpoint-s = 1'
    start_agent f || return
    hsm_agent key create e --type ec:p256 >/dev/null
    local signed=0
    while [ $signed -lt 200 ]; do
        api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
        [ "$status" = 200 ] || break
        signed=$((signed + 1))
    done
    problem "a disk that is full after $signed signatures refuses the next" 503 audit-unavailable
    is 'each of these has a line' "$(grep -c '"operation":"sign".*"result":"ok"' "$T/small/audit.jsonl")" "$signed"
    mount -o remount,size=1m "$T/small"
    sleep 0.2
    api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
    is 'with room it goes on' "$status" 200
    succeeds 'and the chain is whole' hsm_agent audit verify --unsigned
    ends_well f
    umount "$T/small"
    use_agent a
}
mkdir -m 700 "$T/small"
if mount -t tmpfs -o size=16k,mode=700 tmpfs "$T/small" 2>/dev/null; then
    full
else
    skip 'a disk that is full' 'no file system can be mounted'
fi

# --- Ends

kill_agent a
start_agent a
succeeds 'the chain goes on after kill -9' hsm_agent audit verify
sed "s|^state-dir.*|state-dir = $T/b|; s|^socket.*|socket = $T/b.sock|" "$T/a/agent.conf" >"$T/b.conf"
fails 'a second agent is kept out of the log' 1 '*another agent writes the audit log*' "$bin/hsm-agentd" -c "$T/b.conf"
for sync in always off; do
    ends_well a
    sed -i "/^audit-sync/d; s/^audit-key.*/&\naudit-sync = $sync/" "$T/a/agent.conf"
    start_agent a
    api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
    is "audit-sync = $sync signs" "$status" 200
    succeeds 'and the chain is whole' hsm_agent audit verify
done
mv "$log" "$T/taken"
await 10 grep -q audit-tampered "$T/a/log"
api POST /v1/keys/e/sign '{"algorithm":"ES256","data":"aGk"}'
fails 'a log that is taken away shows' 1 '' hsm_agent audit verify
like 'by an alarm' "$(<"$T/out")" '*alarm: *missing-beginning: *'
ends_well a
done_testing
