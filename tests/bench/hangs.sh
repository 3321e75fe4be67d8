#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hangs and crashes at each call, of hangs.py, on a token with four sessions beside another one. `make check-hangs` runs
# it, which takes five minutes.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

export PYTHONPATH=$flow
deadline=1000
make_agent a 'token:sessions = 4' "token:deadline-ms = $deadline"
make_token "$T/a/other" other
token_section "$T/a/other" other >>"$T/a/agent.conf"
fault_on a
start_agent a || done_testing
hsm_agent key create e --type ec:p256 --token main >/dev/null &&
    hsm_agent key create f --type ec:p256 --token other >/dev/null &&
    hsm_agent key create r --type rsa:2048 --purpose sign,decrypt --token main >/dev/null || not_ok 'the keys are made'
hsm_agent key show r --public pem >"$T/r.pem"
ciphertext=$(printf hello | openssl pkeyutl -encrypt -pubin -inkey "$T/r.pem" -pkeyopt rsa_padding_mode:oaep | b64u)

part 'the hangs and crashes are done' "$python" "$flow/../bench/hangs.py" "$bin/tests/bench/load" \
    "$bin/tests/fault/faultctl" "$socket" "$T/a/faults" "$ciphertext" $deadline
ends_well a
done_testing
