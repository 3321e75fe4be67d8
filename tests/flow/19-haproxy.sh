#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# haproxy as in the sample: four threads in a jail, as the user haproxy, with and without ssl-mode-async.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/servers_lib.sh"

need_programs haproxy curl
need_user haproxy

make_public
make_jail haproxy
make_server_agent haproxy '[listen haproxy]' "socket = $P/jail/hsm-agent/agent.sock"
serve_backend
port=$(free_port)
for key in ec rsa; do
    publish $key.chain.key <"$P/$key.pem"
done

# $P/KEY.cfg from the sample; more arguments change it further.
configure() { # KEY [ARGUMENT of sed...]
    local key=$1
    shift
    sample haproxy.cfg -e "s|/var/lib/haproxy|$P/jail|" -e "s|/etc/haproxy/tls/edge|$P/$key|" \
        -e "s|bind :443|bind 127.0.0.1:$port|" -e "s|127.0.0.1:8080|127.0.0.1:$backend|" \
        -e 's|log /dev/log|log stderr format raw|' "$@" | publish "$key.cfg"
}

haproxy() { # ARGUMENT...
    OPENSSL_CONF=$P/jail.cnf command haproxy "$@"
}

# The master stays root outside; the worker is whom it concerns.
worker() {
    children_of "$started" | awk '{ print $NF }'
}

serve() { # NAME KEY
    start_program root "$T/haproxy.log" env "OPENSSL_CONF=$P/jail.cnf" haproxy -W -db -f "$P/$2.cfg"
    await_port "$port" "$started" || not_ok "$1 starts" "$(<"$T/haproxy.log")"
}

unserve() {
    stop_program "$started"
    await 20 port_is_closed "$port" || not_ok 'haproxy ends'
}

configure ec
serve haproxy ec
handshakes haproxy "$port" ec
pages haproxy "$port" behind
crowd haproxy "$port"
is 'the worker is haproxy' "$(user_of "$(worker)")" haproxy
is 'it is in its jail' "$(readlink "/proc/$(worker)/root")" "$P/jail"
is 'it has four threads' "$(ls "/proc/$(worker)/task" | wc -l)" 4
agent_comes_back haproxy "$port" ec

# The worker before the reload goes when its connections have.
old=$(worker)
reloaded() {
    gone "$old" && [ -n "$(worker)" ] && port_is_open "$port"
}
kill -USR2 "$started"
await 20 reloaded || not_ok 'haproxy reloads' "$(<"$T/haproxy.log")"
handshakes 'haproxy after a reload' "$port" ec
unserve

configure rsa
serve haproxy rsa
handshakes haproxy "$port" rsa
pages haproxy "$port" behind
crowd 'haproxy, rsa' "$port"
no_handshake 'haproxy, RSA key exchange' "$port" tls1_2 '*handshake failure*' -cipher kRSA
unserve

configure rsa -e /ssl-mode-async/d
serve 'haproxy, blocking' rsa
handshakes 'haproxy, blocking' "$port" rsa
crowd 'haproxy, blocking, rsa' "$port"
unserve

succeeds 'haproxy -c finds certificate and key together' haproxy -c -f "$P/rsa.cfg"
stop_agent a
succeeds 'it asks no agent for that' haproxy -c -f "$P/rsa.cfg"
publish ec.chain.key <"$P/other.pem"
fails 'and another key apart' 1 '*inconsistenc*' haproxy -c -f "$P/ec.cfg"

done_testing
