# SPDX-License-Identifier: Apache-2.0
"""Eight classes of ciphertexts that don't decrypt, each sample another ciphertext: is the answer the same, byte for byte,
and as fast?

    uniform.py SOCKET KEY MODULUS SAMPLES

The samples are taken in blocks. A block has one of each class, in random order, one after the other over one kept
connection. The times of a block are ranked, and the ranks are Friedman's test: if no class differs from another, its
statistic has the distribution of chi squared with 7 degrees of freedom, and is above 24.32 in one of 1,000 runs. Ranks
within a block don't mind what else the machine does meanwhile, as long as it lasts longer than a block. Beside it stands
the median of each class's differences from the median of its block.
"""
import hashlib
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "flow"))
import agentlib

CRITICAL = 24.32


def mgf1(seed, length, hash_):
    out = b""
    for counter in range((length + 31) // 20 + 1):
        out += hash_(seed + counter.to_bytes(4, "big")).digest()
    return out[:length]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def oaep(size, hash_=hashlib.sha256, first=0, label=b"", separator=1, padding=b""):
    """An encoded block; what isn't given is right."""
    length = hash_().digest_size
    message = os.urandom(32)
    data = hash_(label).digest() + padding
    data += bytes(size - 2 - length - len(data) - len(message)) + bytes([separator]) + (message if separator else bytes(32))
    seed = os.urandom(length)
    masked = xor(data, mgf1(seed, len(data), hash_))
    return bytes([first]) + xor(seed, mgf1(masked, length, hash_)) + masked


def pkcs1(size):
    message = os.urandom(32)
    return b"\0\2" + bytes(random.randrange(1, 256) for _ in range(size - 3 - len(message))) + b"\0" + message


def classes(n, e):
    size = (n.bit_length() + 7) // 8

    def encrypt(block):
        return pow(int.from_bytes(block, "big"), e, n).to_bytes(size, "big")

    return {
        "first byte not zero, the rest right": lambda: encrypt(oaep(size, first=1)),
        "another label": lambda: encrypt(oaep(size, label=b"another")),
        "no separator": lambda: encrypt(oaep(size, separator=0)),
        "another byte before the separator": lambda: encrypt(oaep(size, padding=b"\0\0\2")),
        "separator of another value": lambda: encrypt(oaep(size, separator=2)),
        "another hash": lambda: encrypt(oaep(size, hashlib.sha1)),
        "PKCS #1 v1.5": lambda: encrypt(pkcs1(size)),
        "for another key": lambda: random.randrange(1, n).to_bytes(size, "big"),
    }


class Connection:
    """Raw HTTP, since a library's own work is noise."""

    def __init__(self, path, key):
        self.socket = agentlib.connect(path)
        self.head = f"POST /v1/keys/{key}/decrypt HTTP/1.1\r\nHost: localhost\r\nContent-Length: ".encode()
        self.buffer = b""

    def ask(self, ciphertext):
        body = b'{"algorithm":"RSA-OAEP-256","ciphertext":"' + agentlib.b64u(ciphertext).encode() + b'"}'
        request = self.head + str(len(body)).encode() + b"\r\n\r\n" + body
        began = time.perf_counter_ns()
        self.socket.sendall(request)
        answer = self.socket.recv(65536)
        took = time.perf_counter_ns() - began
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(65536)
        head, _, rest = answer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
        while len(rest) < length:
            rest += self.socket.recv(65536)
        kept = [line for line in lines if not line.lower().startswith((b"date:", b"request-id:"))]
        return (b"\r\n".join(kept), rest), took


def main():
    path, key, n, samples = sys.argv[1], sys.argv[2], int(sys.argv[3], 16), int(sys.argv[4])
    kinds = classes(n, 65537)
    names = list(kinds)
    connection = Connection(path, key)
    answers, ranks, differences = {}, dict.fromkeys(names, 0.0), {name: [] for name in names}
    for block in range(-20, samples):
        order = random.sample(names, len(names))
        ciphertexts = {name: kinds[name]() for name in order}
        times = {}
        for name in order:
            answer, times[name] = connection.ask(ciphertexts[name])
            answers.setdefault(answer, set()).add(name)
        if block < 0:
            continue
        for rank, name in enumerate(sorted(names, key=times.get), 1):
            ranks[name] += rank
        middle = statistics.median(times.values())
        for name in names:
            differences[name].append(times[name] - middle)
    k = len(names)
    statistic = 12 / (samples * k * (k + 1)) * sum(rank * rank for rank in ranks.values()) - 3 * samples * (k + 1)
    for name in names:
        print(f"# {name}: mean rank {ranks[name] / samples:.3f} of {k}, "
              f"median difference {statistics.median(differences[name]) / 1000:+.2f} us")
    print(f"# {samples} samples of each of {k} classes; Friedman's statistic {statistic:.2f}, critical value {CRITICAL}")
    agentlib.tell(len(answers) == 1, "status, headers and body are the same for all of them",
                  *[f"{answer[0]} {answer[1]}: {sorted(who)}" for answer, who in list(answers.items())[:4]])
    agentlib.tell(any(b" 422 " in answer[0] for answer in answers), "which is status 422")
    agentlib.tell(statistic < CRITICAL, "no class is faster or slower than another")


main()
