# SPDX-License-Identifier: Apache-2.0
"""What the flow tests' programs share: HTTP over a Unix socket, and signatures checked without any library's help."""
import base64
import hashlib
import http.client
import json
import socket


class Agent:
    """One kept connection to an agent; opened again when the agent has closed it."""

    def __init__(self, path, timeout=120):
        self.path = path
        self.timeout = timeout
        self.connection = None

    def connect(self):
        self.connection = http.client.HTTPConnection("localhost", timeout=self.timeout)
        self.connection.sock = connect(self.path, self.timeout)

    def call(self, method, path, body=None, headers=None):
        """Returns the status and the parsed body."""
        if self.connection is None or self.connection.sock is None:
            self.connect()
        data = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, data, headers or {})
        reply = self.connection.getresponse()
        text = reply.read()
        return reply.status, json.loads(text)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def connect(path, timeout=120):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    sock.connect(path)
    return sock


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text):
    return int.from_bytes(unb64u(text), "big")


# --- Signatures

HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
DIGEST_INFO = {
    "256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


def rsa_block(jwk, signature):
    """The signature to the power of e: the encoded message of RFC 8017, or None."""
    n, e = number(jwk["n"]), number(jwk["e"])
    size = (n.bit_length() + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= n:
        return None
    return pow(value, e, n).to_bytes(size, "big")


def verify_pkcs1(jwk, size, data, signature):
    block = rsa_block(jwk, signature)
    tail = DIGEST_INFO[size] + HASHES[size](data).digest()
    return block is not None and block == b"\0\1" + b"\xff" * (len(block) - len(tail) - 3) + b"\0" + tail


def mgf1(hash_, seed, length):
    mask = b""
    counter = 0
    while len(mask) < length:
        mask += hash_(seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return mask[:length]


def verify_pss(jwk, size, data, signature):
    """RSASSA-PSS as RFC 7518 wants it: MGF1 with the same hash, the salt as long as the hash."""
    hash_ = HASHES[size]
    block = rsa_block(jwk, signature)
    length = hash_().digest_size
    if block is None or block[-1] != 0xBC:
        return False
    bits = number(jwk["n"]).bit_length() - 1
    masked, h = block[: -length - 1], block[-length - 1 : -1]
    unmasked = bytearray(a ^ b for a, b in zip(masked, mgf1(hash_, h, len(masked))))
    unmasked[0] &= 0xFF >> (8 * len(block) - bits)
    salt = bytes(unmasked[-length:])
    if bytes(unmasked[:-length]) != b"\0" * (len(unmasked) - length - 1) + b"\1":
        return False
    return hash_(b"\0" * 8 + hash_(data).digest() + salt).digest() == h


# P-256, FIPS 186-4 D.1.2.3
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def point_double(p):
    x, y, z = p
    if not y:
        return (1, 1, 0)
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * (x - z * z) * (x + z * z) % P
    x3 = (m * m - 2 * s) % P
    return (x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P)


def point_add(p, q):
    if not p[2]:
        return q
    if not q[2]:
        return p
    z1, z2 = p[2] * p[2] % P, q[2] * q[2] % P
    u1, u2 = p[0] * z2 % P, q[0] * z1 % P
    s1, s2 = p[1] * z2 * q[2] % P, q[1] * z1 * p[2] % P
    if u1 == u2:
        return point_double(p) if s1 == s2 else (1, 1, 0)
    h, r = u2 - u1, s2 - s1
    hh = h * h % P
    v = u1 * hh % P
    x3 = (r * r - h * hh - 2 * v) % P
    return (x3, (r * (v - x3) - s1 * h * hh) % P, h * p[2] * q[2] % P)


def verify_es256(jwk, data, signature):
    """signature: r and s side by side."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not (0 < r < N and 0 < s < N):
        return False
    w = pow(s, -1, N)
    a = int.from_bytes(hashlib.sha256(data).digest(), "big") * w % N
    b = r * w % N
    g, q = (*G, 1), (number(jwk["x"]), number(jwk["y"]), 1)
    both = point_add(g, q)
    sum_ = (1, 1, 0)
    for bit in range(255, -1, -1):
        sum_ = point_double(sum_)
        at_a, at_b = a >> bit & 1, b >> bit & 1
        if at_a and at_b:
            sum_ = point_add(sum_, both)
        elif at_a:
            sum_ = point_add(sum_, g)
        elif at_b:
            sum_ = point_add(sum_, q)
    return bool(sum_[2]) and sum_[0] * pow(sum_[2], -2, P) % P % N == r


def verify(jwk, algorithm, data, signature):
    """For RS*, PS* and ES256 in raw form."""
    if algorithm.startswith("RS"):
        return verify_pkcs1(jwk, algorithm[2:], data, signature)
    if algorithm.startswith("PS"):
        return verify_pss(jwk, algorithm[2:], data, signature)
    if algorithm == "ES256":
        return verify_es256(jwk, data, signature)
    raise ValueError(algorithm)


# --- Lines for part() of lib.sh

def tell(good, name, *diagnostics):
    print(("ok " if good else "not ok ") + name)
    if not good:
        for line in diagnostics:
            print("#", str(line).replace("\n", "\n# "))
