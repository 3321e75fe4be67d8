# SPDX-License-Identifier: Apache-2.0
"""tls_content.py DIRECTORY: writes there what TLS stacks have signed in handshakes, a file each, a JWT, and
what was signed in the request DIRECTORY/req.der and the certificate DIRECTORY/cert.der."""
import os
import sys


def vector(length_bytes, value):
    return len(value).to_bytes(length_bytes, "big") + value


def certificate_verify(side, hash_length):
    return b" " * 64 + b"TLS 1.3, " + side + b" CertificateVerify\0" + os.urandom(hash_length)


def ecdhe(curve, point):
    return os.urandom(64) + b"\x03" + curve.to_bytes(2, "big") + vector(1, point)


def dhe(bits):
    return os.urandom(64) + vector(2, b"\xff" + os.urandom(bits // 8 - 1)) + vector(2, b"\x02") + vector(
        2, os.urandom(bits // 8))


def message(kind, body):
    return bytes([kind]) + vector(3, body)


def transcript():
    extensions = b"".join(kind.to_bytes(2, "big") + vector(2, value) for kind, value in (
        (0, b"\x00\x0f\x00\x00\x0cpeer.example"), (10, b"\x00\x04\x00\x1d\x00\x17"), (13, b"\x00\x04\x04\x03\x08\x04")))
    suites = b"\xc0\x2b\xc0\x2f\xc0\x30\x00\xff"
    hello = b"\x03\x03" + os.urandom(32) + vector(1, os.urandom(32)) + vector(2, suites) + b"\x01\x00" + vector(
        2, extensions)
    answer = b"\x03\x03" + os.urandom(32) + b"\x00\xc0\x2f\x00"
    chain = vector(3, vector(3, os.urandom(900)) + vector(3, os.urandom(1100)))
    exchange = b"\x03\x00\x1d" + vector(1, os.urandom(32)) + b"\x08\x04" + vector(2, os.urandom(256))
    request = b"\x01\x01" + vector(2, b"\x04\x03\x08\x04") + vector(2, b"")
    return b"".join((message(1, hello), message(2, answer), message(11, chain), message(12, exchange),
                     message(13, request), message(14, b""), message(11, chain), message(16, vector(1, os.urandom(32)))))


def element(der, start):
    """Where the value of the DER element at start begins, and where it ends."""
    length, at = der[start + 1], start + 2
    if length >= 0x80:
        at += length & 0x7f
        length = int.from_bytes(der[start + 2:at], "big")
    return at, at + length


def first_in(path):
    """The first element in the sequence that the file is: what is signed."""
    with open(path, "rb") as file:
        der = file.read()
    start, _ = element(der, 0)
    return der[start:element(der, start)[1]]


directory = sys.argv[1]
CONTENTS = {
    "server13": certificate_verify(b"server", 32),
    "server13-384": certificate_verify(b"server", 48),
    "client13": certificate_verify(b"client", 32),
    "ecdhe-p256": ecdhe(23, b"\x04" + os.urandom(64)),
    "ecdhe-x25519": ecdhe(29, os.urandom(32)),
    "dhe": dhe(2048),
    "transcript": transcript(),
    "csr": first_in(os.path.join(directory, "req.der")),
    "x509": first_in(os.path.join(directory, "cert.der")),
    "jwt": b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UifQ",
}

for name, content in CONTENTS.items():
    with open(os.path.join(directory, name), "wb") as file:
        file.write(content)
