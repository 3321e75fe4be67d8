#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An authorization server with the settings of FAPI 2.0 takes the agent's client assertions and request objects, over mutual
# TLS with a key of the agent: from the pushed request to the token. What it would refuse, the agent refuses before.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/judges_lib.sh"

need_programs node
make_public
make_tls_agent a "root=sig1:jwt profile=uae-tpp/*" root=transport:tls
sed -i "s|^state-dir = .*|&\nprofiles = $T/profiles|" "$T/a/agent.conf"
mkdir "$T/profiles" "$T/client"
client=1675b37d-7f4b-4f20-a5a4-3e4d5f6a7b8c
printf '{"client_id":"%s","redirect_uri":"https://tpp.example.com/cb"}\n' $client >"$T/client/client.json"
profile() { # ISSUER
    printf '[values]\nclient-id = %s\nissuer = %s\n[optional values]\nsigning-certificate = %s\n' $client "$1" \
        "$P/sig1.crt" >"$T/profiles/uae-tpp.conf"
}
profile https://localhost
start_agent a || done_testing
make_ca
tls_key transport rsa:2048 tls-client
tls_cert transport "subject=C=AE,O=Demo TPP,OU=4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c,CN=$client" san=
tls_key sig1 rsa:2048 sign
tls_cert sig1 "subject=C=AE,O=Demo TPP,OU=4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c,CN=$client" san=

openssl req -newkey rsa:2048 -nodes -keyout "$T/client/server.key" -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    2>/dev/null | openssl x509 -req -CA "$P/test-ca.crt" -CAkey "$T/test-ca.key" -days 2 -copy_extensions copy \
    2>/dev/null >"$T/client/server.pem"
cat "$P/test-ca.crt" >>"$T/client/server.pem"
cp "$P/test-root.crt" "$T/client/root.pem"
cp "$P/sig1.crt" "$T/client/sig1.pem"
cp "$P/transport.chain" "$T/client/transport.pem"
cp "$P/transport.pem" "$T/client/transport.key"

node "$judges/authorization_server.mjs" "$T/client" >"$T/server.log" 2>&1 </dev/null &
server=$!
track $server
await 60 test -s "$T/client/port" || {
    not_ok 'the authorization server starts' "$(<"$T/server.log")"
    done_testing
}
profile "https://localhost:$(<"$T/client/port")"
is_reloaded() {
    grep -q ' reloaded ' "$T/a/log"
}
kill -HUP "${agent_pid[a]}"
await 30 is_reloaded || not_ok 'the profile has the issuer'
part 'the client' with_provider node --openssl-shared-config "$judges/oidc.mjs" "$T/client" uae-tpp
api POST /v1/keys/sig1/sign '{"algorithm":"PS256","data":"aGk"}'
problem 'the client has nothing else signed' 403 forbidden
api POST /v1/keys/sig1/jwt '{"claims":{"iss":"me"}}'
problem 'nor a token of its own making' 403 forbidden
diag "$(grep -v WARNING "$T/server.log" | head -n 20)"
end $server
ends_well a
done_testing
