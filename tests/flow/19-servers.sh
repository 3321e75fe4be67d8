#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The servers that come with OpenSSL and Python, as a user with no other rights than to sign handshakes.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/servers_lib.sh"

need_programs openssl curl "$public_python"
need_user nobody

make_public
make_server_agent nobody
port=$(free_port)
publish web_server.py <"$flow/web_server.py"

serve() { # NAME COMMAND...
    local name=$1
    shift
    start_program nobody "$T/server.log" "$@"
    await_port "$port" "$started" || not_ok "$name starts" "$(<"$T/server.log")"
}

unserve() {
    stop_program "$started"
    await 20 port_is_closed "$port" || not_ok 'the server ends'
}

for key in ec rsa; do
    serve s_server openssl s_server -accept "127.0.0.1:$port" -cert "$P/$key.crt" -cert_chain "$P/test-ca.crt" \
        -key "$P/$key.pem" -quiet -www
    is 's_server is nobody' "$(user_of "$started")" nobody
    handshakes s_server "$port" $key
    like "s_server, $key, curl, TLS 1.2" "$(page "$port" --tlsv1.2 --tls-max 1.2 2>&1)" '*Protocol  : TLSv1.2*'
    like "s_server, $key, curl, TLS 1.3" "$(page "$port" --tlsv1.3 2>&1)" '*Protocol  : TLSv1.3*'
    [ $key != ec ] || agent_comes_back s_server "$port" ec
    unserve

    serve python "$public_python" "$P/web_server.py" "$port" "$P/$key.chain" "$P/$key.pem"
    is 'python is nobody' "$(user_of "$started")" nobody
    handshakes python "$port" $key
    pages "python, $key" "$port" 'hello from python'
    crowd "python, $key" "$port"
    [ $key != ec ] || agent_comes_back python "$port" ec
    unserve
done

fails 'python refuses a key of another certificate' 1 '*MISMATCH*' as_user nobody env "OPENSSL_CONF=$P/openssl.cnf" \
    "$public_python" "$P/web_server.py" "$port" "$P/ec.chain" "$P/other.pem"

done_testing
