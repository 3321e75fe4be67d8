#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# stunnel as in the sample: it reads as root, then changes its root and becomes stunnel4.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/servers_lib.sh"

need_programs stunnel4 curl
need_user stunnel4

make_public
make_jail stunnel4
make_server_agent stunnel4 '[listen stunnel]' "socket = $P/jail/hsm-agent/agent.sock"
serve_backend
port=$(free_port)

# As root's: mode 0600, so that only the read as root can succeed.
chmod 0600 "$P/ec.pem" "$P/rsa.pem"

configure() { # KEY [ARGUMENT of sed...]
    local key=$1
    shift
    sample stunnel.conf -e "s|/var/lib/stunnel4|$P/jail|" -e "s|/etc/stunnel/edge|$P/$key|" \
        -e "s|accept = 443|accept = 127.0.0.1:$port|" -e "s|127.0.0.1:8080|127.0.0.1:$backend|" "$@" |
        publish stunnel.conf
}

serve() { # NAME [CONFIGURATION of OpenSSL]
    start_program root "$T/stunnel.log" env "OPENSSL_CONF=$P/${2:-jail.cnf}" stunnel4 "$P/stunnel.conf"
    await_port "$port" "$started" || not_ok "$1 starts" "$(<"$T/stunnel.log")"
}

unserve() {
    stop_program "$started"
    await 20 port_is_closed "$port" || not_ok 'stunnel ends'
}

configure ec
serve stunnel
handshakes stunnel "$port" ec
pages stunnel "$port" behind
crowd stunnel "$port"
is 'stunnel is stunnel4' "$(user_of "$started")" stunnel4
is 'it is in its jail' "$(readlink "/proc/$started/root")" "$P/jail"
agent_comes_back stunnel "$port" ec
unserve

configure rsa
serve stunnel
handshakes stunnel "$port" rsa
pages stunnel "$port" behind
no_handshake 'stunnel, RSA key exchange' "$port" tls1_2 '*handshake failure*' -cipher kRSA
unserve

# Without a jail it is the agent's own socket; the user is still the one that stunnel has become.
configure ec -e '/^chroot/d'
serve 'stunnel without a jail' openssl.cnf
handshakes 'stunnel without a jail' "$port" ec
unserve

configure ec -e "s|^key = .*|key = $P/other.pem|"
start_program root "$T/stunnel.log" env "OPENSSL_CONF=$P/jail.cnf" stunnel4 "$P/stunnel.conf"
await 20 gone "$started" || not_ok 'stunnel ends by itself'
wait "$started"
is 'stunnel refuses a key of another certificate' $? 1
like 'with words' "$(<"$T/stunnel.log")" '*mismatch*'

done_testing
