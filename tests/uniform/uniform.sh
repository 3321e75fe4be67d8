#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ciphertexts that don't decrypt are answered alike, in words and in time, on a module whose own time is constant.
# UNIFORM_SAMPLES of each class (10,000); then a module that leaks 50 microseconds, which has to be noticed.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

samples=${UNIFORM_SAMPLES:-10000}
constant=$bin/tests/uniform/.libs/constant_module.so
us=${UNIFORM_US:-2500}

constant_on() { # AGENT [LEAK]
    sed -i "s|^module = \(.*\)|module = $constant\\
environment = HSM_AGENT_CONSTANT_MODULE=\1\\
environment = HSM_AGENT_CONSTANT_US=$us\\
environment = HSM_AGENT_CONSTANT_LEAK=${2:-0}|" "$T/$1/agent.conf"
}

prepare() { # AGENT
    start_agent "$1" || done_testing
    hsm_agent key create r --type rsa:2048 --purpose decrypt >/dev/null || not_ok 'a key is made'
    modulus=$(hsm_agent key show r --public pem | openssl rsa -pubin -noout -modulus | sed 's/.*=//')
}

make_agent a 'token:software-oaep = yes'
constant_on a
prepare a
part 'the answers are compared' "$python" "${srcdir:-.}/tests/uniform/uniform.py" "$socket" r "$modulus" "$samples"
ends_well a

make_agent leaky 'token:software-oaep = yes'
constant_on leaky 50
prepare leaky
"$python" "${srcdir:-.}/tests/uniform/uniform.py" "$socket" r "$modulus" 1000 >"$T/leak"
diag "$(<"$T/leak")"
like 'a leak of 50 us is noticed' "$(<"$T/leak")" '*not ok no class is faster or slower than another*'
ends_well leaky
done_testing
