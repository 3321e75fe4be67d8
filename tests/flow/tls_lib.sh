# SPDX-License-Identifier: Apache-2.0
# What the tests of TLS programs share, sourced after lib.sh: a directory that those programs' own users can read, an
# agent with a socket in it, a CA, keys with certificates, programs run as other users, handshakes judged by openssl.
#
#   need_programs nginx curl
#   make_public
#   make_tls_agent a www-data=edge:tls; start_agent a || done_testing
#   make_ca; tls_key edge ec:p256 tls-server; tls_cert edge
#   start_program root "$T/nginx.log" nginx -c "$P/nginx.conf"; await_port "$port" $started || not_ok 'nginx starts'
#   handshake 'nginx, TLS 1.3' "$port" tls1_3 ecdsa_secp256r1_sha256

PATH=$PATH:/usr/sbin:/sbin

# Programs that become other users are started by root, and the provider that they load has no sanitizer in front of it.
need_programs() { # PROGRAM...: the whole test is skipped unless all of it is there
    local program
    [ "$(id -u)" = 0 ] || skip_all 'starting programs as other users takes root'
    [ "$sanitized" = no ] || skip_all 'a sanitized module needs sanitized programs'
    case $(openssl version) in
    'OpenSSL 3.'*) ;;
    *) skip_all "$(openssl version) has no providers" ;;
    esac
    for program in "$@"; do
        command -v "$program" >/dev/null || skip_all "$program isn't installed"
    done
}

need_user() { # USER
    id "$1" >/dev/null 2>&1 || skip_all "there is no user $1"
}

# --- The public directory: $T is closed to everybody else.

P=

# $P, with the provider and an openssl.cnf that is the sample. It goes when the test ends.
make_public() {
    P=$(mktemp -d /tmp/hsm-agent-tls.XXXXXX) || exit 99
    chmod 0755 "$P"
    install -m 0755 "$bin/.libs/hsmagent.so" "$P/hsmagent.so"
    sed -e "s|^module = .*|module = $P/hsmagent.so|" -e "s|^# socket = .*|socket = $P/agent.sock|" \
        "$flow/../../hsm-config/openssl.cnf" >"$P/openssl.cnf"
    chmod 0644 "$P/openssl.cnf"
    trap clean_up_public EXIT
}

# A test that ends in the middle of an upgrade of nginx tracks only one of the masters.
clean_up_public() {
    local file
    clean_up
    for file in "$P"/nginx.pid*; do
        [ ! -s "$file" ] || end "$(<"$file")"
    done
    rm -rf "$P"
}

publish() { # FILE: standard input becomes a file in $P that everybody can read
    cat >"$P/$1"
    chmod 0644 "$P/$1"
}

# --- Agents, certificates, keys

# An agent as make_agent's, and a socket $P/agent.sock at which each USER has exactly what is said. The test itself,
# root, makes keys and CSRs, but signs nothing: a signature is one of those users'.
make_tls_agent() { # NAME USER=RULE... for example www-data=edge:tls; a user may be there again, with another rule
    local name=$1 pair number=0 lines=()
    shift
    for pair in "$@"; do
        number=$((number + 1))
        lines+=("end:[client program-$number]" "end:user = ${pair%%=*}" "end:allow = ${pair#*=}")
    done
    make_agent "$name" 'end:[listen public]' "end:socket = $P/agent.sock" 'end:mode = 0666' \
        ${lines[@]+"${lines[@]}"} &&
        sed -i 's/^allow = \*:\*$/allow = *:show,csr,create,delete/' "$T/$name/agent.conf"
}

# A root and an issuing CA below it, with keys in software: $P/NAME-root.crt, $P/NAME-ca.crt, both: $P/NAME-bundle.crt.
make_ca() { # [NAME]: test
    local name=${1:-test}
    cat >"$T/ca.cnf" <<'CNF'
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF
    openssl req -x509 -config "$T/ca.cnf" -extensions root -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -keyout "$T/$name-root.key" -subj "/O=$name/CN=$name root" -days 30 2>"$T/ca.log" | publish "$name-root.crt" &&
        openssl req -new -config "$T/ca.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout "$T/$name-ca.key" -subj "/O=$name/CN=$name issuing" -out "$T/$name-ca.csr" 2>>"$T/ca.log" &&
        openssl x509 -req -in "$T/$name-ca.csr" -CA "$P/$name-root.crt" -CAkey "$T/$name-root.key" -days 20 \
            -set_serial "0x$(openssl rand -hex 8)" -extfile "$T/ca.cnf" -extensions issuing 2>>"$T/ca.log" |
        publish "$name-ca.crt" && cat "$P/$name-ca.crt" "$P/$name-root.crt" | publish "$name-bundle.crt" ||
        not_ok "the CA $name is made" "$(<"$T/ca.log")"
}

# A key of the running agent's, and its reference $P/NAME.pem.
tls_key() { # NAME TYPE PURPOSE, for example edge rsa:2048 tls-server
    hsm_agent key create "$1" --type "$2" --purpose "$3" >"$T/key.log" 2>&1 &&
        hsm_agent pem "$1" 2>>"$T/key.log" | publish "$1.pem" || not_ok "the key $1 is made" "$(<"$T/key.log")"
}

# A certificate for a key: $P/NAME.crt is the leaf, $P/NAME.chain the leaf and the issuing CA, as servers send it.
#   subject=DN (CN=localhost)  san=LIST of openssl (DNS:localhost,IP:127.0.0.1; empty: none)  days=N (10)
#   usage=LIST of openssl (serverAuth,clientAuth)  ca=NAME (test)  key=KEY: the agent's key, if it isn't NAME
tls_cert() { # NAME [subject=...] [san=...] [usage=...] [days=...] [ca=...] [key=...]
    local name=$1 subject=CN=localhost san=DNS:localhost,IP:127.0.0.1 usage=serverAuth,clientAuth days=10 ca=test key=$1
    shift
    [ $# = 0 ] || local "$@"
    {
        printf '[leaf]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n'
        printf 'subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\nextendedKeyUsage = %s\n' "$usage"
        [ -z "$san" ] || printf 'subjectAltName = %s\n' "$san"
    } >"$T/leaf.cnf"
    hsm_agent csr "$key" --subject "$subject" -o "$T/$name.csr" >"$T/cert.log" 2>&1 &&
        openssl x509 -req -in "$T/$name.csr" -CA "$P/$ca-ca.crt" -CAkey "$T/$ca-ca.key" -days "$days" \
            -set_serial "0x$(openssl rand -hex 8)" -extfile "$T/leaf.cnf" -extensions leaf 2>>"$T/cert.log" |
        publish "$name.crt" && cat "$P/$name.crt" "$P/$ca-ca.crt" | publish "$name.chain" ||
        not_ok "the certificate $name is made" "$(<"$T/cert.log")"
}

# --- Ports

# A port that is free on 127.0.0.1: below those that connections get, so that it stays free while its server restarts.
free_port() {
    "$python" -c '
import random, socket
while True:
    port = random.randrange(15000, 32000)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break'
}

port_is_open() { # PORT
    (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

port_is_settled() { # PORT [PID]
    port_is_open "$1" || { [ $# -gt 1 ] && gone "$2"; }
}

# Until somebody listens. Fails when the process ends instead.
await_port() { # PORT [PID]
    await 30 port_is_settled "$@" && port_is_open "$1"
}

port_is_closed() { # PORT
    ! port_is_open "$1"
}

# --- Programs

# The test's own python may be where only root can read.
public_python=/usr/bin/python3

# In $P, without the socket's name in the environment. With keys: with_provider as_user USER COMMAND...
as_user() { # USER COMMAND...
    local user=$1
    shift
    (cd "$P" && exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups \
        env -u HSM_AGENT_SOCKET "HOME=$P" "$@")
}

with_provider() { # COMMAND...
    OPENSSL_CONF=$P/openssl.cnf "$@"
}

started=

# Starts a program that stays in the foreground, with the provider, in $P; $started is its process, which is ended with
# the test.
start_program() { # USER LOG COMMAND...
    local user=$1 log=$2
    shift 2
    (cd "$P" && exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups \
        env -u HSM_AGENT_SOCKET "HOME=$P" "OPENSSL_CONF=$P/openssl.cnf" "$@") >"$log" 2>&1 </dev/null &
    started=$!
    track $started
}

stop_program() { # PID
    end "$1"
    untrack "$1"
}

user_of() { # PID: the user that the process has become
    id -nu "$(sed -n 's/^Uid:[[:space:]]*[0-9]*[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$1/status")"
}

children_of() { # PID
    cat "/proc/$1/task/"*/children 2>/dev/null
}

# --- Handshakes

# A connection by openssl s_client, which trusts the test root and wants localhost; what it says is on standard output.
connect() { # PORT [OPTION...], for example -tls1_2 -sigalgs rsa_pkcs1_sha256
    local port=$1
    shift
    timeout 30 openssl s_client -connect "127.0.0.1:$port" -CAfile "$P/test-root.crt" -servername localhost \
        -verify_hostname localhost -verify_return_error "$@" </dev/null 2>&1
}

# What s_client calls a signature by that algorithm.
signature_type() { # SIGALG
    case $1 in
    rsa_pss_*) echo RSA-PSS ;;
    rsa_pkcs1_*) echo RSA ;;
    ecdsa_*) echo ECDSA ;;
    *) echo "$1" ;;
    esac
}

# A test: that version and no other, that signature and no other, the chain to the root, and Verify return code 0.
handshake() { # NAME PORT VERSION SIGALG [OPTION...], for example NAME PORT tls1_2 rsa_pkcs1_sha256
    local name=$1 port=$2 version=$3 algorithm=$4 said code type
    shift 4
    said=$(connect "$port" "-$version" -sigalgs "$algorithm" "$@")
    code=$?
    type=$(signature_type "$algorithm")
    if [ $code = 0 ] && grep -q '^ *Verify return code: 0 (ok)$' <<<"$said" &&
        grep -qx "Peer signature type: $type" <<<"$said" && grep -q "^New, TLSv1.${version#tls1_}, " <<<"$said"; then
        ok "$name"
    else
        not_ok "$name" "wanted: TLS $version, $type, Verify return code: 0" "$(tail -n 40 <<<"$said")"
    fi
}

# A test: a server is there, but TLS fails. Without a pattern for what s_client says, any failure of TLS will do.
no_handshake() { # NAME PORT VERSION [PATTERN] [OPTION...]
    local name=$1 port=$2 version=$3 pattern=${4:-*} said code
    shift 3
    [ $# = 0 ] || shift
    said=$(connect "$port" "-$version" "$@")
    code=$?
    # shellcheck disable=SC2053
    if [ $code != 0 ] && [ $code != 124 ] && [[ $said == *CONNECTED* ]] && [[ $said == $pattern ]]; then
        ok "$name"
    else
        not_ok "$name" "s_client ended with $code, wanted a failure like $pattern" "$(tail -n 40 <<<"$said")"
    fi
}

# --- nginx

# The sample as $P/FILE: two workers, keys in $P, logs in $T, its web server on PORT and its endpoint on ENDPOINT-PORT.
nginx_conf() { # FILE PORT ENDPOINT-PORT [SED-EXPRESSION...]
    local file=$1 port=$2 endpoint=$3 expression more=()
    shift 3
    for expression in "$@"; do
        more+=(-e "$expression")
    done
    sed -e 's|^worker_processes .*|worker_processes 2;|' -e "s|^pid .*|pid $P/nginx.pid;|" -e "s|/etc/nginx/tls/|$P/|" \
        -e "s|/var/log/nginx/|$T/nginx-|" -e "s|listen 443 |listen 127.0.0.1:$port |" \
        -e "s|listen 8443 |listen 127.0.0.1:$endpoint |" \
        -e "/^http {/a client_body_temp_path $P/body; proxy_temp_path $P/proxy; fastcgi_temp_path $P/fastcgi;" \
        -e "/^http {/a uwsgi_temp_path $P/uwsgi; scgi_temp_path $P/scgi;" ${more[@]+"${more[@]}"} \
        "$flow/../../hsm-config/nginx.conf" | publish "$file"
}

# As Debian's service does it, by a path that an upgrade finds again; $nginx is the master, its log $T/nginx-error.log.
# Fails when it doesn't start.
start_nginx() { # FILE PORT
    with_provider env -u HSM_AGENT_SOCKET "$(command -v nginx)" -c "$P/$1" >"$T/nginx.log" 2>&1 </dev/null &&
        await 30 test -s "$P/nginx.pid" || return
    nginx=$(<"$P/nginx.pid")
    track "$nginx"
    await_port "$2" "$nginx"
}

# What the master would say to that configuration.
test_nginx() { # FILE
    with_provider env -u HSM_AGENT_SOCKET nginx -t -c "$P/$1"
}
