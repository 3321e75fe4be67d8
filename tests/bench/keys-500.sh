#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast keys sign when the token has 500 of them, against one: two agents on two tokens, measured in turn.
# `make bench-keys` runs it; a ratio below 0.8 is a failure.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent one
start_agent one || done_testing
succeeds 'one key' "$python" "$flow/scale.py" "$socket" create 1
make_agent many
start_agent many || done_testing
succeeds '500 keys' "$python" "$flow/scale.py" "$socket" create 500

"$python" "$flow/../bench/rate.py" "$T/one/agent.sock" "$T/many/agent.sock" >"$T/rates"
is 'both are measured' $? 0
diag "$(<"$T/rates")"
ratio=$(sed -n 's/^ratio \([0-9.]*\)$/\1/p' "$T/rates")
is "500 keys are as fast as one: ratio $ratio" "$("$python" -c "print(${ratio:-0} >= 0.8)")" True
ends_well one
ends_well many
done_testing
