# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemon at random moments while callers sign. Each signature that was acknowledged has its line in the
audit log, by the hash of what was signed.

argv: DAEMON CONFIGURATION SOCKET LOG AUDIT KILLS SEED   the agent isn't running, and has the key e (EC)
"""
import hashlib
import json
import random
import subprocess
import sys
import threading
import time

from agentlib import Agent, b64u, tell

DAEMON, CONFIGURATION, SOCKET, LOG, AUDIT, KILLS, SEED = sys.argv[1:]
random.seed(int(SEED))
SIGNERS = 6
BETWEEN_S = 0.3
PATIENCE_S = 60
stop = threading.Event()
acknowledged = [set() for _ in range(SIGNERS)]


def signer(number):
    agent, count = Agent(SOCKET), 0
    while not stop.is_set():
        count += 1
        data = b"signer %d, request %d" % (number, count)
        try:
            status, _ = agent.call("POST", "/v1/keys/e/sign", {"algorithm": "ES256", "data": b64u(data)})
        except (OSError, ValueError):
            agent.close()
            time.sleep(0.01)
            continue
        if status == 200:
            acknowledged[number].add(hashlib.sha256(data).hexdigest())
    agent.close()


def start():
    with open(LOG, "ab") as log:
        return subprocess.Popen([DAEMON, "-c", CONFIGURATION], stdin=subprocess.DEVNULL, stderr=log)


def wait_until_ready():
    agent, until = Agent(SOCKET), time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            if agent.call("GET", "/v1/health/ready")[0] == 200:
                agent.close()
                return True
        except (OSError, ValueError):
            agent.close()
        time.sleep(0.01)
    return False


def recorded():
    hashes, starts, torn = set(), 0, 0
    with open(AUDIT, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if entry["event"] == "use" and entry.get("operation") == "sign":
                hashes.add(entry["content_sha256"])
            starts += entry["event"] == "start"
            torn += "torn" in entry
    return hashes, starts, torn


def main():
    daemon = start()
    came_back = wait_until_ready()
    threads = [threading.Thread(target=signer, args=(number,)) for number in range(SIGNERS)]
    for thread in threads:
        thread.start()
    kills = 0
    while kills < int(KILLS) and came_back:
        time.sleep(random.random() * BETWEEN_S)
        daemon.kill()
        daemon.wait()
        kills += 1
        daemon = start()
        came_back = wait_until_ready()
    stop.set()
    for thread in threads:
        thread.join()
    daemon.terminate()
    daemon.wait()
    signed = set().union(*acknowledged)
    hashes, starts, torn = recorded()
    print(f"# {kills} kills, {len(signed)} signatures acknowledged, {len(hashes)} in the log, {starts} starts, "
          f"{torn} torn lines")
    tell(came_back and kills == int(KILLS), "the agent comes back after each kill")
    tell(len(signed) > kills, "something was signed between any two kills")
    missing = signed - hashes
    tell(not missing, "each acknowledged signature is in the log", f"{len(missing)} are missing")
    tell(starts >= kills, "each start is in the log", f"{starts} starts")


main()
