# SPDX-License-Identifier: Apache-2.0
# What the scripts of this folder share. Each runs in an empty directory, as the operator of one ecosystem's systems would,
# from an empty token to certificates that are served and renewed; the pages of docs/ quote them.
#
# They are told: MODULE (a PKCS#11 module that finds an empty token), PROVIDER (OpenSSL's provider hsmagent), PYTHON,
# ISSUE (a command: ISSUE USAGE CSR prints the certificate and its CA's, as a portal gives them), ROOT (that CA's root),
# BUNDLE (issuing CA and root), PUBLISH (how long a new key is published before it signs; 10m by the rules, less in a test).
set -eu -o pipefail
umask 077
export HSM_AGENT_SOCKET=$PWD/agent.sock OPENSSL_CONF=$PWD/openssl.cnf
: "${PUBLISH:=10m}"

step() { # TEXT
    echo "# $1"
}

check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >check.out 2>&1; then
        echo "ok $name"
    else
        echo "not ok $name"
        sed 's/^/# /' check.out
    fi
}

# The command is refused, and says that.
refused() { # NAME PATTERN COMMAND...
    local name=$1 pattern=$2
    shift 2
    # shellcheck disable=SC2053
    if ! "$@" >check.out 2>&1 && [[ $(<check.out) == $pattern ]]; then
        echo "ok $name"
    else
        echo "not ok $name"
        sed 's/^/# /' check.out
    fi
}

# What is sent to the ecosystem's portal, and comes back.
portal() { # USAGE[:DAYS] NAME...: NAME.csr becomes NAME.cer
    local usage=$1 name
    shift
    for name in "$@"; do
        $ISSUE "$usage" "$name.csr" >"$name.cer"
    done
}

until_it_is() { # COMMAND...: within a minute
    local tries=600
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}

agent=
server=
stop() { # PID
    [ -z "$1" ] || { kill "$1" && wait "$1" || true; }
}
trap 'stop "$server"; stop "$agent"' EXIT

start_agent() {
    hsm-agentd -c agent.conf >agent.log 2>&1 &
    agent=$!
    until_it_is hsm-agent status
    # Of the programs below, this is what /etc/ssl/openssl.cnf or a unit's Environment= would have.
    OPENSSL_CONF='' hsm-agent openssl-conf --module "$PROVIDER" -o openssl.cnf
}

port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
serving() {
    (: <"/dev/tcp/127.0.0.1/$port")
}

# A TLS server in the place of nginx, with files as nginx has them: NAME.pem and NAME.key. It wants certificates of clients.
serve() { # NAME
    stop "$server"
    openssl s_server -accept "127.0.0.1:$port" -cert "$1.pem" -cert_chain "$1.pem" -key "$1.key" -CAfile "$ROOT" -Verify 2 -www \
        >server.log 2>&1 </dev/null &
    server=$!
    until_it_is serving
}

# A request to that server, in the name of HOST.
call() { # HOST [CURL OPTION...]
    local host=$1
    shift
    curl -sS -m 30 --cacert "$ROOT" --resolve "$host:$port:127.0.0.1" "$@" "https://$host:$port/" -o answer
}

# The serial number of the certificate in a file; of several, the first.
serial() { # FILE
    openssl x509 -in "$1" -noout -serial
}
served_serial() { # HOST CLIENT: as a client with CLIENT.pem and CLIENT.key sees it
    openssl s_client -connect "127.0.0.1:$port" -servername "$1" -cert "$2.pem" -key "$2.key" </dev/null 2>/dev/null |
        openssl x509 -noout -serial
}
