#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the certificates, lists and OCSP responses of the tests in the directory that is named. They are kept as files
# because the tests judge them at a time that lies in their past: 2026-11-21T15:30:00Z.
set -euo pipefail
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new_key() { # NAME
    openssl ecparam -name prime256v1 -genkey -noout -out "$work/$1.key"
}
authority() { # NAME SUBJECT
    new_key "$1"
    openssl req -x509 -key "$work/$1.key" -out "$1.pem" -subj "$2" -days 3650 -sha256 \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
authority root '/O=Test/CN=Root'
authority other '/O=Other/CN=Root'

mkdir "$work/issued"
: >"$work/index.txt"
echo 1000 >"$work/serial"
echo 01 >"$work/crlnumber"
cat >"$work/ca.conf" <<END
[ca]
default_ca = issuer
[issuer]
dir = $work
database = \$dir/index.txt
serial = \$dir/serial
crlnumber = \$dir/crlnumber
new_certs_dir = \$dir/issued
default_md = sha256
policy = any
copy_extensions = none
unique_subject = no
[any]
organizationName = optional
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
authorityKeyIdentifier = keyid
[cipher]
basicConstraints = critical,CA:FALSE
keyUsage = critical,keyEncipherment
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[responder]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
END
issue() { # NAME SUBJECT EXTENSIONS ISSUER FROM TO [KEY]
    new_key "$1"
    openssl req -new -key "$work/${7:-$1}.key" -subj "$2" -out "$work/$1.csr"
    openssl ca -batch -config "$work/ca.conf" -name issuer -in "$work/$1.csr" -out "$work/$1.out" -notext \
        -cert "$4.pem" -keyfile "$work/$4.key" -extensions "$3" -startdate "$5" -enddate "$6" 2>/dev/null
    openssl x509 -in "$work/$1.out" -out "$1.pem"
}
from=20260101000000Z to=20361231235959Z
issue issuer '/O=Test/CN=Issuer' authority root $from $to
issue good '/O=Test/CN=good' leaf issuer $from $to
cp "$work/good.key" good.key
issue expired '/O=Test/CN=expired' leaf issuer 20250101000000Z 20260101000000Z good
issue future '/O=Test/CN=future' leaf issuer 20270101000000Z $to good
issue revoked '/O=Test/CN=revoked' leaf issuer $from $to good
issue cipher '/O=Test/CN=cipher' cipher issuer $from $to good
issue stranger '/O=Other/CN=stranger' leaf other $from $to good
issue elsewhere '/O=Test/CN=elsewhere' leaf issuer $from $to
issue responder '/O=Test/CN=responder' responder issuer $from $to
issue impostor '/O=Other/CN=responder' responder other $from $to
openssl ca -config "$work/ca.conf" -revoke revoked.pem -crl_reason keyCompromise -cert issuer.pem \
    -keyfile "$work/issuer.key" 2>/dev/null
list() { # NAME FROM TO
    openssl ca -config "$work/ca.conf" -gencrl -cert issuer.pem -keyfile "$work/issuer.key" -out "$1.crl.pem" \
        -crl_lastupdate "$2" -crl_nextupdate "$3" 2>/dev/null
}
list issuer 20261121000000Z 20261128000000Z
list stale 20260901000000Z 20260908000000Z
respond() { # NAME CERTIFICATE SIGNER
    openssl ocsp -index "$work/index.txt" -CA issuer.pem -issuer issuer.pem -cert "$2.pem" -rsigner "$3.pem" \
        -rkey "$work/$3.key" -ndays 7 -no_nonce -reqout "$work/request.der" -respout "$1.ocsp.der" >/dev/null 2>&1 ||
        openssl ocsp -index "$work/index.txt" -CA issuer.pem -rsigner "$3.pem" -rkey "$work/$3.key" -ndays 7 \
            -reqin "$work/request.der" -respout "$1.ocsp.der" >/dev/null
}
respond good good responder
respond revoked revoked responder
respond impostor good impostor
rm -f responder.pem impostor.pem
