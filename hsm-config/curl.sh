#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# curl and python as TLS clients, with a certificate whose key stays in the token. See hsm-agent-provider(7).
#
# The key, its certificate's request, and the reference that stands in for the key file (the subject is the partner's to
# say; UAE Open Finance takes RSA 2048 only, and no names but these):
#
#     hsm-agent key create caller --type rsa:2048 --purpose tls-client
#     hsm-agent csr caller --subject C=AE,O=Bank,OU=ORGANISATION-ID,CN=CLIENT-ID --alg RS256 -o caller.csr
#     hsm-agent pem caller -o /etc/hsm-agent/tls/caller.pem
#
# hsm-agent.conf lets the user that runs the client sign handshakes, and nothing else:
#
#     [client caller]
#     user = payments
#     allow = caller:tls
set -eu

# Before the program starts: OpenSSL reads it once.
OPENSSL_CONF=/etc/hsm-agent/openssl.cnf
export OPENSSL_CONF

# The certificate and the CA that issued it, as the server may know the root only.
certificate=/etc/hsm-agent/tls/caller.chain
key=/etc/hsm-agent/tls/caller.pem
server_root=/etc/hsm-agent/tls/server-root.crt
url=https://endpoint.example:8443/hello-mtls

curl --silent --show-error --fail --max-time 30 --cacert "$server_root" --cert "$certificate" --key "$key" "$url"

python3 - "$server_root" "$certificate" "$key" "$url" <<'END'
import ssl, sys, urllib.request

server_root, certificate, key, url = sys.argv[1:]
context = ssl.create_default_context(cafile=server_root)
context.load_cert_chain(certificate, key)
with urllib.request.urlopen(url, context=context, timeout=30) as answer:
    print(answer.read().decode(), end="")
END
