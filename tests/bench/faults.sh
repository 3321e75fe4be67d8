#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The fault matrix of faults.py on a token with four sessions; its report is fault-matrix.md in the build directory.
# `make check-faults` runs it, which takes a quarter of an hour.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

export PYTHONPATH=$flow
make_agent a 'token:sessions = 4'
fault_on a
start_agent a || done_testing
hsm_agent key create e --type ec:p256 >/dev/null &&
    hsm_agent key create r --type rsa:2048 --purpose sign,decrypt >/dev/null || not_ok 'the keys are made'
hsm_agent key show r --public pem >"$T/r.pem"
ciphertext=$(printf hello | openssl pkeyutl -encrypt -pubin -inkey "$T/r.pem" -pkeyopt rsa_padding_mode:oaep | b64u)

part 'the matrix is done' "$python" "$flow/../bench/faults.py" "$bin/tests/bench/load" "$bin/tests/fault/faultctl" "$socket" \
    "$T/a/faults" "$bin/fault-matrix.md" "$ciphertext"
diag "the report: $bin/fault-matrix.md"
ends_well a
done_testing
