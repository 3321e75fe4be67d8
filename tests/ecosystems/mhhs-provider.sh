#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A connection provider of the MHHS DIP: its own key is for TLS alone, and each participant for which it signs has a signing
# key of its own, in that one's name.
. "${0%/*}/steps.sh"

step 'the token'
openssl rand -hex 8 >so-pin
openssl rand -hex 8 >pin
hsm-agent token init dip --module "$MODULE" --so-pin "file:$PWD/so-pin" --pin "file:$PWD/pin" >token.txt

step 'the agent'
mkdir profiles
# [vetted]
cat >profiles/mhhs.conf <<'CONF'
[values]
role = connection-provider
state = Kent
city = Dover
organisation = Provider Ltd
domain = provider.example
# What was vetted of the participants.
[message client-signing]
vetted = acme C=GB
vetted = acme ST=Greater London
vetted = acme L=London
vetted = acme O=Acme Energy Ltd
vetted = acme domain=acme.example
vetted = bolt C=GB
vetted = bolt ST=Surrey
vetted = bolt L=Woking
vetted = bolt O=Bolt plc
vetted = bolt domain=bolt.example
CONF
# [end]
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
hsm-agent key create dip-tls --type rsa:4096 --purpose tls-client,tls-server --environment prod --profile mhhs/tls
hsm-agent csr dip-tls -o dip-tls.csr
for participant in acme bolt; do
    hsm-agent key create dip-sign-$participant --type rsa:2048 --purpose sign --environment prod \
        --holder $participant --profile mhhs/client-signing
    hsm-agent csr dip-sign-$participant -o dip-sign-$participant.csr
done
# [end]
check 'the request is in the name of the participant' grep -q \
    'C = GB, ST = Surrey, L = Woking, O = Bolt plc, CN = energydip-prod.bolt.example' <(openssl req -in dip-sign-bolt.csr -noout -subject)
refused 'a signing key of nobody in particular' '*is for keys of one participant each*' hsm-agent key create dip-sign \
    --type ec:p256 --purpose sign --environment prod --profile mhhs/client-signing
refused 'its own name signs nothing' '*is for the role active-participant*' hsm-agent key create dip-sign \
    --type ec:p256 --purpose sign --environment prod --profile mhhs/signing
refused 'nor is one key for both' '*is for the role active-participant*' hsm-agent key create dip-dual --type rsa:4096 \
    --purpose sign,tls-client,tls-server,dual --environment prod --profile mhhs/dual
portal both:398 dip-tls
portal sign:398 dip-sign-acme dip-sign-bolt

step 'certificates and messages'
# [install]
hsm-agent cert install dip-tls dip-tls.cer
for participant in acme bolt; do
    hsm-agent cert install dip-sign-$participant dip-sign-$participant.cer
done
# [end]
# [messages]
printf '{"payload":{"CommonBlock":{"S0":{"interfaceID":"IF-033"}}}}' >message.json
for participant in acme bolt; do
    hsm-agent http-sign dip-sign-$participant --profile mhhs-dip --url https://dip.example/v1/IF-033/Publish \
        -i message.json >fields-$participant
done
# [end]
sender() { # FIELDS
    sed -n 's/^X-DIP-Signature-Certificate: //p' "$1" | base64 -d | openssl x509 -noout -subject -nameopt RFC2253
}
for participant in acme bolt; do
    check "a message of $participant is good" hsm-agent verify http-signature --profile mhhs-dip \
        --url https://dip.example/v1/IF-033/Publish -H @fields-$participant -i message.json
done
check 'each has the certificate of its participant' test "$(sender fields-acme)" != "$(sender fields-bolt)" -a \
    "$(sender fields-bolt)" = 'subject=CN=energydip-prod.bolt.example,O=Bolt plc,L=Woking,ST=Surrey,C=GB'
refused "the provider's key for TLS signs no message" '*purpose*' hsm-agent http-sign dip-tls --profile mhhs-dip \
    --cert dip-tls.cer --url https://dip.example/v1/IF-033/Publish -i message.json
