#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nginx, unmodified, with keys of the agent: as the sample has it, through reloads, upgrades, and an agent that goes and
# comes.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "${srcdir:-.}/tests/flow/tls_lib.sh" || exit 99

need_programs nginx curl
need_user www-data
make_public
make_tls_agent a 'www-data=edge-*:tls' 'www-data=endpoint:tls'
start_agent a || done_testing

make_ca
make_ca partner
for pair in edge-ec:ec:p256 edge-rsa:rsa:2048 endpoint:rsa:2048; do
    tls_key "${pair%%:*}" "${pair#*:}" tls-server
    tls_cert "${pair%%:*}" usage=serverAuth
done

port=$(free_port)
endpoint=$(free_port)
nginx_conf nginx.conf "$port" "$endpoint"

# --- Loading

fails 'without OPENSSL_CONF nginx takes no reference for a key' 1 '*cannot load certificate key*' \
    nginx -t -c "$P/nginx.conf"
succeeds 'nginx -t' test_nginx nginx.conf
nginx_conf wrong.conf "$port" "$endpoint" "s|edge-rsa.chain|endpoint.chain|"
fails 'nginx -t refuses the certificate of another key' 1 '*SSL_CTX_use_PrivateKey*edge-rsa.pem*mismatch*' \
    test_nginx wrong.conf
sed 's/^MI/MJ/' "$P/edge-rsa.pem" | publish torn.pem
nginx_conf torn.conf "$port" "$endpoint" "s|edge-rsa.pem|torn.pem|"
fails 'and a torn reference' 1 '*cannot load certificate key*torn.pem*' test_nginx torn.conf

start_nginx nginx.conf "$port" || { not_ok 'nginx starts' "$(<"$T/nginx.log")"; done_testing; }

workers() { # the processes of the master that serve: not those that are shutting down
    local pid
    for pid in $(children_of "$nginx"); do
        ! grep -aq '^nginx: worker process$' <(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null) || echo "$pid"
    done
}
two_workers() {
    [ "$(workers | wc -l)" = 2 ]
}
await 20 two_workers
is 'there are two workers' "$(workers | wc -l)" 2
is 'the master is root' "$(user_of "$nginx")" root
for pid in $(workers); do
    is 'a worker is www-data' "$(user_of "$pid")" www-data
done

# --- Handshakes. The agent signs for www-data only: a signature is a worker's.

served() {
    handshake 'TLS 1.3, RSA-PSS' "$port" tls1_3 rsa_pss_rsae_sha256
    handshake 'TLS 1.3, ECDSA P-256' "$port" tls1_3 ecdsa_secp256r1_sha256
    handshake 'TLS 1.2, RSA PKCS#1' "$port" tls1_2 rsa_pkcs1_sha256
    handshake 'TLS 1.2, RSA-PSS' "$port" tls1_2 rsa_pss_rsae_sha256
    handshake 'TLS 1.2, ECDSA P-256' "$port" tls1_2 ecdsa_secp256r1_sha256
}
served
handshake 'TLS 1.2, RSA PKCS#1 with SHA-512' "$port" tls1_2 rsa_pkcs1_sha512
handshake 'TLS 1.3, RSA-PSS with SHA-384' "$port" tls1_3 rsa_pss_rsae_sha384
no_handshake 'the sample offers no RSA key exchange' "$port" tls1_2 '*handshake failure*' -cipher kRSA
get() { # OPTION...: what curl has of the web server
    curl -sS --max-time 30 --cacert "$P/test-root.crt" "$@" "https://localhost:$port/" 2>&1
}
is 'curl, TLS 1.3' "$(get --tlsv1.3)" hello
is 'curl, TLS 1.2' "$(get --tls-max 1.2)" hello
is 'curl, TLS 1.2, RSA' "$(get --tls-max 1.2 --ciphers ECDHE-RSA-AES128-GCM-SHA256)" hello
unlike 'the agent has refused nobody' "$(<"$T/a/log")" '*refused*'

# --- Load: tls_load.py has a line in $T/load for each handshake, when it was begun and over, and how.

load=
start_load() {
    : >"$T/load"
    "$python" "$flow/tls_load.py" "$port" "$P/test-root.crt" 200 "$T/load" 2>"$T/load.err" &
    load=$!
    track $load
}
stop_load() {
    kill -TERM "$load"
    wait "$load"
    is 'the load client ends well' "$? $(<"$T/load.err")" '0 '
    untrack "$load"
}
handshakes() { # ok|failed: how many until now
    grep -c " $1" "$T/load"
}
more_than() { # ok|failed N
    [ "$(handshakes "$1")" -gt "$2" ]
}
now() {
    date +%s.%N
}
rate() { # handshakes in each second of the load
    awk 'NR == 1 || $1 < first { first = $1 } $2 > last { last = $2 } END { printf "%d", NR / (last - first) }' \
        "$T/load"
}

reload_all() { # N: as many SIGHUPs, each with new workers and handshakes after it
    local turn before served
    for ((turn = 1; turn <= $1; turn++)); do
        before=$(workers)
        kill -HUP "$nginx"
        await 30 new_workers "$before" || return 1
        served=$(handshakes ok)
        await 30 more_than ok $((served + 20)) || return 1
    done
}
new_workers() { # BEFORE: there are two, and none of them is an old one
    two_workers && ! grep -qxF "$1" <(workers)
}
start_load
await 30 more_than ok 20
succeeds 'SIGHUP 20 times under load, each time with new workers and handshakes' reload_all 20
stop_load
is 'no handshake failed meanwhile' "$(grep -vc ' ok$' "$T/load")" 0
diag "$(handshakes ok) handshakes at $(rate)/s during 20 reloads, $(grep -vc ' ok$' "$T/load") failed"
for pid in $(workers); do
    is 'a worker is www-data' "$(user_of "$pid")" www-data
done

# --- The agent goes and comes

master=$nginx
start_load
await 30 more_than ok 100
stopping=$(now)
ends_well a
stopped=$(now)
await 30 more_than failed 20 || not_ok 'handshakes fail without an agent'
fails 'a handshake fails at once' 35 '*' curl -sS --max-time 5 --cacert "$P/test-root.crt" "https://localhost:$port/"
is 'nginx is still there' "$(gone "$master" || echo there)" there
starting=$(now)
start_agent a
serving=$(now)
before=$(handshakes ok)
await 30 more_than ok $((before + 100)) || not_ok 'handshakes succeed again'
stop_load
in_window() { # CONDITION on begun, over and good: how many handshakes
    awk -v stopping="$stopping" -v stopped="$stopped" -v starting="$starting" -v serving="$serving" \
        '{ begun = $1; over = $2; good = $3 == "ok" } '"$1"' { n++ } END { print n + 0 }' "$T/load"
}
is 'no handshake failed before the agent was stopped' "$(in_window '!good && over < stopping')" 0
is 'no handshake succeeded while there was no agent' "$(in_window 'good && begun > stopped && over < starting')" 0
is 'no handshake failed after the agent was back' "$(in_window '!good && begun > serving')" 0
diag "$(handshakes ok) handshakes and $(handshakes failed) failures at $(rate)/s, the agent being away for $(
    awk "BEGIN { printf \"%.1f\", $serving - $stopping }") s"
succeeds 'the error log has the reason' \
    grep -q "SSL_do_handshake() failed.*edge-ec.*can't connect to $P/agent.sock" "$T/nginx-error.log"
served
is 'it is still the same nginx' "$(gone "$master" || cat "$P/nginx.pid")" "$master"

ends_well a
succeeds 'nginx -t while the agent is down' test_nginx nginx.conf
fails 'which finds a wrong certificate all the same' 1 '*mismatch*' test_nginx wrong.conf
stop_program "$nginx"
start_nginx nginx.conf "$port"
is 'nginx starts while the agent is down' $? 0
no_handshake 'a handshake fails' "$port" tls1_3 '*alert*'
start_agent a
succeeds 'and works when the agent is there' get

# --- SIGUSR2: a new binary by the old one's environment

replaced() { # the new master is there and listens with the old one
    [ -s "$P/nginx.pid.oldbin" ] && [ -s "$P/nginx.pid" ] && [ "$(<"$P/nginx.pid")" != "$nginx" ]
}
old=$nginx
kill -USR2 "$old"
await 30 replaced || { not_ok 'the new nginx starts' "$(tail -n 3 "$T/nginx-error.log")"; done_testing; }
nginx=$(<"$P/nginx.pid")
track "$nginx"
await 20 two_workers
kill -QUIT "$old"
await 30 gone "$old"
untrack "$old"
is 'a new binary has taken over' "$(gone "$nginx" || cat "$P/nginx.pid")" "$nginx"
served
stop_program "$nginx"

nginx_conf bare.conf "$port" "$endpoint" '/^env /d'
start_nginx bare.conf "$port" || not_ok 'nginx starts without env OPENSSL_CONF' "$(<"$T/nginx.log")"
kill -USR2 "$nginx"
has_failed() {
    grep -q 'cannot load certificate key' "$T/nginx-error.log"
}
await 30 has_failed
succeeds 'without env OPENSSL_CONF the new binary has no keys' has_failed
succeeds 'and the old one goes on' get
stop_program "$nginx"

unlike 'the agent has refused nobody until the end' "$(<"$T/a/log")" '*refused*'
done_testing
