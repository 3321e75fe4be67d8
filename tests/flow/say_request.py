# SPDX-License-Identifier: Apache-2.0
"""An HTTP server for one request: its port goes to the file argv[1], the request to the directory argv[2]."""
import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        os.makedirs(sys.argv[2], exist_ok=True)
        with open(sys.argv[2] + "/headers", "w", encoding="utf-8") as file:
            file.writelines(f"{name}: {value}\n" for name, value in self.headers.items())
        with open(sys.argv[2] + "/body", "wb") as file:
            file.write(body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w", encoding="utf-8") as port:
    port.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.handle_request()
