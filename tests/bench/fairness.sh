#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What callers feel of each other: the times of a single caller beside a batch on one session, and of a fast token beside
# one that takes 2 s for a signature, as ratios to the same alone. `make bench-fairness` runs it.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:sessions = 2'
make_token "$T/a/slow" slow
token_section "$T/a/slow" slow >>"$T/a/agent.conf"
fault_on a slow
make_token "$T/a/single" single
{
    token_section "$T/a/single" single
    echo 'sessions = 1'
} >>"$T/a/agent.conf"
start_agent a || done_testing
for name in main slow single; do
    hsm_agent key create $name --type ec:p256 --token $name >/dev/null || not_ok "a key is made in $name"
done

one='{"algorithm":"ES256","data":"aGVsbG8"}'
items=$(printf "$one,%.0s" {1..256})
idle=0    # ms that the callers in question rest after each answer
rounds=5
load() { # KEY CONNECTIONS SECONDS [BODY]
    "$bin/tests/bench/load" -i $idle "$socket" "$2" "$3" "/v1/keys/$1/sign" "${4:-$one}"
}
# Runs a load alone and beside another one, in turn, and prints the medians of the two and their ratio.
beside() { # NAME KEY CONNECTIONS OTHER-KEY OTHER-CONNECTIONS [OTHER-BODY]
    local name=$1 key=$2 connections=$3 round other
    shift 3
    : >"$T/rounds"
    for ((round = 0; round < rounds; round++)); do
        echo "alone $(load "$key" "$connections" 1)" >>"$T/rounds"
        load "$1" "$2" 2.5 "${@:3}" >"$T/other" &
        other=$!
        sleep 0.5
        echo "beside $(load "$key" "$connections" 1)" >>"$T/rounds"
        wait $other
    done
    "$python" - "$T/rounds" >"$T/figures" <<'END'
import statistics
import sys

rounds = [line.split() for line in open(sys.argv[1])]


def median(which, column):
    return statistics.median(float(words[column]) for words in rounds if words[0] == which)


for what, column in (("answers a second", 1), ("p50 in us", 2), ("p99 in us", 3)):
    alone, both = median("alone", column), median("beside", column)
    print(f"{what} {alone:.0f} alone, {both:.0f} beside, ratio {both / alone:.2f};", end=" ")
pairs = zip(rounds[::2], rounds[1::2])
print(f"median of the rounds' ratios of p99: {statistics.median(float(b[3]) / float(a[3]) for a, b in pairs):.2f};", end=" ")
print("failed", sum(int(words[4]) for words in rounds))
END
    diag "$name: $(<"$T/figures")"
    is "$name: none fails" "$(awk '{ n += $5 } END { print n }' "$T/rounds")" 0
}

# The other token's callers wait nearly all of the time. Those of the fast one rest, so that what else the machine has to do
# isn't measured; each round is compared with the one before it.
faults a/slow 'C_Sign delay 2000'
idle=2 rounds=15 beside '8 callers of a fast token, 8 of one that takes 2 s' main 8 slow 8
ratio=$(sed 's/.*of p99: \([0-9.]*\);.*/\1/' "$T/figures")
succeeds "the fast token's p99 is within 1.2 x of alone" awk "BEGIN { exit !($ratio <= 1.2) }"
beside 'a single caller, a batch of 256 on the same session' single 1 single 1 "{\"items\":[${items%,}]}"
beside 'a single caller, 16 batches on the same session' single 1 single 16 "{\"items\":[${items%,}]}"
beside 'a single caller, 64 others on the same session' single 1 single 64
ends_well a
done_testing
