# SPDX-License-Identifier: Apache-2.0
"""Sends one request and keeps the connection until standard input ends.

argv are the socket, the method, the path and a file with the body. Prints the status when the answer is there.
"""
import socket
import sys

path, method, target, body = sys.argv[1:]
with open(body, "rb") as file:
    content = file.read()
with socket.socket(socket.AF_UNIX) as peer:
    peer.connect(path)
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    peer.sendall(head.encode() + b"\r\n\r\n" + content)
    print(peer.recv(65536).split()[1].decode(), flush=True)
    sys.stdin.read()
