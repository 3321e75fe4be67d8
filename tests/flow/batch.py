# SPDX-License-Identifier: Apache-2.0
"""Batches of signatures: argv[1] is the socket of an agent with the keys r2 (RSA-2048) and p256."""
import os
import sys

from agentlib import Agent, b64u, tell, unb64u, verify

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
agent = Agent(sys.argv[1])


def key_of(name):
    status, key = agent.call("GET", "/v1/keys/" + name)
    assert status == 200, key
    return key["public_key"]["jwk"]


def check(jwk, items, results, datas):
    """The places of results that aren't the right signature of their item."""
    wrong = []
    for i, (item, result, data) in enumerate(zip(items, results, datas)):
        good = result.get("algorithm") == item["algorithm"] and verify(
            jwk, item["algorithm"], data, unb64u(result["signature"]))
        if not good:
            wrong.append((i, result))
    return wrong


def whole_batch(name, algorithms):
    jwk = key_of(name)
    datas = [os.urandom(1 + i % 100) for i in range(256)]
    items = [{"algorithm": algorithms[i % len(algorithms)], "data": b64u(data), "format": "raw"}
             for i, data in enumerate(datas)]
    status, reply = agent.call("POST", f"/v1/keys/{name}/sign", {"items": items})
    results = reply.get("results", [])
    tell(status == 200 and len(results) == 256, f"{name}: 256 items give 256 results", status, reply)
    wrong = check(jwk, items, results, datas)
    tell(not wrong, f"{name}: each is the signature of its item, in order", wrong[:3])
    wrong = verify(jwk, items[0]["algorithm"], datas[1], unb64u(results[0]["signature"]))
    tell(not wrong, f"{name}: and of no other")


whole_batch("r2", ALGORITHMS)
whole_batch("p256", ["ES256"])

# What a key can't do fails by itself; the others are signed.
jwk = key_of("r2")
datas = [b"item %d" % i for i in range(20)]
items = [{"algorithm": "RS256", "data": b64u(data)} for data in datas]
items[7]["algorithm"] = "ES256"
items[13]["version"] = 9
status, reply = agent.call("POST", "/v1/keys/r2/sign", {"items": items})
results = reply["results"]
for i in (7, 13):
    problem = results[i]
    tell(problem.get("code") == "key-cannot" and problem["status"] == 422 and problem["detail"] and problem["hint"],
         f"item {i} that the key can't do is a problem in its place", problem)
rest = [i for i in range(20) if i not in (7, 13)]
wrong = check(jwk, [items[i] for i in rest], [results[i] for i in rest], [datas[i] for i in rest])
tell(status == 200 and not wrong, "the other 18 are signed", status, wrong)

# What is malformed makes the whole batch fail, and is pointed at.
GOOD = {"algorithm": "RS256", "data": "aGk"}
for what, bad, code, pointer in [
        ("standard base64", {"algorithm": "RS256", "data": "a+/="}, "malformed", "/items/137/data"),
        ("an unknown algorithm", {"algorithm": "RS255", "data": "aGk"}, "malformed", "/items/137/algorithm"),
        ("an unknown member", {**GOOD, "hash": "x"}, "unknown-member", "/items/137/hash"),
        ("both data and digest", {**GOOD, "digest": "aGk"}, "malformed", "/items/137/data"),
        ("a digest of a wrong length", {"algorithm": "RS256", "digest": "aGk"}, "malformed", "/items/137/digest"),
        ("a batch within a batch", {"items": [GOOD]}, "unknown-member", "/items/137/items"),
        ("a number", 5, "malformed", "/items/137"),
        ("null", None, "malformed", "/items/137")]:
    items = [GOOD] * 137 + [bad] + [GOOD] * 10
    status, problem = agent.call("POST", "/v1/keys/r2/sign", {"items": items})
    tell((status, problem.get("code"), problem.get("pointer")) == (400, code, pointer),
         f"{what} as item 137 is pointed at", status, problem)

for what, body, status, code, pointer in [
        ("257 items", {"items": [GOOD] * 257}, 413, "too-large", "/items"),
        ("no items", {"items": []}, 400, "malformed", "/items"),
        ("items that are no list", {"items": GOOD}, 400, "malformed", "/items"),
        ("items and data at once", {"items": [GOOD], **GOOD}, 400, "unknown-member", "/algorithm")]:
    got, problem = agent.call("POST", "/v1/keys/r2/sign", body)
    tell((got, problem.get("code"), problem.get("pointer")) == (status, code, pointer), f"{what}: {status}", got, problem)
