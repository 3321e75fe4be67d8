#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Node.js, whose OpenSSL is its own: as a server and as a client, with keys of the agent.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/servers_lib.sh"

need_programs node curl
need_user nobody
make_public
as_user nobody node --version >/dev/null 2>&1 || skip_all 'node is where nobody can run it'

make_server_agent nobody
tls_key caller rsa:2048 tls-client
tls_cert caller
publish web_server.js <"$flow/web_server.js"
port=$(free_port)

for key in ec rsa; do
    start_program nobody "$T/server.log" node --openssl-shared-config "$P/web_server.js" serve "$port" "$P/$key.chain" \
        "$P/$key.pem"
    await_port "$port" "$started" || not_ok 'node starts' "$(<"$T/server.log")"
    is 'node is nobody' "$(user_of "$started")" nobody
    handshakes node "$port" $key
    pages "node, $key" "$port" 'hello from node'
    crowd "node, $key" "$port"
    [ $key != ec ] || agent_comes_back node "$port" ec
    stop_program "$started"
done

# A server in software that asks for a certificate.
openssl req -newkey rsa:2048 -nodes -keyout "$P/plain.key" -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    2>/dev/null | openssl x509 -req -CA "$P/test-ca.crt" -CAkey "$T/test-ca.key" -days 2 -copy_extensions copy \
    2>/dev/null | publish plain.crt
openssl s_server -accept "127.0.0.1:$port" -cert "$P/plain.crt" -key "$P/plain.key" -cert_chain "$P/test-ca.crt" \
    -CAfile "$P/test-root.crt" -Verify 3 -verify_return_error -quiet -www >"$T/server.log" 2>&1 </dev/null &
started=$!
track $started
await_port "$port" "$started" || not_ok 's_server starts' "$(<"$T/server.log")"
ask() { # CERTIFICATE KEY
    with_provider as_user nobody node --openssl-shared-config "$P/web_server.js" ask "https://localhost:$port/" \
        "$P/test-root.crt" "$P/$1.chain" "$P/$2.pem" 2>&1
}
like 'node presents a certificate' "$(ask caller caller)" '*Client certificate*Subject: CN=localhost*'
unlike 'and no other' "$(ask caller other)" '*Client certificate*'
stop_program "$started"
done_testing
