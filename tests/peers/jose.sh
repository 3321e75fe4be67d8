#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# JSON Web Signatures and Tokens between the agent and npm's jose and node-jose, both ways.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

modules=$PWD/tests/peers/node_modules
[ -d "$modules/jose" ] || skip_all 'the libraries are not there: make check-peers'
# ES modules are looked for beside the program.
ln -s "$modules" "$T/node_modules"
cp "$flow/../peers/jose.mjs" "$T/jose.mjs"

make_agent a
start_agent a || done_testing
for key in r2:rsa:2048 p256:ec:p256 p384:ec:p384 p521:ec:p521 ed:ed25519; do
    hsm_agent key create "${key%%:*}" --type "${key#*:}" >/dev/null || not_ok "${key%%:*} is made"
done
part 'jose and node-jose' node "$T/jose.mjs" "$socket"
ends_well a
done_testing
