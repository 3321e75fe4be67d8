# SPDX-License-Identifier: Apache-2.0
"""Takes one HTTP request on the Unix socket argv[1], answers 500, and prints method, path, If-None-Match and body."""
import http.server
import os
import socket
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        only_new = self.headers.get("If-None-Match")
        print(self.command, self.path, f"if-none-match={only_new}" if only_new else "", body)
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    do_GET = do_PUT = do_POST = do_DELETE = handle_any

    def log_message(self, *_):
        pass

    def address_string(self):
        return "local"


listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.settimeout(60)
listener.bind(sys.argv[1] + ".new")
listener.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
connection, _ = listener.accept()
connection.settimeout(60)
Handler(connection, ("local", 0), None)
os.unlink(sys.argv[1])
