#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of the token's process and of the daemon at random moments under load, of kills.py: KILLS of them, 200 if it
# isn't given, from the random SEED. `make check-kills` runs it, which takes some minutes.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

export PYTHONPATH=$flow
seed=${SEED:-$RANDOM}
make_agent a 'token:sessions = 4'
start_agent a || done_testing
hsm_agent key create e --type ec:p256 >/dev/null && hsm_agent key create r --type rsa:2048 >/dev/null ||
    not_ok 'the keys are made'
ends_well a
diag "SEED=$seed"
part 'the kills are done' "$python" "$flow/../bench/kills.py" "$bin/hsm-agentd" "$T/a/agent.conf" "$socket" "$T/a/log" \
    "${KILLS:-200}" "$seed"

# What is in the token belongs to the keys that are there. An object without a label is one that the module hadn't finished
# when it was killed; it has no CKA_ID either, so nobody can say whose it was to be.
pkcs11_tool a --list-objects --type privkey >"$T/objects" 2>"$T/objects.err"
sed -n 's/^  label: *\([^ ].*\)/\1/p' "$T/objects" | sort >"$T/labels"
sed -n 's/^# kept: //p' "$T/part" | tr ' ' '\n' | sort >"$T/kept"
is 'the token has the private keys of these and no others' "$(diff "$T/kept" "$T/labels")" ''
diag "$(grep -c '^Private Key' "$T/objects") private keys, $(wc -l <"$T/labels") of them with a label"
is 'and those without a label have no id' "$(awk '/^Private Key/ { label = "" } /^  label:/ { label = $2 }
    /^  ID:/ && label == "" && $2 != "" { print $2 }' "$T/objects")" ''
done_testing
