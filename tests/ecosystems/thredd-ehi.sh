#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A programme manager's EHI endpoint, which Thredd calls: the server's certificate of a public CA, from an empty token to one
# that is served and renewed. The portal is that CA's.
. "${0%/*}/steps.sh"

step 'the token'
openssl rand -hex 8 >so-pin
openssl rand -hex 8 >pin
hsm-agent token init ehi --module "$MODULE" --so-pin "file:$PWD/so-pin" --pin "file:$PWD/pin" >token.txt

step 'the agent'
mkdir profiles
cat >profiles/thredd-ehi.conf <<'CONF'
[optional values]
prod-names = ehi.acme.example
pre-prod-names = *.test.acme.example
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

step 'key and request'
# [keys]
hsm-agent key create ehi --type ec:p256 --purpose tls-server --environment prod --profile thredd-ehi
hsm-agent csr ehi --set CN=ehi.acme.example -o ehi.csr
# [end]
check 'the host is an alternative name too' grep -q DNS:ehi.acme.example <(openssl req -in ehi.csr -noout -text)
refused 'a host of the test environment is refused' '*is a name of the environment pre-prod*' \
    hsm-agent csr ehi --set CN=ehi.test.acme.example
portal server:365 ehi

step 'installed, and served'
# [install]
hsm-agent cert install ehi ehi.cer
hsm-agent cert show ehi --pem -o ehi.pem
hsm-agent pem ehi -o ehi.key
# [end]
# Thredd's client, whose key is Thredd's.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout thredd.key -subj /CN=thredd -out thredd.csr 2>/dev/null
portal client thredd
mv thredd.cer thredd.pem
serve ehi
check 'Thredd is answered' call ehi.acme.example --cert thredd.pem --key thredd.key
refused 'a call without a certificate is not' '*' call ehi.acme.example
chain() { # the depths that the client verified, and its verdict
    openssl s_client -connect "127.0.0.1:$port" -servername ehi.acme.example -CAfile "$ROOT" -cert thredd.pem -key thredd.key \
        -verify_return_error </dev/null 2>&1 | sed -n 's/^depth=\([0-9]\).*/\1/p; s/^Verify return code: \([0-9]*\).*/verdict \1/p' | uniq
}
check 'the chain is whole: root, issuing CA, leaf' test "$(chain | sort -u | tr '\n' ' ')" = '0 1 2 verdict 0 '

step 'renewed, with another key'
before=$(served_serial ehi.acme.example thredd)
# [renew]
hsm-agent key rotate ehi
hsm-agent csr ehi --key-version 2 --set CN=ehi.acme.example -o ehi-2.csr
# [end]
portal server:365 ehi-2
# [install-renewed]
hsm-agent cert install ehi ehi-2.cer --key-version 2
hsm-agent cert show ehi --pem -o ehi.pem
hsm-agent pem ehi -o ehi.key
# [end]
serve ehi
check 'Thredd is answered again' call ehi.acme.example --cert thredd.pem --key thredd.key
check 'with the new certificate' test "$(served_serial ehi.acme.example thredd)" = "$(serial ehi-2.cer)" -a "$before" = "$(serial ehi.cer)"
