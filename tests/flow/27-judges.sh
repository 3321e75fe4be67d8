#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Foreign libraries judge what the agent signs and encrypts, and make what the agent judges: jose, node-jose and Mojaloop's own.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/judges_lib.sh"

make_agent a 'token:software-oaep = yes' "agent:profiles = $T/profiles"
mkdir "$T/profiles"
cat >"$T/profiles/site.conf" <<'CONF'
[message inner]
scheme = jwe
nested = yes
inner-algorithms = PS256
[message es256]
scheme = fspiop
algorithm = ES256
canonical = sorted
uri = resource
CONF
start_agent a || done_testing
for key in 'rsa --type rsa:2048' 'ec --type ec:p256' 'ed --type ed25519' 'dec --type rsa:2048 --purpose decrypt' \
    'dh --type ec:p256 --purpose derive'; do
    # shellcheck disable=SC2086
    hsm_agent key create $key >/dev/null || not_ok "the key $key is made"
done

part 'jose and node-jose' node "$judges/jose.mjs"
part "Mojaloop's library" node "$judges/mojaloop.cjs"
ends_well a
done_testing
