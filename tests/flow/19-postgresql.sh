#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL with the sample's settings, a process a connection, as the user postgres; psql wants the right name.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/tls_lib.sh"
. "$flow/servers_lib.sh"

for directory in /usr/lib/postgresql/*/bin; do
    PATH=$PATH:$directory
done
need_programs initdb postgres psql
need_user postgres

make_public
make_server_agent postgres
port=$(free_port)
install -d -o postgres -g postgres -m 0700 "$P/data"
as_user postgres initdb -D "$P/data" --no-sync -A trust -U postgres -E UTF8 --no-locale >"$T/initdb.log" 2>&1 ||
    not_ok 'a cluster is made' "$(<"$T/initdb.log")"
sample postgresql.conf "s|/etc/postgresql/15/main|$P|" | publish hsm-agent.conf
cat >>"$P/data/postgresql.conf" <<CONF
include '$P/hsm-agent.conf'
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
fsync = off
CONF

# Certificate and reference of KEY, with the owner and mode that the sample says.
use() { # KEY [MODE]
    publish edge.chain <"$P/$1.chain"
    install -o root -g postgres -m "${2:-0640}" "$P/$1.pem" "$P/edge.pem"
}

ask() { # VERSION [CA]
    PGCONNECT_TIMEOUT=30 psql -XAtc 'select version from pg_stat_ssl where ssl and pid = pg_backend_pid()' \
        "host=localhost port=$port user=postgres dbname=postgres sslmode=verify-full \
        sslrootcert=${2:-$P/test-root.crt} ssl_min_protocol_version=$1 ssl_max_protocol_version=$1" 2>&1
}

asked() { # NAME
    is "$1, psql with sslmode=verify-full, TLS 1.2" "$(ask TLSv1.2)" TLSv1.2
    is "$1, psql with sslmode=verify-full, TLS 1.3" "$(ask TLSv1.3)" TLSv1.3
}

use ec
start_program postgres "$T/postgres.log" postgres -D "$P/data"
ready() {
    gone "$started" || [ "$(ask TLSv1.3)" = TLSv1.3 ]
}
await 30 ready || not_ok 'PostgreSQL starts' "$(<"$T/postgres.log")"
is 'PostgreSQL is postgres' "$(user_of "$started")" postgres
handshakes PostgreSQL "$port" ec -starttls postgres
asked 'PostgreSQL, ec'
like 'psql refuses a chain to another root' "$(ask TLSv1.3 "$P/rsa.crt")" '*certificate verify failed*'
agent_comes_back PostgreSQL "$port" ec -starttls postgres

said() { # PATTERN of grep
    grep -q "$1" "$T/postgres.log"
}
use rsa 0644
kill -HUP "$started"
await 20 said 'edge.pem.*has group or world access'
is 'PostgreSQL minds the mode of the reference' $? 0
handshakes 'PostgreSQL keeps the old key' "$port" ec -starttls postgres

has_rsa() {
    connect "$port" -tls1_2 -sigalgs rsa_pkcs1_sha256 -starttls postgres | grep -qx 'Peer signature type: RSA'
}
use rsa
kill -HUP "$started"
await 20 has_rsa
handshakes 'PostgreSQL after a reload' "$port" rsa -starttls postgres
asked 'PostgreSQL, rsa'
no_handshake 'PostgreSQL, RSA key exchange' "$port" tls1_2 '*handshake failure*' -starttls postgres -cipher kRSA
stop_program "$started"

done_testing
