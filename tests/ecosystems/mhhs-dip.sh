#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An active participant of the MHHS DIP: one key for TLS, which serves its webhook too, and one that signs messages, from an
# empty token to certificates that are served and renewed. The portal is the DIP's, whose CA is GlobalSign's.
. "${0%/*}/steps.sh"

step 'the token'
openssl rand -hex 8 >so-pin
openssl rand -hex 8 >pin
hsm-agent token init dip --module "$MODULE" --so-pin "file:$PWD/so-pin" --pin "file:$PWD/pin" >token.txt

step 'the agent'
mkdir profiles
cat >profiles/mhhs.conf <<'CONF'
# As the DIP's administrator vetted it, character by character.
[values]
role = active-participant
state = Kent
city = Dover
organisation = Example Energy Ltd
domain = energy.example
CONF
cat >profiles/mhhs-dip.conf <<CONF
[optional values]
anchors = $BUNDLE
# In a trial, without the CA's lists of what it revoked.
[message request]
revocation = no
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
sed -n '/^\[token/,$p' token.txt >>agent.conf
echo "environment = SOFTHSM2_CONF=$SOFTHSM2_CONF" >>agent.conf
start_agent

step 'keys and requests'
# [keys]
hsm-agent key create dip-tls --type rsa:4096 --purpose tls-client,tls-server --environment pre-prod --profile mhhs/tls
hsm-agent key create dip-sign --type rsa:2048 --purpose sign --environment pre-prod --profile mhhs/signing
hsm-agent csr dip-tls -o dip-tls.csr
hsm-agent csr dip-sign -o dip-sign.csr
# [end]
check 'the subject is the vetted one, of this environment' grep -q \
    'C = GB, ST = Kent, L = Dover, O = Example Energy Ltd, CN = energydip-nonprod.energy.example' <(openssl req -in dip-tls.csr -noout -subject)
refused 'the name of production is refused' '*is a name of the environment prod*' \
    hsm-agent csr dip-sign --set CN=energydip-prod.energy.example
refused 'and a value that is not quite the vetted one' '*only case or spaces differ*' hsm-agent csr dip-sign --set 'O=Example Energy LTD'
refused 'RSA of 2048 bits is too short for TLS' '*is for keys of the type rsa:4096*' hsm-agent key create short --type rsa:2048 \
    --purpose tls-client,tls-server --environment pre-prod --profile mhhs/tls
portal both:398 dip-tls
portal sign:398 dip-sign

step 'certificates: installed, and served'
# [install]
hsm-agent cert install dip-tls dip-tls.cer
hsm-agent cert install dip-sign dip-sign.cer
hsm-agent cert show dip-tls --pem -o dip-tls.pem
hsm-agent pem dip-tls -o dip-tls.key
# [end]
host=webhook.energy.example
served() { # by its name, since the certificate's CN is not the webhook's
    curl -sS -m 30 --cacert "$ROOT" --cert dip-tls.pem --key dip-tls.key --connect-to "::127.0.0.1:$port" \
        "https://energydip-nonprod.energy.example:$port/" -o answer
}
serve dip-tls
check 'mutual TLS, as the webhook and as the client' served

step 'a message'
# [message]
printf '{"payload":{"CommonBlock":{"S0":{"interfaceID":"IF-033"}}}}' >message.json
hsm-agent http-sign dip-sign --profile mhhs-dip --url 'https://dip.example/v1/IF-033/Publish' -i message.json >fields
# [end]
good() {
    hsm-agent verify http-signature --profile mhhs-dip --url 'https://dip.example/v1/IF-033/Publish' -H @fields -i message.json
}
check 'with the installed certificate, it is good' good
certificate_in() { # FIELDS
    sed -n 's/^X-DIP-Signature-Certificate: //p' "$1" | base64 -d >sent.pem && serial sent.pem
}
check 'which is sent with it' test "$(certificate_in fields)" = "$(serial dip-sign.cer)"
refused 'the key for TLS signs no message' '*purpose*' \
    hsm-agent http-sign dip-tls --profile mhhs-dip --cert dip-tls.cer --url 'https://dip.example/v1/IF-033/Publish' -i message.json
refused 'and the other one gets no certificate for TLS' '*is for certificates of mhhs/signing*' hsm-agent csr dip-sign --profile mhhs/tls

step 'renewed: the old certificates stay valid'
# [renew]
for name in dip-tls dip-sign; do
    hsm-agent key rotate $name
    hsm-agent csr $name --key-version 2 -o $name-2.csr
done
# [end]
portal both:398 dip-tls-2
portal sign:398 dip-sign-2
before=$(served_serial energydip-nonprod.energy.example dip-tls)
# [install-renewed]
for name in dip-tls dip-sign; do
    hsm-agent cert install $name $name-2.cer --key-version 2
done
hsm-agent key activate dip-sign
hsm-agent cert show dip-tls --pem -o dip-tls.pem
hsm-agent pem dip-tls -o dip-tls.key
# [end]
serve dip-tls
check 'mutual TLS with the new one' served
check 'which is another one' test "$before" = "$(serial dip-tls.cer)" -a \
    "$(served_serial energydip-nonprod.energy.example dip-tls)" = "$(serial dip-tls-2.cer)"
mv fields fields-before
hsm-agent http-sign dip-sign --profile mhhs-dip --url 'https://dip.example/v1/IF-033/Publish' -i message.json >fields
check 'messages have the new certificate' test "$(certificate_in fields)" = "$(serial dip-sign-2.cer)"
check 'and are good' good
mv fields-before fields
check 'as are those of before' good
