#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Full handshakes with a TLS server at a steady rate, until SIGTERM: half of them TLS 1.3, half TLS 1.2 with RSA.
#
#   tls_load.py PORT CA-FILE RATE LOG
#
# Each is a connection of its own, a request, and the whole answer, 200. LOG gets a line for each as soon as it is over:
# when it was begun and when it was over (seconds since the epoch), and `ok` or the reason of its failure.
import signal
import socket
import ssl
import sys
import threading
import time

THREADS = 8
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def contexts(ca_file):
    newest = ssl.create_default_context(cafile=ca_file)
    newest.minimum_version = ssl.TLSVersion.TLSv1_3
    older = ssl.create_default_context(cafile=ca_file)
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    older.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    return newest, older


def request(port, context):
    """One handshake and one answer; 'ok' or what went wrong. No session is kept, so that each one takes a signature."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(REQUEST)
                answer = b""
                while part := secure.recv(4096):
                    answer += part
    except OSError as error:
        return "failed: " + str(error).replace("\n", " ")
    return "ok" if answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\n") else f"answered {answer[:60]!r}"


def run(number, port, ca_file, rate, log, over):
    choices = contexts(ca_file)
    pause = THREADS / rate
    due = time.time() + pause * number / THREADS
    turn = number
    while not over.wait(max(0, due - time.time())):
        begun = time.time()
        result = request(port, choices[turn % 2])
        log.write(f"{begun:.4f} {time.time():.4f} {result}\n")
        turn += 1
        # What couldn't be done in time isn't made up for: the rate is a limit, not a debt.
        due = max(due + pause, time.time())


def main():
    port, ca_file, rate, path = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with open(path, "a", buffering=1, encoding="utf-8") as log:
        threads = [
            threading.Thread(target=run, args=(number, port, ca_file, rate, log, over)) for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


main()
