#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the audit log survives: KILLS (200) times kill -9 of the daemon under load from the random SEED, after which each
# acknowledged signature has its line and the chain is whole; and DAMAGES (10,000) random changes of a log, each of which is
# found. `make check-audit` runs it, which takes some minutes.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

export PYTHONPATH=$flow
seed=${SEED:-$RANDOM}
diag "SEED=$seed"
make_agent a 'agent:audit-key = audit' 'agent:audit-checkpoint-lines = 200' 'agent:audit-checkpoint-s = 1'
start_agent a || done_testing
hsm_agent key create e --type ec:p256 >/dev/null && hsm_agent key create audit --type ec:p256 >/dev/null ||
    not_ok 'the keys are made'
ends_well a
part 'the kills are done' "$python" "$flow/../bench/audit_kills.py" "$bin/hsm-agentd" "$T/a/agent.conf" "$socket" \
    "$T/a/log" "$T/a/state/audit/audit.jsonl" "${KILLS:-200}" "$seed"
start_agent a
succeeds 'the chain is whole after all kills, and signed' hsm_agent audit verify
diag "$(hsm_agent audit verify)"
ends_well a

if SEED=$seed AUDIT_DAMAGES=${DAMAGES:-10000} "$bin/tests/unit/audit_test" >"$T/damages"; then
    ok 'each damage is found'
else
    not_ok 'each damage is found' "$(grep -A 5 '^not ok' "$T/damages")"
fi
grep '^# .* all found' "$T/damages"
done_testing
