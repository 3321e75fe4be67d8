# SPDX-License-Identifier: Apache-2.0
"""What the benches share that have load.c's program ask an agent while the fault module's rules change."""
import collections
import json
import os
import subprocess

Answer = collections.namedtuple("Answer", "start end status request code")  # seconds of time.monotonic()

DATA = "aGVsbG8"


def sign(key, algorithm):
    return f"/v1/keys/{key}/sign", {"algorithm": algorithm, "data": DATA}


def decrypt(key, ciphertext):
    return f"/v1/keys/{key}/decrypt", {"algorithm": "RSA-OAEP", "ciphertext": ciphertext}


class Load:
    """Callers that ask from now on. take() waits for the end, and has the answers in their order."""

    def __init__(self, program, socket, path, requests, callers, seconds, *options):
        self.path = path
        words = [program, *options, "-o", path, socket, str(callers), str(seconds)]
        for where, body in requests:
            words += [where, json.dumps(body)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)

    def take(self):
        if self.process.wait() != 0:
            raise RuntimeError("the load program failed")
        with open(self.path, encoding="ascii") as file:
            rows = [line.split() for line in file]
        os.unlink(self.path)
        return sorted((Answer(int(a) / 1e6, int(b) / 1e6, int(c), int(d), e) for a, b, c, d, e in rows),
                      key=lambda answer: answer.end)


class Rules:
    def __init__(self, path, faultctl):
        self.path = path
        self.faultctl = faultctl

    def put(self, *rules):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write("\n".join(rules) + "\n")
        os.rename(self.path + ".new", self.path)

    def fired(self):
        """How many calls have met the first rule."""
        command = [self.faultctl, "fired", self.path, "1"]
        return int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def kinds(answers):
    return dict(collections.Counter(f"{a.status} {a.code}" for a in answers if a.status != 200))
