# SPDX-License-Identifier: Apache-2.0
"""Kills the token's process while requests are under way; none may fail, and no signature may be wrong.

argv: the socket, the daemon's log, requests, kills. The agent has the keys rsa (RSA-2048) and p256.
"""
import json
import os
import re
import signal
import sys
import threading
import time

from agentlib import Agent, b64u, tell, unb64u, verify

SOCKET, LOG, REQUESTS, KILLS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CONNECTIONS = 8
STEP = REQUESTS // (KILLS + 1)  # requests answered between two kills
AHEAD = STEP // 2               # so many more are let go meanwhile: a kill always meets requests under way
PATIENCE = 120                  # seconds; nothing takes as long


class Run:
    def __init__(self):
        self.changed = threading.Condition()
        self.next = 0
        self.done = 0
        self.kills = 0
        self.broken = False
        self.answers = [None] * REQUESTS

    def take(self):
        """The number of the next request; None: there are no more."""
        with self.changed:
            limit = REQUESTS if self.kills == KILLS else STEP * (self.kills + 1) + AHEAD
            while self.next >= limit and not self.broken and self.next < REQUESTS:
                self.broken = not self.changed.wait(PATIENCE) or self.broken
                limit = REQUESTS if self.kills == KILLS else STEP * (self.kills + 1) + AHEAD
            if self.next >= REQUESTS or self.broken:
                return None
            self.next += 1
            return self.next - 1

    def put(self, i, answer):
        with self.changed:
            self.answers[i] = answer
            self.done += 1
            self.changed.notify_all()


def algorithm_of(i):
    return ("rsa", "RS256") if i % 2 else ("p256", "ES256")


def work(run):
    agent = Agent(SOCKET)
    while (i := run.take()) is not None:
        key, algorithm = algorithm_of(i)
        body = {"algorithm": algorithm, "data": b64u(b"request %d" % i), "format": "raw"}
        try:
            run.put(i, agent.call("POST", f"/v1/keys/{key}/sign", body))
        except (OSError, ValueError) as error:
            run.put(i, (0, repr(error)))
    agent.close()


def last_child(bound):
    """The token's process that the log named last. bound: only when its keys have been looked through since."""
    with open(LOG, encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r" token-ready [^\n]* pid=(\d+)\n(.*?)(?= token-ready |\Z)", text, re.DOTALL)
    return int(found[-1][0]) if found and (not bound or " keys-bound " in found[-1][1]) else None


def wait_for_child(killed, bound):
    """A process that hasn't been killed yet; None when there comes none."""
    for _ in range(PATIENCE * 100):
        pid = last_child(bound)
        if pid is not None and pid not in killed:
            return pid
        time.sleep(0.01)
    return None


def kill_all(run):
    """Every second time the process is killed as soon as it serves, while the daemon still looks through its keys."""
    killed = set()
    for k in range(1, KILLS + 1):
        with run.changed:
            if not run.changed.wait_for(lambda: run.done >= STEP * k, PATIENCE):
                return
        pid = wait_for_child(killed, k % 2 == 0)
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)
        with run.changed:
            run.kills = k
            run.changed.notify_all()


def kill_some(run):
    """Stops the run when it doesn't come as far as it should."""
    try:
        kill_all(run)
    finally:
        with run.changed:
            run.broken = run.kills < KILLS
            run.changed.notify_all()


def jwk_of(agent, name):
    return agent.call("GET", "/v1/keys/" + name)[1]["public_key"]["jwk"]


agent = Agent(SOCKET)
keys = {name: jwk_of(agent, name) for name in ("rsa", "p256")}
before = agent.call("GET", "/v1/tokens")[1]["tokens"][0]["restarts"]
agent.close()
run = Run()
threads = [threading.Thread(target=work, args=(run,)) for _ in range(CONNECTIONS)]
for thread in threads:
    thread.start()
kill_some(run)
for thread in threads:
    thread.join()

tell(run.kills == KILLS, f"the token's process was killed {KILLS} times", f"{run.kills} times")
failed = [(i, answer) for i, answer in enumerate(run.answers) if answer is None or answer[0] != 200]
tell(not failed, f"none of {REQUESTS} requests on {CONNECTIONS} connections failed", len(failed),
     json.dumps(failed[:3]))
wrong = []
for i, answer in enumerate(run.answers):
    key, algorithm = algorithm_of(i)
    if answer is not None and answer[0] == 200:
        reply = answer[1]
        echoed = (reply["key"], reply["algorithm"]) == (key, algorithm)
        if not echoed or not verify(keys[key], algorithm, b"request %d" % i, unb64u(reply["signature"])):
            wrong.append((i, reply))
tell(not wrong, "each signature is right, and of what was asked", len(wrong), wrong[:3])
agent = Agent(SOCKET)
after = agent.call("GET", "/v1/tokens")[1]["tokens"][0]
tell(after["restarts"] - before == KILLS and after["state"] == "ready", "the token counts its restarts and is ready", after)
agent.close()
