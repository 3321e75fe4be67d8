# SPDX-License-Identifier: Apache-2.0
"""Signatures at a steady rate through a rotation, each verified against two sets of public keys: the one that was
published when it was asked for, which a verifier may have kept, and the one after it. argv: socket, seconds, rate."""
import json
import sys
import threading
import time

from agentlib import Agent, b64u, tell, unb64u, verify

SOCKET, SECONDS, RATE = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
WORKERS = 4
JWKS = "/v1/jwks?profile=site"


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.versions = {}
        self.published = set()
        self.failures = []
        self.latest = 0.0

    def signed(self, version, late):
        with self.lock:
            self.versions[version] = self.versions.get(version, 0) + 1
            self.latest = max(self.latest, late)

    def seen(self, keys):
        with self.lock:
            self.published.add(frozenset(keys))

    def fail(self, *what):
        with self.lock:
            self.failures.append(what)


def published(agent, tally):
    status, answer = agent.call("GET", JWKS)
    if status != 200:
        tally.fail("jwks", status, answer)
        return {}
    keys = {jwk["kid"]: jwk for jwk in answer["keys"] if jwk.get("use") == "sig"}
    tally.seen(keys)
    return keys


def is_good(jws, keys):
    header, payload, signature = jws.split(".")
    said = json.loads(unb64u(header))
    jwk = keys.get(said["kid"])
    return jwk is not None and verify(jwk, said["alg"], f"{header}.{payload}".encode(), unb64u(signature))


def sign(begin, mine, tally):
    agent = Agent(SOCKET)
    for i in range(mine, int(SECONDS * RATE), WORKERS):
        due = begin + i / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        late = time.monotonic() - due
        before = published(agent, tally)
        status, answer = agent.call("POST", "/v1/keys/signer/jws", {"profile": "site/note", "payload_text": f"note {i}"})
        after = published(agent, tally)
        if status != 200:
            tally.fail(i, status, answer)
            continue
        for when, keys in (("before", before), ("after", after)):
            if not is_good(answer["jws"], keys):
                tally.fail(i, "not verified with the keys published", when, answer["version"], sorted(keys))
        tally.signed(answer["version"], late)
    agent.close()


def encrypt(agent, n):
    """Messages to the key that decrypts: JWEs that name it, JWEs that don't, and bare ciphertexts."""
    status, answer = agent.call("GET", "/v1/keys/box")
    assert status == 200, answer
    public = answer["public_key"]
    messages = []
    for i in range(n):
        for kid in (public["thumbprint"], None):
            body = {"recipient": dict(public["jwk"]), "plaintext": b64u(b"kept %d" % i), "algorithm": "RSA-OAEP-256"}
            if kid:
                body["recipient"]["kid"] = kid
            status, answer = agent.call("POST", "/v1/jwe-encrypt", body)
            assert status == 200, answer
            messages.append((i, answer["jwe"]))
    return messages


def decrypt(agent, messages):
    """How many open, and by which versions."""
    good, versions = 0, set()
    for i, jwe in messages:
        status, answer = agent.call("POST", "/v1/keys/box/jwe-decrypt", {"jwe": jwe})
        if status == 200 and unb64u(answer["plaintext"]) == b"kept %d" % i:
            good += 1
            versions.add(answer["version"])
    return good, versions


def main():
    agent = Agent(SOCKET)
    tally = Tally()
    kept = encrypt(agent, 5)
    begin = time.monotonic() + 0.2
    threads = [threading.Thread(target=sign, args=(begin, i, tally)) for i in range(WORKERS)]
    for thread in threads:
        thread.start()
    # One sixth of the time with one version, then published for a third, then both, and the last bit with the new one.
    time.sleep(SECONDS / 6)
    times = {"activate_after": int(SECONDS / 4), "overlap": int(SECONDS / 4)}
    for key in ("signer", "box"):
        status, answer = agent.call("POST", f"/v1/keys/{key}/rotate", times)
        tell(status == 201 and answer["version"] == 2 and answer["status"] == "pending", f"{key} is rotated", answer)
    for thread in threads:
        thread.join()
    total = sum(tally.versions.values())
    tell(not tally.failures, "no signature failed, and each verifies with what is published", *tally.failures[:5])
    tell(total == int(SECONDS * RATE), "all were made", total)
    tell(min(tally.versions.get(1, 0), tally.versions.get(2, 0)) > total / 10, "by both versions", tally.versions)
    sizes = sorted(len(keys) for keys in tally.published)
    tell(sizes == [1, 1, 2], "one key was published, then two, then the other one", tally.published)
    status, answer = agent.call("GET", "/v1/keys/signer?version=1")
    tell(answer.get("status") == "retired", "the first version is retired", answer)
    status, answer = agent.call("POST", "/v1/keys/signer/sign", {"algorithm": "PS256", "data": "aGk", "version": 1})
    tell(status == 422 and "retired" in answer["detail"], "and signs no more", status, answer)
    good, versions = decrypt(agent, kept)
    tell(good == len(kept) and versions == {1}, "what was encrypted before still decrypts", good, len(kept), versions)
    new = encrypt(agent, 5)
    good, versions = decrypt(agent, new)
    tell(good == len(new) and versions == {2}, "and what is encrypted now", good, len(new), versions)
    print(f"# {total} signatures in {SECONDS:g} s, {tally.versions}, none later than {tally.latest * 1000:.0f} ms, "
          f"{len(tally.failures)} failures")


main()
