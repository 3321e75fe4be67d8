# SPDX-License-Identifier: Apache-2.0
# What the tests of servers share, sourced after tls_lib.sh: an agent with a key of each type, and what each server is
# to do with them.

# The keys ec and rsa with certificates, other without, and an agent a at which USER may sign handshakes, and nobody
# else may. More lines are added to its configuration.
make_server_agent() { # USER [LINE...]
    local user=$1
    shift
    make_tls_agent a "$user=*:tls"
    [ $# = 0 ] || printf '%s\n' "$@" >>"$T/a/agent.conf"
    start_agent a || done_testing
    make_ca
    tls_key ec ec:p256 tls-server
    tls_cert ec
    tls_key rsa rsa:2048 tls-server
    tls_cert rsa
    tls_key other ec:p256 tls-server
}

# A sample of hsm-config, changed by arguments for sed.
sample() { # FILE ARGUMENT...
    local file=$1
    shift
    sed "$@" "$flow/../../hsm-config/$file"
}

# A directory $P/jail for a program that changes its root, and $P/jail.cnf, openssl.cnf with the socket's name in there.
# The agent's socket, which comes later, gets its group from the directory.
make_jail() { # GROUP
    install -d -m 0755 "$P/jail"
    install -d -g "$1" -m 2750 "$P/jail/hsm-agent"
    sed "s|^socket = .*|socket = /hsm-agent/agent.sock|" "$P/openssl.cnf" | publish jail.cnf
}

# For programs that stand in front of another one: $backend is the port of one that answers `behind`.
backend=
serve_backend() {
    backend=$(free_port)
    install -d -m 0755 "$P/www"
    echo behind | publish www/index.html
    start_program nobody "$T/backend.log" "$public_python" -m http.server --bind 127.0.0.1 --directory "$P/www" \
        "$backend"
    await_port "$backend" "$started" || not_ok 'what is behind starts' "$(<"$T/backend.log")"
}

# Tests: both versions of TLS, with each way in which a key of that type signs.
handshakes() { # NAME PORT ec|rsa [OPTION of s_client...]
    local name="$1, $3" port=$2 type=$3
    shift 3
    if [ "$type" = ec ]; then
        handshake "$name, TLS 1.2, ECDSA" "$port" tls1_2 ecdsa_secp256r1_sha256 "$@"
        handshake "$name, TLS 1.3, ECDSA" "$port" tls1_3 ecdsa_secp256r1_sha256 "$@"
    else
        handshake "$name, TLS 1.2, PKCS#1" "$port" tls1_2 rsa_pkcs1_sha256 "$@"
        handshake "$name, TLS 1.2, PSS" "$port" tls1_2 rsa_pss_rsae_sha256 "$@"
        handshake "$name, TLS 1.3, PSS" "$port" tls1_3 rsa_pss_rsae_sha256 "$@"
    fi
}

# A page by HTTPS, over a connection of its own; curl wants the right name and the chain to the root.
page() { # PORT [OPTION of curl...]
    local port=$1
    shift
    curl -sS -m 30 --cacert "$P/test-root.crt" "$@" "https://localhost:$port/"
}

# Tests: the page by curl, both versions of TLS.
pages() { # NAME PORT CONTENT
    is "$1, curl, TLS 1.2" "$(page "$2" --tlsv1.2 --tls-max 1.2 2>&1)" "$3"
    is "$1, curl, TLS 1.3" "$(page "$2" --tlsv1.3 2>&1)" "$3"
}

# A test: 64 full handshakes, 16 at one time.
crowd() { # NAME PORT
    local answers
    answers=$(curl -sS -Z --parallel-max 16 -m 30 --no-sessionid -H 'Connection: close' --cacert "$P/test-root.crt" \
        -o /dev/null -w '%{http_code} %{num_connects}\n' "https://localhost:$2/?[1-64]" 2>"$T/crowd.err" |
        sort | uniq -c | tr -s ' ')
    if [ "$answers" = ' 64 200 1' ]; then
        ok "$1, 64 connections"
    else
        not_ok "$1, 64 connections" "got (times, status, connections):$answers" "$(<"$T/crowd.err")"
    fi
}

# Tests: without the agent handshakes fail, and with it they don't, while the server stays what it is.
agent_comes_back() { # NAME PORT ec|rsa [OPTION of s_client...]
    local name=$1 port=$2 type=$3
    shift 3
    stop_agent a
    no_handshake "$name, no agent" "$port" tls1_3 '*' "$@"
    start_agent a
    handshakes "$name, the agent is back" "$port" "$type" "$@"
}
