#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TLS with certificates on both sides, all keys the agent's: curl and python call the sample's endpoint in nginx.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "${srcdir:-.}/tests/flow/tls_lib.sh" || exit 99

need_programs nginx curl "$public_python"
need_user www-data
need_user nobody
make_public
make_tls_agent a 'www-data=endpoint:tls' 'www-data=edge-*:tls' 'www-data=strict:tls' 'nobody=caller*:tls'
start_agent a || done_testing

# The partner's organisation, as the directory of UAE Open Finance numbers them, and another one.
partner=8d2c1f0e-5b7a-4c3d-9e6f-0a1b2c3d4e5f
another=1f0e8d2c-7a5b-4c3d-9e6f-0a1b2c3d4e5f
client_id=4e5f6a7b-1c2d-4e3f-8a9b-5c6d7e8f9a0b

make_ca
make_ca partner
make_ca stranger
for pair in endpoint:rsa:2048 edge-ec:ec:p256 edge-rsa:rsa:2048; do
    tls_key "${pair%%:*}" "${pair#*:}" tls-server
    tls_cert "${pair%%:*}" usage=serverAuth
done
tls_key strict rsa:2048 tls-server,tls13-only
tls_cert strict usage=serverAuth
tls_key caller rsa:2048 tls-client
tls_key caller-ec ec:p256 tls-client
client_cert() { # NAME KEY CA SUBJECT
    tls_cert "$1" "key=$2" "ca=$3" "subject=$4" san= usage=clientAuth
}
good="C=AE,O=Hub,OU=$partner,CN=$client_id"
client_cert caller caller partner "$good"
client_cert caller-ec caller-ec partner "$good"
client_cert revoked caller partner "$good"
client_cert other-ou caller partner "C=AE,O=Bank,OU=$another,CN=$client_id"
client_cert longer-ou caller partner "C=AE,O=Bank,OU=x$partner,CN=$client_id"
client_cert comma caller partner "C=AE,O=Bank,CN=x\\,OU=$partner"
client_cert no-ou caller partner "C=AE,O=Bank,CN=$partner"
client_cert stranger caller stranger "$good"

edge=$(free_port)
port=$(free_port)
pin="s|00000000-0000-0000-0000-000000000000|$partner|"
nginx_conf nginx.conf "$edge" "$port" "$pin"
start_nginx nginx.conf "$port" || { not_ok 'nginx starts' "$(<"$T/nginx.log")"; done_testing; }
url=https://localhost:$port/hello-mtls

# --- What partners check before they call

for version in tls1_2 tls1_3; do
    handshake "$version without a certificate: the chain is whole" "$port" $version rsa_pss_rsae_sha256
    said=$(connect "$port" -$version)
    for name in issuing root; do
        succeeds "$version names the partner's $name CA" \
            grep -q "^O = partner, CN = partner $name\$" <<<"${said#*Acceptable client certificate CA names}"
    done
done
handshake 'RSA PKCS#1 for those who have nothing else' "$port" tls1_2 rsa_pkcs1_sha256

# --- Who gets what

answered() { # OPTION...: curl's status and, if it is 200, the answer, as an unprivileged user
    local said
    said=$(with_provider as_user nobody curl -sS --max-time 30 --cacert "$P/test-root.crt" -w '\n%{http_code}' \
        "$@" "$url" 2>&1)
    case $said in
    hello*) echo "${said##*$'\n'} ${said%%$'\n'*}" ;;
    *) echo "${said##*$'\n'}" ;;
    esac
}
shown() { # CERTIFICATE KEY
    echo --cert "$P/$1.chain" --key "$P/$2.pem"
}
hello="200 hello CN=$client_id,OU=$partner,O=Hub,C=AE"
for version in '--tls-max 1.2' --tlsv1.3; do
    # shellcheck disable=SC2086,SC2046
    {
        is "curl $version: no certificate, 400" "$(answered $version)" 400
        is "curl $version: a certificate, 200" "$(answered $version $(shown caller caller))" "$hello"
        is "curl $version: on P-256, 200" "$(answered $version $(shown caller-ec caller-ec))" "$hello"
        is "curl $version: another OU, 403" "$(answered $version $(shown other-ou caller))" 403
        is "curl $version: another CA, 400" "$(answered $version $(shown stranger caller))" 400
    }
done
# shellcheck disable=SC2046
{
    is 'an OU that ends in the right one, 403' "$(answered $(shown longer-ou caller))" 403
    is 'a CN that pretends to have an OU, 403' "$(answered $(shown comma caller))" 403
    is 'no OU, 403' "$(answered $(shown no-ou caller))" 403
}
fails 'curl refuses the certificate of another key' 58 '*private key*' with_provider as_user nobody curl -sS \
    --max-time 30 --cacert "$P/test-root.crt" --cert "$P/caller.chain" --key "$P/strict.pem" "$url"

cat <<'END' | publish client.py
import ssl, sys, urllib.request
root, certificate, key, version, url = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
if key:
    context.load_cert_chain(certificate, key)
try:
    with urllib.request.urlopen(url, context=context, timeout=30) as answer:
        print(answer.status, answer.read().decode(), end="")
except urllib.error.HTTPError as error:
    print(error.code)
END
python_client() { # VERSION [CERTIFICATE KEY]
    with_provider as_user nobody "$public_python" "$P/client.py" "$P/test-root.crt" "${2:+$P/$2.chain}" \
        "${3:+$P/$3.pem}" "$1" "$url" 2>&1
}
for version in TLSv1_2 TLSv1_3; do
    is "python $version: no certificate, 400" "$(python_client $version)" 400
    is "python $version: a certificate, 200" "$(python_client $version caller caller)" "$hello"
    is "python $version: on P-256, 200" "$(python_client $version caller-ec caller-ec)" "$hello"
    is "python $version: another OU, 403" "$(python_client $version other-ou caller)" 403
    is "python $version: another CA, 400" "$(python_client $version stranger caller)" 400
done
like 'python refuses the certificate of another key' "$(python_client TLSv1_3 caller strict)" '*MISMATCH*'

sed -e "s|/etc/hsm-agent/openssl.cnf|$P/openssl.cnf|" -e "s|/etc/hsm-agent/tls/server-root.crt|$P/test-root.crt|" \
    -e "s|/etc/hsm-agent/tls/|$P/|" -e "s|^url=.*|url=$url|" "$flow/../../hsm-config/curl.sh" | publish curl.sh
is 'the sample for clients: curl and python have their answers' \
    "$(as_user nobody env PATH=/usr/bin:/bin sh "$P/curl.sh" 2>&1)" \
    "${hello#200 }
${hello#200 }"

unlike 'the agent has refused nobody until now' "$(<"$T/a/log")" '*refused*'
fails 'a user without the right has no connection' 35 '*the agent refuses*' with_provider as_user www-data curl -sS \
    --max-time 30 --cacert "$P/test-root.crt" --cert "$P/caller.chain" --key "$P/caller.pem" "$url"

like 'which is in the log' "$(grep -a ' refused ' "$T/a/log")" "*refused key=caller operation=show*uid=$(id -u www-data)*"

# --- What the endpoint's owner checks before handing it over

mkdir "$P/.libs" && ln "$P/hsmagent.so" "$P/.libs/hsmagent.so" && install -m 0755 "$bin/hsm-agent" "$P/hsm-agent" &&
    chmod 0755 "$P/.libs"
tls_check() { # [OPTION...]
    as_user nobody env "HSM_AGENT_SOCKET=$P/agent.sock" "$P/hsm-agent" tls check "localhost:$port" \
        --ca "$P/test-root.crt" --path /hello-mtls "$@"
}
found() { # CHECK: its line or lines
    grep -A 1 "^[a-z]* *$1: " "$T/checked"
}
tls_check --mtls --cert "$P/caller.chain" --key caller >"$T/checked" 2>&1
is 'tls check finds no problem' "$? $(grep -c ^problem "$T/checked")" '0 0'
like 'the chain is complete' "$(found chain-complete)" 'ok *'
like 'and in order' "$(found chain-order)" 'ok *'
like 'a certificate is asked for' "$(found client-certificate)" 'ok *'
like 'and the CAs are named' "$(found ca-names)" 'ok *partner issuing*'
like 'without one it is 400' "$(found without-certificate)" 'ok *400*'
like 'with one 200' "$(found with-certificate)" 'ok *200*'
tls_check --cert "$P/other-ou.chain" --key caller >"$T/checked" 2>&1
like "another OU's is refused, which is said" "$? $(found with-certificate)" '1 problem *403*'

# --- Other configurations

again() { # SED-EXPRESSION...: nginx with the sample, changed by these
    stop_program "$nginx"
    nginx_conf nginx.conf "$edge" "$port" "$pin" "$@"
    start_nginx nginx.conf "$port" || not_ok "nginx starts with $*" "$(<"$T/nginx.log")"
}

again 's|# \(error_page 495 496\)|\1|'
is 'as MHHS has it: no certificate, 401' "$(answered)" 401
# shellcheck disable=SC2046
{
    is 'another CA, 401' "$(answered $(shown stranger caller))" 401
    is 'a certificate, 200' "$(answered $(shown caller caller))" "$hello"
}

# The root's list and the issuing CA's, on which a certificate is.
crl() { # CA [CERTIFICATE]
    : >"$T/index"
    echo 01 >"$T/number"
    printf '[ca]\ndefault_ca = one\n[one]\ndatabase = %s\ncrlnumber = %s\ndefault_md = sha256\ndefault_crl_days = 2\n' \
        "$T/index" "$T/number" >"$T/crl.cnf"
    local by=(-config "$T/crl.cnf" -cert "$P/$1.crt" -keyfile "$T/$1.key")
    [ $# = 1 ] || openssl ca "${by[@]}" -revoke "$P/$2.crt" 2>>"$T/crl.log" || return
    openssl ca "${by[@]}" -gencrl 2>>"$T/crl.log"
}
{ crl partner-root && crl partner-ca revoked; } | publish partner.crl
# shellcheck disable=SC2046
{
    is 'a certificate that will be revoked, 200' "$(answered $(shown revoked caller))" "$hello"
    again 's|# \(ssl_crl\)|\1|'
    is 'with the lists a revoked certificate has 400' "$(answered $(shown revoked caller))" 400
    is 'and another one 200' "$(answered $(shown caller caller))" "$hello"
}

again 's|/endpoint.chain|/endpoint.crt|'
no_handshake 'a chain of the leaf only is found out' "$port" tls1_3 '*unable to get local issuer certificate*'
tls_check --mtls >"$T/checked" 2>&1
like 'and tls check says so' "$? $(found chain-complete)" '1 problem *'

again 's|/endpoint\.|/strict.|'
no_handshake 'a tls13-only key: no TLS 1.2' "$port" tls1_2 '*alert*'
like 'the agent has refused it by name' "$(<"$T/a/log")" '*refused-content key=strict operation=tls*tls13-only*'
handshake 'a tls13-only key: TLS 1.3' "$port" tls1_3 rsa_pss_rsae_sha256

stop_program "$nginx"
done_testing
