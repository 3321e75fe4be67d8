#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A web server as one writes it in Python, with TLS 1.2 and 1.3; the key may be a key reference.
#
#   web_server.py PORT CHAIN-FILE KEY-FILE
import http.server
import socketserver
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content = b"hello from python\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Handshakes are the connection threads' matter: one that fails, or a token that is slow, stops nobody else."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port, context):
        super().__init__(("127.0.0.1", port), Handler)
        self.context = context

    def finish_request(self, request, client_address):
        with self.context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_2
context.load_cert_chain(sys.argv[2], sys.argv[3])
Server(int(sys.argv[1]), context).serve_forever()
