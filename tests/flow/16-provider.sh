#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The OpenSSL provider: the openssl command with key references in place of private keys, by the sample configuration.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

# The program that loads the provider has no sanitizer in it, and one can't come in later.
[ $sanitized = no ] || skip_all 'a sanitized module needs a sanitized openssl'
case $(openssl version) in
'OpenSSL 3.'*) ;;
*) skip_all "$(openssl version) has no providers" ;;
esac

sed "s|^module = .*|module = $bin/.libs/hsmagent.so|" "$flow/../../hsm-config/openssl.cnf" >"$T/openssl.cnf"
printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$T/req.cnf"

with_provider() { # COMMAND...
    OPENSSL_CONF=$T/openssl.cnf "$@"
}

make_agent a token:'software-oaep = yes'
start_agent a || done_testing

for pair in r2:rsa:2048 p256:ec:p256 p384:ec:p384 p521:ec:p521 ed:ed25519 other:ec:p256; do
    key=${pair%%:*}
    hsm_agent key create "$key" --type "${pair#*:}" >/dev/null || not_ok "the key $key is made"
    hsm_agent key show "$key" --public pem >"$T/$key.pub"
    hsm_agent pem "$key" >"$T/$key.pem"
done
hsm_agent key create decrypts --type rsa:2048 --purpose decrypt >/dev/null || not_ok 'the key decrypts is made'
hsm_agent key create derives --type ec:p256 --purpose derive >/dev/null || not_ok 'the key derives is made'
for key in decrypts derives; do
    hsm_agent key show "$key" --public pem >"$T/$key.pub"
    hsm_agent pem "$key" >"$T/$key.pem"
done

# --- Loading

exported=$(nm -D --defined-only "$bin/.libs/hsmagent.so" | sed 's/.* //')
is 'the module exports its entry only' "$exported" OSSL_provider_init

like 'openssl lists the provider' "$(with_provider openssl list -providers)" *'hsm-agent provider'*active*
for key in r2 p256 p384 p521 ed; do
    wanted=$(<"$T/$key.pub")
    is "pkey -pubout has the public key of $key" "$(with_provider openssl pkey -in "$T/$key.pem" -pubout)" "$wanted"
    is "the URI hsm-agent:$key has it too" "$(with_provider openssl pkey -in "hsm-agent:$key" -pubout)" "$wanted"
    if with_provider openssl pkey -in "$T/$key.pem" -out "$T/exported" 2>"$T/err" ||
        grep -q 'PRIVATE KEY' "$T/exported"; then
        not_ok "the private key of $key can't be exported" "$(<"$T/exported")"
    else
        ok "the private key of $key can't be exported"
    fi
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/software.pem" 2>/dev/null
succeeds 'software keys work beside them' \
    with_provider openssl dgst -sha256 -sign "$T/software.pem" -out "$T/sig" "$T/r2.pub"
succeeds 'and are made' with_provider openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$T/new.pem"

sed 's/^MI/MJ/' "$T/r2.pem" >"$T/torn.pem"
head -n 3 "$T/r2.pem" >"$T/short.pem"
for file in torn short; do
    fails "a $file reference is no key" 1 '*' with_provider openssl pkey -in "$T/$file.pem" -pubout
done

# --- Signatures

head -c 5000 /dev/urandom >"$T/data"
head -c 300000 /dev/urandom >"$T/large"

dgst() { # KEY HASH FILE [OPTION...]
    local key=$1 hash=$2 file=$3
    shift 3
    with_provider openssl dgst "-$hash" -sign "$T/$key.pem" "$@" -out "$T/sig" "$file" &&
        openssl dgst "-$hash" -verify "$T/$key.pub" "$@" -signature "$T/sig" "$file"
}
pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest)
for hash in sha256 sha384 sha512; do
    succeeds "dgst -$hash, RSA" dgst r2 $hash "$T/data"
    succeeds "dgst -$hash, RSA PSS" dgst r2 $hash "$T/data" "${pss[@]}"
    for key in p256 p384 p521; do
        succeeds "dgst -$hash, $key" dgst $key $hash "$T/data"
    done
done
succeeds 'dgst of 300 kB, RSA' dgst r2 sha256 "$T/large"
succeeds 'dgst of 300 kB, P-256' dgst p256 sha256 "$T/large"
fails 'SHA-1 is refused, with words' 1 '*one of SHA-256*' dgst r2 sha1 "$T/data"
fails 'and so is a salt of another length' 1 '*salt as long as the hash*' dgst r2 sha256 "$T/data" \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20

openssl dgst -sha256 -binary "$T/data" >"$T/digest"
pkeyutl() { # KEY [OPTION...]
    local key=$1
    shift
    with_provider openssl pkeyutl -sign -inkey "$T/$key.pem" -in "$T/digest" -out "$T/sig" "$@" &&
        openssl pkeyutl -verify -pubin -inkey "$T/$key.pub" -in "$T/digest" -sigfile "$T/sig" "$@"
}
succeeds 'pkeyutl -sign, RSA' pkeyutl r2 -pkeyopt digest:sha256
succeeds 'pkeyutl -sign, PSS' pkeyutl r2 -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss \
    -pkeyopt rsa_pss_saltlen:digest
succeeds 'pkeyutl -sign, P-256' pkeyutl p256
succeeds 'pkeyutl -sign, P-384 and a shorter digest' pkeyutl p384
raw_ed() {
    with_provider openssl pkeyutl -sign -rawin -inkey "$T/ed.pem" -in "$T/data" -out "$T/sig" &&
        openssl pkeyutl -verify -rawin -pubin -inkey "$T/ed.pub" -in "$T/data" -sigfile "$T/sig"
}
succeeds 'pkeyutl -sign -rawin, Ed25519' raw_ed
verified_by_us() {
    dgst r2 sha256 "$T/data" >/dev/null &&
        with_provider openssl dgst -sha256 -prverify "$T/r2.pem" -signature "$T/sig" "$T/data"
}
succeeds 'a reference verifies' verified_by_us

# --- Decryption, key agreement

decrypted() { # OPTION...
    openssl pkeyutl -encrypt -pubin -inkey "$T/decrypts.pub" -in "$T/digest" -out "$T/encrypted" "$@" &&
        with_provider openssl pkeyutl -decrypt -inkey "$T/decrypts.pem" -in "$T/encrypted" -out "$T/decrypted" "$@" &&
        cmp "$T/digest" "$T/decrypted"
}
oaep=(-pkeyopt rsa_padding_mode:oaep)
succeeds 'pkeyutl -decrypt, OAEP with SHA-1' decrypted "${oaep[@]}"
succeeds 'pkeyutl -decrypt, OAEP with SHA-256' decrypted "${oaep[@]}" -pkeyopt rsa_oaep_md:sha256 \
    -pkeyopt rsa_mgf1_md:sha256
succeeds 'and a label' decrypted "${oaep[@]}" -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_oaep_label:6c6162656c
fails 'PKCS#1 v1.5 is off' 1 '*RSA1_5 decryption is off*' decrypted
fails 'a key for decryption signs nothing' 1 '*signing*' dgst decrypts sha256 "$T/data"

openssl pkey -in "$T/software.pem" -pubout -out "$T/software.pub"
agreed() {
    with_provider openssl pkeyutl -derive -inkey "$T/derives.pem" -peerkey "$T/software.pub" -out "$T/ours" &&
        openssl pkeyutl -derive -inkey "$T/software.pem" -peerkey "$T/derives.pub" -out "$T/theirs" &&
        cmp "$T/ours" "$T/theirs"
}
succeeds 'pkeyutl -derive' agreed

# --- Certificates and CMS

requested() { # KEY [OPTION...]
    local key=$1
    shift
    with_provider openssl req -new -config "$T/req.cnf" -subj /CN=localhost -key "$T/$key.pem" \
        -out "$T/$key.csr" "$@" &&
        openssl req -in "$T/$key.csr" -verify -noout
}
certified() { # KEY
    with_provider openssl x509 -req -in "$T/$1.csr" -signkey "$T/$1.pem" -days 2 -out "$T/$1.crt" &&
        openssl verify -CAfile "$T/$1.crt" "$T/$1.crt"
}
succeeds 'req -new, PSS' requested r2 -sigopt rsa_padding_mode:pss
for key in r2 p256 p384 ed; do
    succeeds "req -new, $key" requested $key
    succeeds "x509 -req -signkey, $key" certified $key
done
issued() {
    with_provider openssl x509 -req -in "$T/r2.csr" -CA "$T/p256.crt" -CAkey "$T/p256.pem" -set_serial 7 -days 2 \
        -out "$T/issued.crt" && openssl verify -partial_chain -trusted "$T/p256.crt" "$T/issued.crt"
}
succeeds 'x509 -req -CAkey' issued
cms() { # KEY [OPTION...]
    local key=$1
    shift
    with_provider openssl cms -sign -binary -in "$T/data" -signer "$T/$key.crt" -inkey "$T/$key.pem" -md sha256 \
        -outform DER -out "$T/cms" "$@" &&
        openssl cms -verify -binary -inform DER -in "$T/cms" -content "$T/data" -noverify -out /dev/null
}
succeeds 'cms -sign, RSA' cms r2
succeeds 'cms -sign, PSS' cms r2 -keyopt rsa_padding_mode:pss
succeeds 'cms -sign, P-256' cms p256
opened() {
    with_provider openssl x509 -new -force_pubkey "$T/decrypts.pub" -subj /CN=box -CA "$T/p256.crt" \
        -CAkey "$T/p256.pem" -out "$T/box.crt" &&
        openssl cms -encrypt -binary -in "$T/data" -aes-256-cbc -recip "$T/box.crt" -keyopt rsa_padding_mode:oaep \
            -outform DER -out "$T/enveloped" &&
        with_provider openssl cms -decrypt -binary -inform DER -in "$T/enveloped" -recip "$T/box.crt" \
            -inkey "$T/decrypts.pem" -out "$T/opened" && cmp "$T/data" "$T/opened"
}
succeeds 'cms -decrypt, OAEP' opened

# --- TLS

openssl req -x509 -config "$T/req.cnf" -key "$T/software.pem" -subj /CN=ca -addext basicConstraints=CA:TRUE \
    -days 2 -out "$T/ca.crt"
issue() { # NAME: NAME.csr becomes NAME.crt
    openssl x509 -req -in "$T/$1.csr" -CA "$T/ca.crt" -CAkey "$T/software.pem" -set_serial "0x$(openssl rand -hex 8)" \
        -days 2 -out "$T/$1.crt" 2>/dev/null || not_ok "the certificate of $1 is made"
}
for pair in tls-r2:rsa:2048 tls-p256:ec:p256 tls-p384:ec:p384 tls-p521:ec:p521 tls-ed:ed25519; do
    key=${pair%%:*}
    hsm_agent key create "$key" --type "${pair#*:}" --purpose tls-server,tls-client >/dev/null ||
        not_ok "the key $key is made"
    hsm_agent pem "$key" >"$T/$key.pem"
    hsm_agent csr "$key" --subject CN=localhost >"$T/$key.csr"
    issue "$key"
done
openssl req -new -config "$T/req.cnf" -newkey rsa:2048 -nodes -keyout "$T/plain.pem" -out "$T/plain.csr" \
    -subj /CN=localhost 2>/dev/null
issue plain

server=
port=
listening() {
    port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$T/server.log")
    [ -n "$port" ] || gone $server
}
serve() { # KEY [OPTION...]: with KEY.crt
    local key=$1
    shift
    : >"$T/server.log"
    # Not by with_provider: the process id would be that of a shell around it.
    OPENSSL_CONF=$T/openssl.cnf openssl s_server -accept 127.0.0.1:0 -key "$T/$key.pem" -cert "$T/$key.crt" "$@" \
        -www >"$T/server.log" 2>&1 </dev/null &
    server=$!
    track $server
    port=
    await 20 listening
    listening
    [ -n "$port" ] && return
    diag "$(<"$T/server.log")"
    return 1
}
unserve() {
    end $server
    untrack $server
}
connect() { # OPTION...
    timeout 30 openssl s_client -connect "127.0.0.1:$port" -CAfile "$T/ca.crt" -verify_return_error \
        -verify_hostname localhost "$@" </dev/null
}

for key in tls-r2 tls-p256 tls-p384 tls-p521 tls-ed; do
    serve $key || not_ok "s_server starts with $key"
    succeeds "s_server, $key, TLS 1.3" connect -tls1_3
    succeeds "s_server, $key, TLS 1.2" connect -tls1_2
    if [ $key = tls-p384 ] || [ $key = tls-p521 ]; then
        for scheme in ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512; do
            succeeds "s_server, $key, $scheme in TLS 1.2" connect -tls1_2 -sigalgs $scheme
        done
    fi
    if [ $key = tls-r2 ]; then
        succeeds 's_server, PSS, tls1_2' connect -tls1_2 -sigalgs rsa_pss_rsae_sha384
        succeeds 's_server, PKCS#1, tls1_2' connect -tls1_2 -sigalgs rsa_pkcs1_sha256
        fails 's_server, RSA key exchange' 1 '*' connect -tls1_2 -cipher kRSA
        like 'it is refused with words' "$(<"$T/server.log")" '*!kRSA*'
    fi
    unserve
done

# --- Keys that are for PSS only (id-RSASSA-PSS)

hsm_agent pem tls-r2 --pss >"$T/pss.pem"
fails 'only RSA keys can be that' 2 '*RSA keys only*' hsm_agent pem tls-p256 --pss
like 'the reference says so' "$(with_provider openssl pkey -in "$T/pss.pem" -pubout | openssl pkey -pubin -noout -text)" \
    '*No PSS parameter restrictions*'
hsm_agent csr tls-r2 --pss --subject CN=localhost >"$T/pss.csr"
like 'and so does a request' "$(openssl req -in "$T/pss.csr" -verify -noout -text 2>&1)" '*verify OK*rsassaPss*'
issue pss
serve pss || not_ok 's_server starts with a key for PSS only'
for version in tls1_2 tls1_3; do
    succeeds "s_server, a key for PSS only, $version" connect -$version -sigalgs rsa_pss_pss_sha256
    succeeds "with SHA-512, $version" connect -$version -sigalgs rsa_pss_pss_sha512
done
fails 'which signs nothing else' 1 '*' connect -tls1_2 -sigalgs rsa_pkcs1_sha256
unserve
hsm_agent pem r2 --pss >"$T/message-pss.pem"
succeeds 'dgst with such a key' with_provider openssl dgst -sha384 -sign "$T/message-pss.pem" -out "$T/sig" "$T/data"
succeeds 'is PSS' openssl dgst -sha384 -verify "$T/r2.pub" "${pss[@]}" -signature "$T/sig" "$T/data"
fails 'PKCS#1 v1.5 is refused' 1 '*' with_provider openssl dgst -sha384 -sign "$T/message-pss.pem" \
    -sigopt rsa_padding_mode:pkcs1 -out "$T/sig" "$T/data"
fails 'and so is decryption' 1 '*' with_provider openssl pkeyutl -decrypt -inkey "$T/message-pss.pem" -in "$T/digest"
succeeds 'openssl req makes a request with it' with_provider openssl req -new -key "$T/message-pss.pem" \
    -config "$T/req.cnf" -subj /CN=x -out "$T/message-pss.csr"
like 'for PSS' "$(openssl req -in "$T/message-pss.csr" -verify -noout -text 2>&1)" '*verify OK*rsassaPss*'

serve tls-p256 -async || not_ok 's_server starts for asynchronous jobs'
for version in tls1_2 tls1_3; do
    succeeds "s_server -async, $version" connect -$version
done
unserve

for client in tls-r2 tls-p256 tls-p384 tls-ed; do
    serve plain -Verify 1 -CAfile "$T/ca.crt" -verify_return_error || not_ok 's_server starts with a software key'
    for version in tls1_2 tls1_3; do
        succeeds "s_client presents a certificate, $client, $version" with_provider connect -$version \
            -key "$T/$client.pem" -cert "$T/$client.crt"
    done
    fails 'without one there is no connection' 1 '*' connect -tls1_2
    unserve
done

fails 'a certificate of another key is refused' 1 '*mismatch*' with_provider openssl s_server -accept 127.0.0.1:0 \
    -key "$T/other.pem" -cert "$T/tls-p256.crt"

fails 'a TLS key signs no message' 1 '*signs TLS handshakes only*' \
    with_provider openssl dgst -sha256 -sign "$T/tls-r2.pem" "$T/data"
serve r2
fails 'a message key serves no TLS' 1 '*' connect -tls1_3
like 'it is refused with words' "$(<"$T/server.log")" '*signs nothing of TLS*'
unserve

# --- The agent comes and goes

stop_agent a
serve tls-p256
is 's_server starts while the agent is down' $? 0
fails 'the handshake fails' 1 '*' connect -tls1_3
like 'the server knows why' "$(<"$T/server.log")" "*can't connect*"
start_agent a
succeeds 'the agent is there again, and so is TLS 1.3' connect -tls1_3
succeeds 'and TLS 1.2' connect -tls1_2
kill_agent a
start_agent a
succeeds 'a killed agent is found again' connect -tls1_3

hsm_agent key delete p256 --confirm p256 >/dev/null
hsm_agent key create p256 --type ec:p256 >/dev/null
fails 'another key of the same name signs nothing' 1 '*' \
    with_provider openssl dgst -sha256 -sign "$T/p256.pem" "$T/data"
like 'with words' "$(<"$T/err")" '*another key of that name*'
unserve

# --- Sockets

unset HSM_AGENT_SOCKET
fails 'without a word it is the default socket, where nobody is' 1 '*hsm-agent*' dgst r2 sha256 "$T/data"
named() {
    with_provider openssl dgst -sha256 -sign "hsm-agent:r2?socket=$socket" -out "$T/sig" "$T/data" &&
        openssl dgst -sha256 -verify "$T/r2.pub" -signature "$T/sig" "$T/data"
}
succeeds 'a URI names its socket' named
printf 'socket = %s\n' "$socket" >>"$T/openssl.cnf"
succeeds 'openssl.cnf names the socket' dgst r2 sha256 "$T/data"

done_testing
