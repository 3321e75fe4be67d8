#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A DFSP at a Mojaloop switch: the certificate of its client, which the hub signs, and that of its server, which its own CA
# signs, from an empty token to certificates that are served and renewed. The portal is the Connection Manager; the DFSP's
# CA speaks EST at $EST, and knows whom $EST_USER names.
. "${0%/*}/steps.sh"
export HSM_AGENT_ENROL_DIR=$PWD/enrol

step 'the token'
openssl rand -hex 8 >so-pin
openssl rand -hex 8 >pin
hsm-agent token init mojaloop --module "$MODULE" --so-pin "file:$PWD/so-pin" --pin "file:$PWD/pin" >token.txt

step 'the agent'
mkdir profiles
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

step 'keys'
# [keys]
hsm-agent key create fsp-client --type rsa:4096 --purpose tls-client --profile mojaloop-client
hsm-agent key create fsp-server --type rsa:4096 --purpose tls-server --profile mojaloop-server
# [end]

step "the client's certificate: a request for the hub, through the Connection Manager"
# [client]
hsm-agent csr fsp-client --set CN=payerfsp.example --set 'O=Payer Bank' -o fsp-client.csr
jq -n --rawfile csr fsp-client.csr '{clientCSR: $csr}' >enrollment.json
# [end]
check 'the body that the Connection Manager takes' test "$(jq -r .clientCSR enrollment.json | openssl req -verify -noout -subject 2>&1 | tail -n 1)" = \
    'subject=CN = payerfsp.example, O = Payer Bank'
portal client fsp-client
# [client-install]
hsm-agent cert install fsp-client fsp-client.cer
hsm-agent cert show fsp-client --pem -o fsp-client.pem
hsm-agent pem fsp-client -o fsp-client.key
# [end]

step "the server's certificate, from the DFSP's own CA by EST"
# [server]
hsm-agent enrol fsp-server --est "$EST" --ca "$ROOT" --user-file "$EST_USER" \
    --set CN=fsp.example --dns fsp.example --ip 192.0.2.10
hsm-agent cert show fsp-server --pem -o fsp-server.pem
hsm-agent pem fsp-server -o fsp-server.key
# [end]
check 'it has the alternative names' grep -q 'DNS:fsp.example, IP Address:192.0.2.10' <(openssl x509 -in fsp-server.pem -noout -text)
serve fsp-server
check "the server answers whom the hub's certificate identifies" call fsp.example --cert fsp-client.pem --key fsp-client.key
refused 'and nobody else' '*' call fsp.example
refused 'the key of the server is no client' '*' call fsp.example --cert fsp-server.pem --key fsp-server.key

step 'renewed: the server by its CA, with another key'
before=$(served_serial fsp.example fsp-client)
# [server-renew]
hsm-agent renew fsp-server --rotate
hsm-agent cert show fsp-server --pem -o fsp-server.pem
hsm-agent pem fsp-server -o fsp-server.key
# [end]
serve fsp-server
check 'the server has another certificate' test "$(served_serial fsp.example fsp-client)" = "$(serial fsp-server.pem)" -a \
    "$before" != "$(serial fsp-server.pem)"
check 'with the same names' grep -q 'DNS:fsp.example, IP Address:192.0.2.10' <(openssl x509 -in fsp-server.pem -noout -text)

step 'and the client through the Connection Manager'
# [client-renew]
hsm-agent key rotate fsp-client
hsm-agent csr fsp-client --key-version 2 --set CN=payerfsp.example --set 'O=Payer Bank' -o fsp-client-2.csr
# [end]
portal client fsp-client-2
check 'the old one goes on meanwhile' call fsp.example --cert fsp-client.pem --key fsp-client.key
# [client-install-renewed]
hsm-agent cert install fsp-client fsp-client-2.cer --key-version 2
hsm-agent cert show fsp-client --pem -o fsp-client.pem
hsm-agent pem fsp-client -o fsp-client.key
# [end]
check 'the new one serves' call fsp.example --cert fsp-client.pem --key fsp-client.key
check 'which is the new one' test "$(serial fsp-client.pem)" = "$(serial fsp-client-2.cer)"
