#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `make bench` measures and reports, in small: figures of known measurements, and of a module and an agent.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

[ $sanitized = no ] || skip_all 'nobody measures a build with sanitizers'
part 'the bench' "$python" "$flow/../bench/bench_test.py" "$bin" "$T"
callers=$bin/tests/bench/callers/callers
openssl genpkey -quiet -algorithm ED25519 -out "$T/key"
openssl pkey -in "$T/key" -pubout -out "$T/pub"
openssl genpkey -quiet -algorithm ED25519 -out "$T/other"
succeeds 'a file with a key is a way' "$callers" -t 0.05 -w 0 -a Ed25519 -P "$T/pub" file "$T/key"
fails 'a signature that the public key does not fit is no operation' 3 'a wrong result*' \
    "$callers" -t 0.05 -w 0 -a Ed25519 -P "$T/pub" file "$T/other"
fails 'the way has to be there' 3 '*/no.so*' "$callers" -t 0.05 -a ES256 -P "$T/pub" module "$T/no.so" main "$T/key" 00
done_testing
