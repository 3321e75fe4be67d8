# SPDX-License-Identifier: Apache-2.0
"""ES256 signatures a second on one connection: argv are the sockets of an agent with the key k1 and of one with k1..k500.

They are measured in turn, and the medians are compared, so that what else the machine does meets both.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(sys.argv[0]), "..", "flow"))
from agentlib import Agent  # noqa: E402

ROUNDS, REQUESTS = 15, 300
KEYS = {sys.argv[1]: ["k1"], sys.argv[2]: ["k1", "k250", "k500"]}


def rate(agent, names):
    start = time.monotonic()
    for i in range(REQUESTS):
        status, reply = agent.call("POST", f"/v1/keys/{names[i % len(names)]}/sign", {"algorithm": "ES256", "data": "aGk"})
        if status != 200:
            sys.exit(f"{status} {reply}")
    return REQUESTS / (time.monotonic() - start)


agents = {path: Agent(path) for path in KEYS}
rates = {path: [] for path in KEYS}
for path, agent in agents.items():
    rate(agent, KEYS[path])
for _ in range(ROUNDS):
    for path, agent in agents.items():
        rates[path].append(rate(agent, KEYS[path]))
one, many = (statistics.median(rates[path]) for path in sys.argv[1:])
print(f"1 key: {one:.0f} signatures a second, 500 keys: {many:.0f} (medians of {ROUNDS} times {REQUESTS})")
print(f"ratio {many / one:.3f}")
