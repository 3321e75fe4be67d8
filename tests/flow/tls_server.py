# SPDX-License-Identifier: Apache-2.0
# A TLS server to be checked: tls_server.py CHAIN KEY [OPTION...] or tls_server.py hang|garbage|flood|endless
# Prints its port when it listens on 127.0.0.1, and serves until it is ended.
#
#   --ca FILE        asks for client certificates of that CA: 400 without one, 403 with another OU than --ou
#   --ou OU
#   --max 1.2        the newest version of TLS
#   --old            TLS 1.0 and 1.1 as well
#   --status N       instead of 200
#   --not-http       answers with something else
#   --listen ADDRESS instead of 127.0.0.1
import argparse
import os
import socket
import ssl
import sys
import threading

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def make_context(options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Weak keys and old versions are among what a check has to find.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1 if options.old else ssl.TLSVersion.TLSv1_2
    context.maximum_version = VERSIONS[options.max]
    context.load_cert_chain(options.chain, options.key)
    if options.ca:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(options.ca)
    return context


def status_for(connection, options):
    if not options.ca:
        return options.status
    certificate = connection.getpeercert()
    if not certificate:
        return 400
    units = [value for rdn in certificate["subject"] for name, value in rdn if name == "organizationalUnitName"]
    return options.status if not options.ou or options.ou in units else 403


def serve(plain, context, options):
    plain.settimeout(20)
    try:
        with context.wrap_socket(plain, server_side=True) as connection:
            request = b""
            while b"\r\n\r\n" not in request:
                more = connection.recv(4096)
                if not more:
                    return
                request += more
            if options.not_http:
                connection.sendall(b"220 mail.example ESMTP ready\r\n")
            else:
                status = status_for(connection, options)
                connection.sendall(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
    except (OSError, ValueError):
        pass
    finally:
        plain.close()


# --- Peers that don't speak TLS, or don't stop

def hang(plain):
    plain.settimeout(60)
    try:
        while plain.recv(4096):
            pass
    except OSError:
        pass
    plain.close()


def send_for_ever(plain, block):
    plain.settimeout(20)
    try:
        while True:
            plain.sendall(block)
    except OSError:
        pass
    plain.close()


PEERS = {
    "hang": hang,
    "garbage": lambda plain: send_for_ever(plain, os.urandom(4096)),
    # A TLS record of 16 KiB that begins a handshake message of 16 MiB: a certificate that never ends.
    "flood": lambda plain: send_for_ever(plain, b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff" + bytes(16380)),
    # Records without content.
    "endless": lambda plain: send_for_ever(plain, b"\x16\x03\x03\x00\x00" * 800),
}


def main():
    if sys.argv[1] in PEERS:
        answer, arguments, address = PEERS[sys.argv[1]], (), "127.0.0.1"
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("chain")
        parser.add_argument("key")
        parser.add_argument("--ca")
        parser.add_argument("--ou")
        parser.add_argument("--max", default="1.3")
        parser.add_argument("--old", action="store_true")
        parser.add_argument("--status", type=int, default=200)
        parser.add_argument("--not-http", action="store_true")
        parser.add_argument("--listen", default="127.0.0.1")
        options = parser.parse_args()
        answer, arguments, address = serve, (make_context(options), options), options.listen
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen(16)
        print(listener.getsockname()[1], flush=True)
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=answer, args=(plain, *arguments), daemon=True).start()


main()
