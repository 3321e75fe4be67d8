# SPDX-License-Identifier: Apache-2.0
"""Prints what comes as datagrams at the Unix socket argv[1], a line each, until it is ended."""
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1] + ".new")
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    print(listener.recv(4096).decode(), flush=True)
