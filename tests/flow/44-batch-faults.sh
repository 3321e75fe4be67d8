#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A batch goes to a fast token in few datagrams. What happens amid one of them: the process dies, hangs, or one item fails.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:sessions = 1' 'token:deadline-ms = 20000'
fault_on a
start_agent a || done_testing
succeeds 'a key is made' hsm_agent key create p256 --type ec:p256
hsm_agent key show p256 --public pem >"$T/pem"

# Sixteen items, the data of each is its number.
items=
for i in {1..16}; do
    items+=",{\"algorithm\":\"ES256\",\"format\":\"der\",\"data\":\"$(printf 'item %02d' "$i" | b64u)\"}"
done
batch() {
    api POST /v1/keys/p256/sign "{\"items\":[${items:1}]}"
}
# How many items of the last answer have the signature of their data, and how many have a problem with that code.
signed() {
    local i=0 n=0 signature
    while read -r signature; do
        i=$((i + 1))
        unb64u <<<"$signature" >"$T/sig"
        printf 'item %02d' "$i" >"$T/data"
        openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data" >/dev/null 2>&1 && n=$((n + 1))
    done < <("$python" -c 'import json, sys
for result in json.load(sys.stdin)["results"]: print(result.get("signature", ""))' <<<"$body")
    echo "$n"
}
problems() { # CODE
    grep -o "\"code\":\"$1\"" <<<"$body" | wc -l
}
restarts() {
    grep -c ' token-ready ' "$T/a/log"
}

# The agent finds out that the token is fast.
for i in {1..20}; do
    batch
done
is 'a batch is signed' "$status $(signed)" '200 16'

before=$(restarts)
faults a 'C_Sign crash kill after 7 count 1'
batch
is 'the process dies amid a batch' "$(counted a fired 1)" 1
is 'and all of it is signed' "$status $(signed)" '200 16'
is 'by the next process' "$(restarts)" $((before + 1))

faults a 'C_Sign crash abort after 3 count 2'
batch
is 'two processes die' "$(counted a fired 1)" 2
is 'and all is signed' "$status $(signed)" '200 16'

# After a failure that only a new process cures, what is left of the datagram isn't tried in the old one.
faults a 'C_Sign error CKR_DEVICE_ERROR after 7 count 3'
batch
is 'the device fails, and what was tried on it' "$(counted a fired 1)" 3
is 'is signed by the next process' "$status $(signed)" '200 16'

faults a 'C_Sign error CKR_HOST_MEMORY after 7 count 1'
batch
is 'one item fails' "$(counted a fired 1)" 1
is 'and the others are signed' "$status $(signed)" '200 15'
is 'it has its problem' "$(grep -o '"code":' <<<"$body" | wc -l)" 1

# The process hangs: what it had got at once is late, and what wasn't sent yet has no time left either.
ends_well a
sed -i 's/^deadline-ms = .*/deadline-ms = 2000/' "$T/a/agent.conf"
faults a
start_agent a || done_testing
for i in {1..20}; do
    batch
done
is 'a batch is signed again' "$status $(signed)" '200 16'
faults a 'C_Sign hang after 7 count 1'
batch
late=$(problems deadline)
is 'the process hangs amid a batch' "$(counted a fired 1)" 1
is 'each item is signed or late' "$status $(($(signed) + late))" '200 16'
unlike 'some are late' "$late" 0
faults a
batch
is 'and the next batch is signed' "$status $(signed)" '200 16'
ends_well a
done_testing
