#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TLS handshakes: keys for TLS sign them and nothing else, keys for messages sign everything else; the signatures are
# verified by openssl.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a end:'[client other]' end:'user = 4294967294' end:'allow = *:tls'
start_agent a || done_testing

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -subj /CN=x -outform DER \
    -out "$T/req.der" 2>/dev/null
openssl req -x509 -key "$T/ca.key" -subj /CN=x -outform DER -out "$T/cert.der" 2>/dev/null
"$python" "$flow/tls_content.py" "$T" || not_ok 'the contents are made'

declare -A class=(
    [server13]=tls13-server-certificate-verify [client13]=tls13-client-certificate-verify
    [server13-384]=tls13-server-certificate-verify
    [ecdhe-p256]=tls12-server-key-exchange [ecdhe-x25519]=tls12-server-key-exchange [dhe]=tls12-server-key-exchange
    [transcript]=tls12-client-certificate-verify [csr]=csr [x509]=x509 [jwt]=other)

spki_of() { # KEY
    openssl pkey -pubin -in "$T/$1.pem" -outform DER | openssl dgst -sha256 -binary | b64u
}

new_key() { # NAME TYPE PURPOSES
    hsm_agent key create "$1" --type "$2" --purpose "$3" >/dev/null || not_ok "the key $1 is made"
    hsm_agent key show "$1" --public pem >"$T/$1.pem"
    spki_of "$1" >"$T/$1.spki"
}

tls() { # KEY SCHEME CONTENT
    api POST "/v1/keys/$1/tls" \
        "{\"scheme\":\"$2\",\"content\":\"$(b64u <"$T/$3")\",\"spki_sha256\":\"$(<"$T/$1.spki")\"}"
}

verify() { # KEY SCHEME CONTENT: $T/sig, as openssl sees it
    local size=${2##*_sha} pss=()
    if [ "$2" = ed25519 ]; then
        openssl pkeyutl -verify -pubin -inkey "$T/$1.pem" -rawin -in "$T/$3" -sigfile "$T/sig"
        return
    fi
    if [[ $2 == rsa_pss_* ]]; then
        pss=(-sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$((size / 8))" -sigopt "rsa_mgf1_md:sha$size")
    fi
    openssl dgst "-sha$size" -verify "$T/$1.pem" ${pss[@]+"${pss[@]}"} -signature "$T/sig" "$T/$3"
}

signed() { # KEY SCHEME CONTENT
    tls "$@"
    [ "$status" = 200 ] || { echo "$body"; return 1; }
    [ "$(field key) $(field version) $(field scheme) $(field token) $(field content_class)" = "$1 1 $2 main ${class[$3]}" ] ||
        { echo "$body"; return 1; }
    field signature | unb64u >"$T/sig"
    verify "$@"
}

refused() { # NAME KEY SCHEME CONTENT PATTERN
    tls "$2" "$3" "$4"
    if is_problem 422 key-cannot && [[ $(field detail) == *${class[$4]}* ]]; then
        # shellcheck disable=SC2254
        case $(field detail) in
        $5) ok "$1" ;;
        *) not_ok "$1" "wanted: $5" "got: $body" ;;
        esac
    else
        not_ok "$1" "got: $status $body"
    fi
}

new_key ec ec:p256 tls-server
new_key ec384 ec:p384 tls-server,tls-client
new_key ec521 ec:p521 tls-client
new_key ed ed25519 tls-server,tls-client
new_key rsa rsa:2048 tls-server,tls-client
new_key only13 rsa:2048 tls-server,tls-client,tls13-only
new_key message ec:p256 sign
new_key box rsa:2048 decrypt,csr

# --- Every scheme, every class

for content in server13 server13-384 ecdhe-p256 ecdhe-x25519 dhe; do
    succeeds "ecdsa_secp256r1_sha256 signs $content" signed ec ecdsa_secp256r1_sha256 $content
done
for content in server13 client13 ecdhe-x25519 transcript; do
    succeeds "ecdsa_secp384r1_sha384 signs $content" signed ec384 ecdsa_secp384r1_sha384 $content
    succeeds "ed25519 signs $content" signed ed ed25519 $content
    for size in 256 384 512; do
        succeeds "rsa_pss_rsae_sha$size signs $content" signed rsa rsa_pss_rsae_sha$size $content
        succeeds "rsa_pss_pss_sha$size signs $content" signed rsa rsa_pss_pss_sha$size $content
    done
done
for scheme in ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384; do
    succeeds "in TLS 1.2 $scheme signs on P-521" signed ec521 $scheme transcript
done
succeeds 'and ecdsa_secp521r1_sha512 on P-256' signed ec ecdsa_secp521r1_sha512 ecdhe-p256
for content in client13 transcript; do
    succeeds "ecdsa_secp521r1_sha512 signs $content" signed ec521 ecdsa_secp521r1_sha512 $content
done
for content in ecdhe-p256 dhe transcript; do
    for scheme in ecdsa_secp256r1_sha256 ecdsa_secp384r1_sha384 ecdsa_secp521r1_sha512; do
        succeeds "in TLS 1.2 $scheme signs $content on P-384" signed ec384 $scheme $content
    done
    for size in 256 384 512; do
        succeeds "rsa_pkcs1_sha$size signs $content" signed rsa rsa_pkcs1_sha$size $content
    done
done
for content in server13 client13; do
    succeeds "a key for TLS 1.3 only signs $content" signed only13 rsa_pss_rsae_sha256 $content
done

# --- What the purposes rule out

for content in server13 client13; do
    refused "rsa_pkcs1_sha256 is no scheme for $content" rsa rsa_pkcs1_sha256 $content '*TLS 1.3 has no rsa_pkcs1*'
done
for content in client13 transcript; do
    refused "a server's key doesn't sign $content" ec ecdsa_secp256r1_sha256 $content "*tls-server doesn't sign*"
done
for content in server13 ecdhe-x25519 dhe; do
    refused "a client's key doesn't sign $content" ec521 ecdsa_secp521r1_sha512 $content "*tls-client doesn't sign*"
done
for content in ecdhe-p256 dhe transcript; do
    refused "a key for TLS 1.3 only doesn't sign $content" only13 rsa_pss_rsae_sha256 $content '*tls13-only*TLS 1.2*'
done
for content in jwt csr x509; do
    for key in ec:ecdsa_secp256r1_sha256 only13:rsa_pss_rsae_sha256; do
        refused "the key ${key%:*} for TLS doesn't sign what is $content" "${key%:*}" "${key#*:}" $content \
            '*TLS handshakes only*'
    done
done
for content in "${!class[@]}"; do
    refused "a key for messages signs nothing here, $content" message ecdsa_secp256r1_sha256 "$content" \
        "*isn't made for TLS*its purpose is sign*"
done
refused "a key to decrypt with doesn't either" box rsa_pss_rsae_sha256 server13 '*its purpose is csr,decrypt*'
like 'a refusal is in the log, with its rule' "$(grep -a refused-content "$T/a/log" | grep tls13-only | tail -n 1)" \
    '*key=only13*content=*rule=*tls13-only*uid=*'

tls ec rsa_pss_rsae_sha256 server13
problem 'a scheme for another type of key' 422 key-cannot
tls ec384 ecdsa_secp256r1_sha256 server13
problem 'a scheme for another curve' 422 key-cannot
cp "$T/ec.spki" "$T/kept"
cp "$T/ec384.spki" "$T/ec.spki"
tls ec ecdsa_secp256r1_sha256 server13
problem "another key's public key" 409 conflict /spki_sha256
cp "$T/kept" "$T/ec.spki"
tls ec RS256 server13
problem 'a name of JOSE is no scheme' 400 malformed /scheme
api POST /v1/keys/ec/tls '{"scheme":"ed25519","content":"AA","spki_sha256":"AA"}'
problem 'a short hash' 400 malformed /spki_sha256

# --- The other endpoints

api POST /v1/keys/ec/sign "{\"algorithm\":\"ES256\",\"data\":\"$(b64u <"$T/jwt")\"}"
problem 'a key for TLS signs no message' 422 key-cannot
api POST /v1/keys/ec/sign "{\"algorithm\":\"ES256\",\"data\":\"$(b64u <"$T/server13")\"}"
problem 'nor a handshake that is sent as one' 422 key-cannot
api POST /v1/keys/ec/sign "{\"algorithm\":\"ES256\",\"digest\":\"$(openssl dgst -sha256 -binary "$T/server13" | b64u)\"}"
problem 'nor a digest' 422 key-cannot
api POST /v1/keys/rsa/decrypt '{"algorithm":"RSA-OAEP-256","ciphertext":"AA"}'
problem 'nor does it decrypt' 422 key-cannot
for content in "${!class[@]}"; do
    api POST /v1/keys/message/sign "{\"algorithm\":\"ES256\",\"data\":\"$(b64u <"$T/$content")\"}"
    case ${class[$content]} in
    tls*)
        problem "a key for messages doesn't sign $content" 422 key-cannot
        like 'and says what it took it for' "$(field detail)" "*${class[$content]}*"
        ;;
    *)
        is "a key for messages signs what is $content" "$status" 200
        field signature | unb64u >"$T/sig"
        succeeds 'and openssl verifies it' verify message ecdsa_secp256r1_sha256 "$content"
        ;;
    esac
done
for key in ec ed rsa only13; do
    hsm_agent csr $key --subject /CN=tls.example >"$T/tls.csr" 2>"$T/err"
    succeeds "the key $key for TLS makes a certificate request" openssl req -in "$T/tls.csr" -verify -noout
done

# --- Creation

for purposes in '"sign","tls-server"' '"tls-client","sign"' '"decrypt","tls-server"' '"tls13-only"' '"csr","tls13-only"'; do
    api PUT /v1/keys/mixed "{\"type\":\"rsa:2048\",\"purposes\":[$purposes]}"
    problem "no key has the purposes $purposes" 422 key-cannot /purposes
done
api PUT /v1/keys/mixed '{"type":"ec:p256","purposes":["tls"]}'
problem 'tls is no purpose' 400 malformed /purposes
like 'and those that are one are named' "$(field hint)" '*tls-server tls-client tls13-only*'
api GET /v1/keys/only13
is 'the purposes are shown' "$(member purposes)" '["tls-server", "tls-client", "tls13-only"]'
like 'and the operations' "$(member operations)" '["show", "tls", "csr", "delete"*'

# --- After a restart

ends_well a
start_agent a || done_testing
succeeds 'after a restart the key signs' signed only13 rsa_pss_rsae_sha256 server13
refused 'and refuses as before' only13 rsa_pss_rsae_sha256 ecdhe-p256 '*tls13-only*'

ends_well a
done_testing
