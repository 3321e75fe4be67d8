#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A signature that the token got wrong is never sent.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
fault_on a
faults a
start_agent a || done_testing
hsm_agent key create r --type rsa:2048 >/dev/null && hsm_agent key create e --type ec:p256 >/dev/null ||
    not_ok 'the keys are made'
hsm_agent key show r --public pem >"$T/r.pem"
hsm_agent key show e --public pem >"$T/e.pem"
printf 'signed' >"$T/data"

faulty() {
    api GET /v1/tokens
    member tokens.0.faulty_signatures
}
signed() { # KEY ALG [OPTION...]: into $T/sig
    local key=$1 alg=$2
    shift 2
    hsm_agent sign "$key" --alg "$alg" "$@" --in "$T/data" -o "$T/sig" 2>"$T/err"
}
verifies() { # KEY [OPTION...]
    local key=$1
    shift
    openssl dgst -sha256 "$@" -verify "$T/$key.pem" -signature "$T/sig" "$T/data"
}
verdict() { # KEY: 0 for a good signature
    verifies "$@" >/dev/null 2>&1
    echo $?
}

is 'no signature was wrong' "$(faulty)" 0
faults a 'C_Sign flip count 1'
succeeds 'a request whose first signature is wrong' signed r RS256
succeeds 'gets a right one' verifies r
is 'and the token is marked' "$(faulty)" 1
is 'the log says so' "$(grep -c ' faulty-signature .*token=main.*algorithm=RS256' "$T/a/log")" 1
hsm_agent status >"$T/out"
like 'and so does the status' "$(<"$T/out")" '*main: 1 of its signatures*held back*'

faults a 'C_Sign garbage count 1'
succeeds 'a PSS signature that is garbage is made anew' signed r PS256
succeeds 'and verifies' verifies r -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
is 'the mark counts' "$(faulty)" 2

faults a 'C_Sign flip'
signed r RS256
is 'a token that is always wrong is not served' $? 1
like 'with the cause' "$(<"$T/err")" "*doesn't verify*"
unlike 'and counted' "$(faulty)" 2
signed e ES256
is 'by default, signatures of elliptic curves are not verified' "$? $(verdict e)" '0 1'
faults a
ends_well a

sed -i '/^\[token main\]/a verify = always' "$T/a/agent.conf"
start_agent a || done_testing
faults a 'C_Sign flip count 1'
succeeds 'with verify = always they are' signed e ES256
succeeds 'and the right one comes' verifies e
is 'it is counted' "$(faulty)" 1
ends_well a

sed -i 's/^verify = always/verify = off/' "$T/a/agent.conf"
start_agent a || done_testing
faults a 'C_Sign flip count 1'
signed r RS256
is 'with verify = off nothing is looked at' "$? $(verdict r) $(faulty)" '0 1 0'
ends_well a
done_testing
