#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hsm-agent tls check: servers with one fault each, and what it says of them.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

case $(openssl version) in
'OpenSSL 3.'*) ;;
*) skip_all "$(openssl version) can't make what is to be checked" ;;
esac
cd "$T" || exit 99
printf '[req]\ndistinguished_name = dn\n[dn]\n' >req.cnf
export OPENSSL_CONF=$T/req.cnf

# --- Certificates

new_key() { # NAME [ALGORITHM OPTION...]
    local name=$1
    shift
    openssl genpkey -algorithm "${1:-EC}" -pkeyopt "${2:-ec_paramgen_curve:P-256}" -out "$name.key" 2>>log ||
        not_ok "the key $name is made" "$(<log)"
}
certify() { # NAME SUBJECT ISSUER DAYS EXTENSIONS [OPTION...]: NAME.crt for NAME.key; ISSUER - : itself
    local name=$1 subject=$2 issuer=$3 days=$4 extensions=$5 by
    shift 5
    by=(-CA "$issuer.crt" -CAkey "$issuer.key")
    [ "$issuer" != - ] || by=(-signkey "$name.key")
    printf '%b' "$extensions" >"$name.ext"
    openssl req -new -utf8 -key "$name.key" -subj "$subject" -out "$name.csr" 2>>log &&
        openssl x509 -req -in "$name.csr" "${by[@]}" -set_serial "0x$(openssl rand -hex 8)" -days "$days" \
            -extfile "$name.ext" -out "$name.crt" "$@" 2>>log || not_ok "the certificate $name is made" "$(<log)"
}
ca='basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n'
server='subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1\nextendedKeyUsage = serverAuth\n'
new_key root
certify root '/C=AE/CN=Test Root' - 3650 "$ca"
new_key between
certify between '/C=AE/CN=Test Issuer' root 1000 "$ca"
new_key leaf RSA rsa_keygen_bits:2048
certify leaf /CN=localhost between 90 "${server}authorityInfoAccess = caIssuers;URI:http://pki.example/issuer.crt\n"
cat leaf.crt between.crt >chain.pem
cat leaf.crt root.crt between.crt >wrong-order.pem
cat leaf.crt between.crt root.crt >with-root.pem
cat root.crt between.crt >both.pem
{
    cat chain.pem
    for _ in {1..20}; do cat root.crt; done
} >long.pem

# --- Servers

pid=
port=
listening() {
    port=$(head -n 1 server.log)
    [ -n "$port" ] || gone "$pid"
}
serve() { # ARGUMENT...: of tls_server.py
    [ -z "$pid" ] || { end "$pid"; untrack "$pid"; }
    : >server.log
    "$python" "$flow/tls_server.py" "$@" >server.log 2>server.err </dev/null &
    pid=$!
    track $pid
    port=
    await 20 listening
    [ -n "$port" ] || not_ok "the server starts" "$*" "$(<server.err)"
}
serve_openssl() { # OPTION...: of s_server, which refuses by alerts
    [ -z "$pid" ] || { end "$pid"; untrack "$pid"; }
    : >server.openssl
    openssl s_server -accept 127.0.0.1:0 "$@" -www >server.openssl 2>server.err </dev/null &
    pid=$!
    track $pid
    port=
    openssl_listening() {
        port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' server.openssl)
        [ -n "$port" ] || gone "$pid"
    }
    await 20 openssl_listening
    [ -n "$port" ] || not_ok "s_server starts" "$*" "$(<server.err)"
}

# Runs a check of the server: $code, $out.
check() { # OPTION...
    out=$(timeout 100 "$bin/hsm-agent" tls check "localhost:$port" "$@" 2>&1)
    code=$?
}
# NAME STATUS PATTERN...: how the last check ended, and what stands in it. A pattern with a ! in front stands nowhere.
found() {
    local name=$1 wanted=$2 pattern
    shift 2
    [ "$code" = "$wanted" ] || { not_ok "$name" "ended with $code, wanted $wanted" "$out"; return; }
    for pattern; do
        # shellcheck disable=SC2053
        case $pattern in
        !*) [[ $out != *${pattern#!}* ]] || { not_ok "$name" "unwanted: $pattern" "$out"; return; } ;;
        *) [[ $out == *$pattern* ]] || { not_ok "$name" "wanted: $pattern" "$out"; return; } ;;
        esac
    done
    ok "$name"
}
document() { # EXPRESSION of python on the document d
    timeout 100 "$bin/hsm-agent" tls check "localhost:$port" "${@:2}" --json >document 2>document.err
    "$python" -c 'import json, sys; d = json.load(open("document")); print(eval("(" + sys.argv[1] + ")"))' "$1" 2>&1
}

# --- Chains

serve chain.pem leaf.key
check --ca root.crt
found 'a good server' 0 'nothing is wrong' 'ok       chain-order: 2 certificates' \
    'chain-complete: no certificate is missing' \
    'verify: depth 0, CN=localhost (sent), verifies' 'verify: depth 2, CN=Test Root,C=AE (trusted), verifies' \
    'name: the certificate is for localhost' 'is valid for [89][09] days more' 'key: the server'*'RSA, 2048 bits' \
    'signature: the server'*'SHA256' 'TLS 1.0 is refused' 'TLS 1.2 is accepted' 'TLS 1.3 is accepted' \
    'no certificate of the client is asked for' 'gets status 200' '!warning' '!problem'
is 'as a document' "$(document 'd["result"], sorted(d), d["target"]["servername"], d["handshake"]["version"],
    [c["subject"] for c in d["chain"]], d["chain"][0]["names"],
    d["chain"][0]["days_left"] in (89, 90), [v["error"] for v in d["verify"]],
    d["versions"]["TLS 1.3"], d["client_certificate"], d["requests"]' --ca root.crt)" \
    "('ok', ['chain', 'checks', 'client_certificate', 'handshake', 'requests', 'result', 'target', 'verify',\
 'versions'],\
 'localhost', 'TLSv1.3', ['CN=localhost', 'CN=Test Issuer,C=AE'], ['localhost', '127.0.0.1', '::1'], True, [0, 0, 0],\
 'accepted', {'asked': False, 'required': 'no', 'n_ca_names': 0, 'ca_names': []},\
 {'path': '/', 'without': {'status': 200, 'alert': None, 'error': None}, 'with': None})"
check
found 'its CA is unknown to the system' 1 'problem  verify: depth 1, CN=Test Issuer,C=AE (sent): unable to get' \
    'warning  chain-complete: the chain goes up to CN=Test Root,C=AE' '--ca'
check --ca root.crt --mtls
found 'peers must have certificates, but none is asked for' 1 'problem  client-certificate: no certificate' 'remedy:'
check --ca root.crt --servername other.example
found 'a wrong name' 1 \
    "problem  name: the certificate isn't for other.example; its subjectAltName has localhost, 127.0.0.1, ::1"
out=$("$bin/hsm-agent" tls check "127.0.0.1:$port" --ca root.crt 2>&1)
code=$?
found 'an address is a name' 0 'name: the certificate is for 127.0.0.1'
out=$("$bin/hsm-agent" tls check "127.0.0.1:$port" --ca root.crt --servername localhost 2>&1)
code=$?
found 'an address with a name' 0 'name: the certificate is for localhost'

serve leaf.crt leaf.key
check --ca root.crt
found 'the leaf only' 1 'problem  chain-complete: only the server'*'CN=Test Issuer,C=AE, is missing' \
    'fetched from http://pki.example/issuer.crt' \
    'problem  verify: depth 0, CN=localhost (sent): unable to get local issuer'
check --ca both.pem
found 'the leaf only is found even if this side has the rest' 1 'problem  chain-complete: only the server' \
    'elsewhere it need not be' 'depth 1, CN=Test Issuer,C=AE (trusted), verifies' '!problem  verify'
serve wrong-order.pem leaf.key
check --ca root.crt
found 'a wrong order' 1 "problem  chain-order: wrong order: certificate 1, CN=Test Root,C=AE, isn't the issuer" \
    '!problem  verify'
serve with-root.pem leaf.key
check --ca root.crt
found 'a root that is sent is worth a warning' 0 'warning  chain-root: the root, CN=Test Root,C=AE' 'found: 1 warning'
serve long.pem leaf.key
check --ca root.crt
found 'far too many certificates' 1 'problem  chain-order: 22 certificates were sent; only the first 16'
is 'of which sixteen are kept' "$(document 'len(d["chain"])' --ca root.crt)" 16

new_key self
certify self /CN=localhost - 90 "$server"
serve self.crt self.key
check --ca root.crt
found 'a self-signed certificate' 1 'problem  verify: depth 0, CN=localhost (sent): self'*'signed certificate' \
    'chain-complete: no certificate is missing'

# --- Certificates

certify leaf /CN=localhost root -1 "$server"
serve leaf.crt leaf.key
check --ca root.crt
found 'an expired certificate' 1 'problem  expiry: the server'*'expired 1 day ago' 'problem  verify: depth 0'*expired
certify leaf /CN=localhost root 20 "$server"
serve leaf.crt leaf.key
check --ca root.crt
found 'one that expires soon is worth a warning' 0 'warning  expiry: the server'*'expires in [12][90] days'
certify leaf /CN=localhost root 90 'extendedKeyUsage = serverAuth\n'
serve leaf.crt leaf.key
check --ca root.crt
found 'a CN is no name' 1 "problem  name: the certificate isn't for localhost; its subjectAltName has no name"
certify leaf /CN=localhost root 90 'subjectAltName = DNS:localhost\nextendedKeyUsage = clientAuth\n'
serve leaf.crt leaf.key
check --ca root.crt
found 'one for clients' 1 'problem  verify: depth 0'*'purpose' serverAuth
new_key weak RSA rsa_keygen_bits:1024
certify weak /CN=localhost root 90 "$server" -sha1
serve weak.crt weak.key
check --ca root.crt
found 'a weak key and a weak signature' 1 'problem  key: the server'*'RSA, 1024 bits, which is too weak' \
    'problem  signature: the server'*'SHA1'

# Names that would clear a terminal, add a line of their own, or turn the direction of writing.
new_key evil
certify evil "$(printf '/CN=a\033[2J\nok       all: fine\xe2\x80\xaeb\xc2\x9bc')" root 90 \
    "$(printf 'subjectAltName = DNS:a\033[31m\\n')"
serve evil.crt evil.key
check --ca root.crt
found 'hostile names' 1 '!'$'\033' '!'$'\n''ok       all' '!'$'\xe2\x80\xae' '!'$'\xc2\x9b' 'name: the certificate isn'
document 1 --ca root.crt >/dev/null
if grep -q -a $'[\001-\011\013-\037]' document; then
    not_ok 'hostile names in a document' "$(od -c document | head)"
else
    ok 'hostile names in a document'
fi

# --- Versions

certify leaf /CN=localhost between 90 "$server"
cat leaf.crt between.crt >chain.pem
serve chain.pem leaf.key --max 1.2
check --ca root.crt
found 'TLS 1.2 only' 0 'handshake: TLSv1.2' 'warning  tls-versions: TLS 1.3 is refused' 'TLS 1.2 is accepted' '!problem'
serve chain.pem leaf.key --old
check --ca root.crt
case $out in
*'TLS 1.0 is not tried'*) skip 'old versions' 'OpenSSL here has none' ;;
*) found 'old versions' 1 'problem  tls-versions: TLS 1.0 is accepted' 'problem  tls-versions: TLS 1.1 is accepted' ;;
esac

# --- Client certificates, with a key of the agent

make_agent a
start_agent a || done_testing
client() { # NAME TYPE SUBJECT ISSUER
    hsm_agent key create "$1" --type "$2" --purpose tls-client >>log 2>&1 &&
        hsm_agent csr "$1" --subject "$3" -o "$1.csr" >>log 2>&1 &&
        printf 'extendedKeyUsage = clientAuth\n' >client.ext &&
        openssl x509 -req -in "$1.csr" -CA "$4.crt" -CAkey "$4.key" -set_serial "0x$(openssl rand -hex 8)" -days 40 \
            -extfile client.ext -out "$1.crt" 2>>log || not_ok "the certificate of the client $1 is made" "$(<log)"
}
client hub ec:p256 CN=client,OU=hub between
client hub-rsa rsa:2048 CN=client,OU=hub root
client other ec:p256 CN=client,OU=other root
new_key strange
certify strange '/CN=Strange Root' - 90 "$ca"
client stranger ec:p256 CN=client,OU=hub strange
cat hub.crt between.crt >hub.chain

serve chain.pem leaf.key --ca root.crt --ou hub
check --ca root.crt --mtls
found 'a certificate is required: 400 without' 0 'is asked for and required' 'status 400: refused, as it has to be' \
    'warning  ca-names: no names' '!problem'
check --ca root.crt --cert hub.chain --key hub
found '200 with a key of the agent' 0 'ok       with-certificate: a request with the certificate gets status 200'
is 'as a document' "$(document 'd["result"], d["client_certificate"], d["requests"]["without"]["status"],
    d["requests"]["with"]' --ca root.crt --cert hub.chain --key hub)" \
    "('warning', {'asked': True, 'required': 'yes', 'n_ca_names': 0, 'ca_names': []}, 400,\
 {'status': 200, 'alert': None, 'error': None})"
check --ca root.crt --cert hub-rsa.crt --key hub-rsa
found 'and with RSA' 0 'a request with the certificate gets status 200'
check --ca root.crt --cert other.crt --key other
found '403 for another OU' 1 'problem  with-certificate: a request with the certificate is refused with status 403'
check --ca root.crt --cert stranger.crt --key stranger
found 'an alert for another CA' 1 'problem  with-certificate: with the certificate there is no answer' \
    'alert "unknown CA"'
# In TLS 1.3 the server judges the certificate when the handshake is over for the client: the alert, and the end of the
# connection, may be there before the request is written, or after.
if command -v strace >/dev/null && [ $sanitized = no ]; then
    wrapped=(strace -f -qq -o "$T/strace" -e trace=write -e inject=write:delay_enter=150ms)
    "${wrapped[@]}" "$bin/hsm-agent" tls check "localhost:$port" --ca root.crt --cert stranger.crt --key stranger \
        >out 2>&1
    like 'also when the server was faster' "$(grep with-certificate: out)" '*alert "unknown CA"*'
else
    skip 'also when the server was faster' 'strace makes us slow'
fi
new_key soft
certify soft /CN=client/OU=hub root 30 'extendedKeyUsage = clientAuth\n'
check --ca root.crt --cert soft.crt --key-file soft.key
found 'a key from a file' 0 'a request with the certificate gets status 200'
serve chain.pem leaf.key --ca root.crt --max 1.2
check --ca root.crt --cert hub.chain --key hub
found 'the same with TLS 1.2' 0 'handshake: TLSv1.2' 'a request with the certificate gets status 200'
serve chain.pem leaf.key --ca root.crt --status 404
check --ca root.crt --cert hub.chain --key hub --path /nowhere
found '404 is no refusal' 0 'gets status 404: let in'
serve chain.pem leaf.key --ca root.crt --status 502
check --ca root.crt --cert hub.chain --key hub
found '502 is worth a warning' 0 'warning  with-certificate'*502

for version in tls1_2 tls1_3; do
    serve_openssl -cert leaf.crt -cert_chain between.crt -key leaf.key -CAfile root.crt -Verify 3 \
        -verify_return_error -$version
    check --ca root.crt --mtls
    found "refused by an alert, $version" 0 'is asked for and required' \
        'without-certificate: without a certificate the connection is refused: the server ended it with the alert' \
        'ca-names: 1 name of CAs for client certificates is sent: CN=Test Root,C=AE' '!problem'
    is "its chain is known all the same, $version" "$(document 'len(d["chain"]), d["client_certificate"],
        d["requests"]["without"]["alert"] is not None' --ca root.crt)" \
        "(2, {'asked': True, 'required': 'yes', 'n_ca_names': 1, 'ca_names': ['CN=Test Root,C=AE']}, True)"
    check --ca root.crt --cert hub.chain --key hub
    found "and let in with a key of the agent, $version" 0 'a request with the certificate gets status 200'
done
serve_openssl -cert leaf.crt -cert_chain between.crt -key leaf.key -verify 3
check --ca root.crt
found 'a certificate that is optional, and no names' 0 'optional as far as can be seen' 'warning  ca-names: no names' \
    'warning  without-certificate'
check --ca root.crt --mtls
found 'which is a problem where it has to be required' 1 'problem  without-certificate'

serve chain.pem leaf.key --ca root.crt --ou hub
check --ca root.crt --cert hub.chain --key nobody
found 'a key that isn'"'"'t there' 1 "can't use the agent's key nobody" 'no key' 'remedy:'
check --ca root.crt --cert hub.chain --key other
found 'a certificate of another key' 1 "isn't for the key other" 'remedy:'
hsm_agent key create signs --type ec:p256 >/dev/null
hsm_agent csr signs --subject CN=client,OU=hub -o signs.csr >/dev/null
openssl x509 -req -in signs.csr -CA root.crt -CAkey root.key -set_serial 99 -days 40 -out signs.crt 2>>log
check --ca root.crt --cert signs.crt --key signs
found 'a key that mustn'"'"'t sign for TLS' 1 "problem  with-certificate"*"signs nothing of TLS"
stop_agent a
check --ca root.crt --cert hub.chain --key hub
found 'the agent is down' 1 "can't use the agent's key hub" "can't connect"

# --- What isn't a server

serve chain.pem leaf.key --not-http
check --ca root.crt
found 'no HTTP' 0 'warning  without-certificate'*"isn't an answer in HTTP"
end "$pid"
untrack "$pid"
pid=
check
found 'nobody listens' 1 'problem  connection: no connection to 127.0.0.1 port' 'Connection refused' \
    'nothing listens there'
is 'as a document' \
    "$(document 'd["result"], [c["check"] for c in d["checks"]], d["chain"],
    d["requests"]["without"]["error"] is not None')" \
    "('problem', ['connection'], [], True)"
out=$("$bin/hsm-agent" tls check "no-such-host.invalid:443" --timeout 20 2>&1)
code=$?
found 'a name that nobody knows' 1 'problem  connection: the ' 'no-such-host.invalid' 'remedy:'
for peer in hang garbage flood endless; do
    serve $peer
    start=$SECONDS
    check --timeout 2
    took=$((SECONDS - start))
    found "a peer: $peer" 1 'problem  handshake' 'remedy:'
    [ $took -le 20 ] && ok "it doesn't hold the check up" || not_ok "it doesn't hold the check up" "$took s"
done

serve chain.pem leaf.key --listen ::1 2>/dev/null
if [ -n "$port" ]; then
    out=$("$bin/hsm-agent" tls check "[::1]:$port" --ca root.crt 2>&1)
    code=$?
    found 'IPv6' 0 'name: the certificate is for ::1'
else
    skip 'IPv6' 'there is none here'
fi

# --- Command lines

usage() { # NAME PATTERN ARGUMENT...
    local name=$1 pattern=$2
    shift 2
    fails "$name" 2 "$pattern*remedy*" "$bin/hsm-agent" tls check "$@"
}
usage 'no port' '*localhost*port*' localhost
usage 'a URL' '*host*' https://localhost:443
usage 'IPv6 without brackets' '*brackets*' ::1:443
usage 'a port that is none' '*port*' localhost:70000
usage 'a certificate without a key' '*belong together*' localhost:443 --cert leaf.crt
usage 'a key without a certificate' '*belong together*' localhost:443 --key k
usage 'two keys' '*both*' localhost:443 --cert leaf.crt --key k --key-file leaf.key
usage 'a path that is none' '*--path*' localhost:443 --path x
usage 'a path that would end the request' '*--path*' localhost:443 --path $'/ HTTP/1.1\r\nX: y'
usage 'a name that is none' '*--servername*' localhost:443 --servername 'a b'
fails 'no file of CAs' 1 '*CAs*remedy*' "$bin/hsm-agent" tls check localhost:443 --ca nowhere.pem
fails 'no file of a certificate' 1 '*certificate*remedy*' "$bin/hsm-agent" tls check localhost:443 --cert nowhere \
    --key k

done_testing
