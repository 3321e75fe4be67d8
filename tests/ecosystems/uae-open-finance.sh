#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A bank in UAE Open Finance: C3 (TLS client), S4 (TLS server), Sig4 (signs) and Enc1 (decrypts), from an empty token to
# certificates that are served and renewed. The portal is the Trust Framework's directory.
. "${0%/*}/steps.sh"

organisation=4767786f-ab28-4d5c-8fdb-0f27e1c4eb9c
application=9d1f0a6e-5a0c-4f0e-9a55-0d3c6a1b2c3d

step 'the token'
openssl rand -hex 8 >so-pin
openssl rand -hex 8 >pin
hsm-agent token init openfinance --module "$MODULE" --so-pin "file:$PWD/so-pin" --pin "file:$PWD/pin" >token.txt

step 'the agent'
mkdir profiles
cat >profiles/uae-client.conf <<CONF
[values]
organisation = Example Bank
organisation-id = $organisation
CONF
cat >profiles/uae-server.conf <<CONF
[values]
organisation = Example Bank
organisation-id = $organisation
pre-prod-names = *.sandbox.bank.example
prod-names = *.api.bank.example
CONF
cat >profiles/uae-lfi.conf <<CONF
[values]
organisation = Example Bank
organisation-id = $organisation
provider-id = PROVIDER_ID
CONF
cat >agent.conf <<CONF
[agent]
state-dir = $PWD/state
profiles = $PWD/profiles
[listen admin]
socket = $PWD/agent.sock
mode = 0600
admin = yes
[client operators]
user = $(id -u)
allow = *:*
CONF
# What `token init` printed for the configuration. SoftHSM2 needs its own, and the last line.
sed -n '/^\[token/,$p' token.txt >>agent.conf
cat >>agent.conf <<CONF
environment = SOFTHSM2_CONF=$SOFTHSM2_CONF
software-oaep = yes
CONF
start_agent

step 'keys: for pre-production; those of production are made apart'
# [keys]
hsm-agent key create c3 --type rsa:2048 --purpose tls-client --environment pre-prod --profile uae-client/transport
hsm-agent key create s4 --type rsa:2048 --purpose tls-server --environment pre-prod --profile uae-server/transport
hsm-agent key create sig4 --type rsa:2048 --purpose sign --environment pre-prod --profile uae-client/signing
hsm-agent key create enc1 --type rsa:2048 --purpose decrypt,csr --environment pre-prod --profile uae-server/encryption
# [end]

step 'requests, as the directory wants them'
# [requests]
hsm-agent csr c3 --set CN=$application -o c3.csr
hsm-agent csr s4 --dns ozone-connect.sandbox.bank.example -o s4.csr
hsm-agent csr sig4 --set CN=$application -o sig4.csr
hsm-agent csr enc1 -o enc1.csr
# [end]
check "C3's subject is what the directory compares" \
    grep -q "C = AE, O = Example Bank, OU = $organisation, CN = $application" <(openssl req -in c3.csr -noout -subject)
refused "a host of production isn't asked for with a key of pre-production" '*is a name of the environment prod*' \
    hsm-agent csr s4 --dns ozone-connect.api.bank.example
refused 'nor is a name that the directory would refuse' '*wants CN to be a UUID*' hsm-agent csr c3 --set CN=gateway.bank.example

portal client c3
portal server s4
portal sign sig4
portal enc enc1

step 'certificates: installed, and served'
# [install]
for name in c3 s4 sig4 enc1; do
    hsm-agent cert install $name $name.cer
done
hsm-agent inventory
# [end]
refused 'a certificate of another key is refused' '*is for this key*' hsm-agent cert install c3 sig4.cer
# [serve]
for name in c3 s4; do
    hsm-agent cert show $name --pem -o $name.pem
    hsm-agent pem $name -o $name.key
done
# [end]
serve s4
check 'S4 answers whom C3 identifies' call ozone-connect.sandbox.bank.example --cert c3.pem --key c3.key
refused 'and nobody else' '*' call ozone-connect.sandbox.bank.example

step 'messages'
# [messages]
hsm-agent jwt sig4 --profile uae-lfi/jwt-auth -o bearer
hsm-agent jwks --profile uae-lfi -o own.jwks
jq -c '.keys[] | select(.use == "enc")' own.jwks >enc1.jwk
printf '{"Creditor":"AE070331234567890123456"}' | hsm-agent jwe-encrypt --recipient enc1.jwk -o pii.jwe
hsm-agent jwe-decrypt enc1 -i pii.jwe -o pii.json
# [end]
kid_of() { # CERTIFICATE: as the directory has it
    openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -binary | basenc --base64url -w 0 | tr -d =
}
kid_in() { # JWT
    cut -d . -f 1 "$1" | tr '_-' '/+' | base64 -d 2>/dev/null | jq -r .kid
}
published() { # KID: in own.jwks
    jq -e --arg kid "$1" '.keys[] | select(.kid == $kid)' own.jwks
}
first=$(kid_of sig4.cer)
check "the bearer's kid is the certificate's" test "$(kid_in bearer)" = "$first"
check 'which is in the JWKS' published "$first"

step 'S4 and C3 are renewed: another key, the same subject'
before=$(served_serial ozone-connect.sandbox.bank.example c3)
# [renew-tls]
hsm-agent key rotate s4
hsm-agent csr s4 --key-version 2 --dns ozone-connect.sandbox.bank.example -o s4-2.csr
# [end]
hsm-agent key rotate c3
hsm-agent csr c3 --key-version 2 --set CN=$application -o c3-2.csr
check 'C3 keeps its subject' cmp <(openssl req -in c3.csr -noout -subject) <(openssl req -in c3-2.csr -noout -subject)
portal client c3-2
portal server s4-2
# [install-tls]
hsm-agent cert install s4 s4-2.cer --key-version 2
hsm-agent cert show s4 --pem -o s4.pem
hsm-agent pem s4 -o s4.key
# [end]
hsm-agent cert install c3 c3-2.cer --key-version 2
check 'C3 of before goes on while programs have its files' call ozone-connect.sandbox.bank.example --cert c3.pem --key c3.key
hsm-agent cert show c3 --pem -o c3.pem
hsm-agent pem c3 -o c3.key
serve s4
check 'the new S4 answers the new C3' call ozone-connect.sandbox.bank.example --cert c3.pem --key c3.key
check 'with its new certificate' test "$(served_serial ozone-connect.sandbox.bank.example c3)" = "$(serial s4-2.cer)" -a \
    "$before" = "$(serial s4.cer)"

step 'Sig4 is renewed: published for 10 minutes before it signs, and both after that'
# [renew-signing]
hsm-agent key rotate sig4
hsm-agent csr sig4 --key-version 2 --set CN=$application -o sig4-2.csr
# [end]
portal sign sig4-2
# [activate]
hsm-agent cert install sig4 sig4-2.cer --key-version 2
hsm-agent key activate sig4 --after "$PUBLISH"
# [end]
second=$(kid_of sig4-2.cer)
hsm-agent jwks --profile uae-lfi -o own.jwks
check 'the new kid is published' published "$second"
hsm-agent jwt sig4 --profile uae-lfi/jwt-auth -o bearer
check 'the old one signs' test "$(kid_in bearer)" = "$first"
signs_anew() {
    hsm-agent jwt sig4 --profile uae-lfi/jwt-auth -o bearer && [ "$(kid_in bearer)" = "$second" ]
}
until_it_is signs_anew
check 'then the new one does' test "$(kid_in bearer)" = "$second"
hsm-agent jwks --profile uae-lfi -o own.jwks
check 'while the old kid is still published' published "$first"
check 'the bearer is good' hsm-agent verify jws --jwks own.jwks --alg PS256 --typ JOSE --lifetime 30 -i bearer

step 'Enc1 is replaced: what was encrypted to it is still read'
# [renew-encryption]
hsm-agent key rotate enc1
hsm-agent csr enc1 --key-version 2 -o enc1-2.csr
# [end]
portal enc enc1-2
hsm-agent cert install enc1 enc1-2.cer --key-version 2
hsm-agent key activate enc1 --after "$PUBLISH"
check 'personal data of before' grep -q AE070331234567890123456 <(hsm-agent jwe-decrypt enc1 -i pii.jwe)
hsm-agent jwks --profile uae-lfi -o own.jwks
jq -c --arg kid "$(kid_of enc1-2.cer)" '.keys[] | select(.kid == $kid)' own.jwks >enc1-2.jwk
printf '{"Creditor":"AE070331234567890123456"}' | hsm-agent jwe-encrypt --recipient enc1-2.jwk -o pii-2.jwe
check 'and of after' grep -q AE070331234567890123456 <(hsm-agent jwe-decrypt enc1 -i pii-2.jwe)
