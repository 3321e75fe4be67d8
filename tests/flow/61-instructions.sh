#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a request costs, on a module that answers at once: instructions of the agent's own code, calls for memory, system
# calls. callgrind counts, request by request, and strace; so the machine and its load don't matter. Libraries aren't
# counted, since what they do depends on the processor.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

# At most 10 % more than this. Whoever makes a request cheaper lowers the bound, whoever has to make it dearer raises it.
# daemon: instructions and allocations of one request; child: of one question.
bounds() {
    cat <<'END'
sign daemon 17600 8
sign child 1960 2
batch daemon 172000 43
tls daemon 20300 8
tls child 1960 2
decrypt daemon 18600 9
decrypt child 1780 1
END
}
# One signature: 6 in the daemon and 2 in the token's process, and what other threads do now and then. A batch of 16 takes
# no more, since all of it goes to a token that is so fast in one datagram.
declare -A syscalls_max=([sign]=8.5 [batch]=8.9)

command -v valgrind >/dev/null || skip_all "valgrind isn't installed"
[ $sanitized = no ] || skip_all "what a sanitizer is built into doesn't run under valgrind"
compiler=$(readelf -p .comment "$bin/hsm-agentd" 2>/dev/null)
grep -q '^CFLAGS = .*-O2' "$bin/Makefile" && [[ $compiler == *'GCC: '*' 12.'* ]] ||
    skip_all 'the bounds are for gcc 12 and -O2'

sandbox=off # valgrind itself is what would be limited
# A checkpoint is always due and never made, for there is no audit-key: that has to cost nothing.
make_agent a 'agent:sandbox = no' "agent:audit-log = $T/audit.jsonl" 'agent:audit-checkpoint-lines = 1' \
    'token:deadline-ms = 60000' 'token:sessions = 1' # so that a batch isn't spread
sed -i "s|^module = \(.*\)|module = $bin/tests/bench/.libs/null_module.so\\
environment = HSM_AGENT_NULL_MODULE=\1|" "$T/a/agent.conf"

# What is asked for. The keys are made without valgrind.
start_agent a || done_testing
succeeds 'a key for messages' hsm_agent key create sign --type ec:p256
succeeds 'a key for TLS' hsm_agent key create tls --type ec:p256 --purpose tls-server
succeeds 'a key that decrypts' hsm_agent key create decrypt --type rsa:2048 --purpose decrypt
hsm_agent key show tls --public pem >"$T/tls.pem"
hsm_agent key show decrypt --public pem >"$T/decrypt.pem"
content=$({
    printf ' %.0s' {1..64}
    printf 'TLS 1.3, server CertificateVerify\0%032d' 0
} | b64u)
spki=$(openssl pkey -pubin -in "$T/tls.pem" -outform DER | openssl dgst -sha256 -binary | b64u)
ciphertext=$(printf 'a secret' | openssl pkeyutl -encrypt -pubin -inkey "$T/decrypt.pem" \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 | b64u)
data=$(printf 'a message of the usual length is a hundred bytes long or so, and one of these is signed %012d' 0 | b64u)
item="{\"algorithm\":\"ES256\",\"data\":\"$data\"}"
items=$(printf "$item,%.0s" {1..15})
declare -A path=([sign]=sign/sign [batch]=sign/sign [tls]=tls/tls [decrypt]=decrypt/decrypt) body=(
    [sign]=$item
    [batch]="{\"items\":[$items$item]}"
    [tls]="{\"scheme\":\"ecdsa_secp256r1_sha256\",\"content\":\"$content\",\"spki_sha256\":\"$spki\"}"
    [decrypt]="{\"algorithm\":\"RSA-OAEP\",\"ciphertext\":\"$ciphertext\"}"
)
for name in sign batch tls decrypt; do
    api POST "/v1/keys/${path[$name]}" "${body[$name]}"
    is "$name is answered" "$status" 200
done
ends_well a

load() { # NAME COUNT
    "$bin/tests/bench/load" -n "$2" "$socket" 1 60 "/v1/keys/${path[$1]}" "${body[$1]}"
}

# --- Instructions and memory

# A dump of each request, and of each question to the token.
callgrind=(valgrind --tool=callgrind --dump-line=no "--callgrind-out-file=$T/count.%p" "--log-file=$T/valgrind.%p"
    --dump-before=ha_http_connection_end)
wrapper=("${callgrind[@]}" --trace-children=yes "--trace-children-skip=*/openssl*" --dump-before=ha_operate_worker)
start_agent a || done_testing

last_dump() { # PID
    local dumps=("$T/count.$1".*)
    echo "${#dumps[@]}"
}

within() { # NAME GOT BOUND
    if [ "$2" -le $(($3 * 11 / 10)) ]; then
        ok "$1: $2, at most a tenth more than $3"
    else
        not_ok "$1: $2, at most a tenth more than $3"
    fi
}

judge() { # NAME daemon|child PID OBJECT FUNCTION DUMPS-BEFORE
    local counted own allocations all max
    counted=$("$python" "${srcdir:-.}/tests/bench/instructions.py" "$T/count.$3" "$4" "$5" $(($6 + 3)) \
        "$(last_dump "$3")") || {
        not_ok "$1, $2: counted"
        return
    }
    read -r own allocations all <<<"$counted"
    read -r _ _ max max_allocations < <(bounds | grep "^$1 $2 ")
    within "$1, $2: instructions" "$own" "$max"
    within "$1, $2: allocations" "$allocations" "$max_allocations"
    diag "with libraries: $all"
}

for name in sign tls decrypt; do
    daemon=${agent_pid[a]} child=$(child_pid a)
    before=$(last_dump "$daemon") child_before=$(last_dump "$child")
    like "$name: 20 times" "$(load $name 20)" '* 0'
    judge $name daemon "$daemon" hsm-agentd ha_http_connection_end "$before"
    judge $name child "$child" hsm-agent-token ha_operate_worker "$child_before"
done
stop_agent a

# Only a token that is fast gets a batch in one datagram, so its process runs as it is.
wrapper=("${callgrind[@]}")
start_agent a || done_testing
load batch 20 >"$T/out" # finds out how fast it is
daemon=${agent_pid[a]}
before=$(last_dump "$daemon")
like 'batch: 20 times' "$(load batch 20)" '* 0'
judge batch daemon "$daemon" hsm-agentd ha_http_connection_end "$before"
stop_agent a

# --- System calls

if command -v strace >/dev/null; then
    # Without the calls by which a thread that is alone looks out for the next request: they go by the time.
    sed -i 's/^\[agent\]$/&\naffinity = no/' "$T/a/agent.conf"
    wrapper=(strace -D -f -q -o "$T/calls") # -D: the process that is started here is the daemon, not strace
    start_agent a || done_testing
    for name in sign batch; do
        load $name 50 >"$T/out" # the first few find out how fast the token is
        start=$(wc -l <"$T/calls")
        load $name 500 >"$T/out"
        # One that was interrupted by another thread's has two lines, of which this counts one.
        each=$(tail -n +$((start + 1)) "$T/calls" | grep -v ' resumed>' | awk 'END { printf "%.2f", NR / 500 }')
        succeeds "$name takes $each system calls, at most ${syscalls_max[$name]}" \
            awk -v each="$each" -v max="${syscalls_max[$name]}" 'BEGIN { exit !(each <= max) }'
    done
    stop_agent a
else
    skip 'system calls' "strace isn't installed"
fi
done_testing
