# SPDX-License-Identifier: Apache-2.0
"""argv: the socket; then either `create N` (P-256 keys k1..kN) or `sign COUNT KEY...` (in turn)."""
import sys

from agentlib import Agent, b64u, unb64u, verify_es256

agent = Agent(sys.argv[1])


def create(n):
    for i in range(1, n + 1):
        status, reply = agent.call("PUT", f"/v1/keys/k{i}", {"type": "ec:p256"})
        if status != 201:
            sys.exit(f"k{i}: {status} {reply}")


def sign(count, names):
    keys = {name: agent.call("GET", "/v1/keys/" + name)[1]["public_key"]["jwk"] for name in names}
    for i in range(count):
        name = names[i % len(names)]
        data = b"scale %d" % i
        status, reply = agent.call("POST", f"/v1/keys/{name}/sign",
                                   {"algorithm": "ES256", "data": b64u(data), "format": "raw"})
        if status != 200 or not verify_es256(keys[name], data, unb64u(reply["signature"])):
            sys.exit(f"{name}: {status} {reply}")


if sys.argv[2] == "create":
    create(int(sys.argv[3]))
else:
    sign(int(sys.argv[3]), sys.argv[4:])
