# SPDX-License-Identifier: Apache-2.0
"""Callers that sign with a key in two tokens while one token's process after the other is killed or stopped. No request
may fail, and every signature has to be right.

argv: the socket, the daemon's log, the key (RSA), seconds, callers, then the names of its tokens. Prints figures.
"""
import json
import os
import re
import signal
import sys
import threading
import time

from agentlib import Agent, b64u, tell, unb64u, verify

SOCKET, LOG, KEY, SECONDS, CALLERS = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5])
TOKENS = sys.argv[6:]
PATIENCE = 60  # seconds; nothing takes as long


class Load:
    def __init__(self, jwk):
        self.jwk = jwk
        self.lock = threading.Lock()
        self.stop = False
        self.times = []
        self.by_token = {}
        self.failures = []

    def take(self, number, body, status, answer, seconds):
        good = status == 200 and verify(self.jwk, "RS256", body, unb64u(answer["signature"]))
        with self.lock:
            self.times.append(seconds)
            if good:
                self.by_token[answer["token"]] = self.by_token.get(answer["token"], 0) + 1
            else:
                self.failures.append((number, status, json.dumps(answer)))

    def work(self, caller):
        agent = Agent(SOCKET)
        number = 0
        while not self.stop:
            number += 1
            data = b"caller %d, request %d" % (caller, number)
            body = {"algorithm": "RS256", "data": b64u(data)}
            begin = time.monotonic()
            try:
                status, answer = agent.call("POST", f"/v1/keys/{KEY}/sign", body)
            except (OSError, ValueError) as error:
                status, answer = 0, repr(error)
            self.take(number, data, status, answer, time.monotonic() - begin)
        agent.close()

    def wait_for_more(self, count):
        with self.lock:
            wanted = len(self.times) + count
        until = time.monotonic() + PATIENCE
        while len(self.times) < wanted and time.monotonic() < until:
            time.sleep(0.005)


def child_of(token):
    with open(LOG, encoding="utf-8") as file:
        found = re.findall(r" token-ready token=%s .* pid=(\d+)" % re.escape(token), file.read())
    return int(found[-1]) if found else None


def states(agent):
    return {each["token"]: each["state"] for each in agent.call("GET", f"/v1/keys/{KEY}")[1]["replicas"]}


def wait_until_ready(agent, token, unlike):
    """Until the token has another process than that one, and its replica is ready."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if child_of(token) != unlike and states(agent)[token] == "ready":
            return True
        time.sleep(0.01)
    return False


def main():
    agent = Agent(SOCKET)
    load = Load(agent.call("GET", f"/v1/keys/{KEY}")[1]["public_key"]["jwk"])
    threads = [threading.Thread(target=load.work, args=(i,)) for i in range(CALLERS)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    kills, returns, longest = 0, True, 0.0
    while time.monotonic() < begin + SECONDS or kills < 2 * len(TOKENS):
        token = TOKENS[kills % len(TOKENS)]
        # One in three hangs instead: it is for the daemon to find out and to end it.
        how = signal.SIGSTOP if kills % 3 == 2 else signal.SIGKILL
        load.wait_for_more(50)
        pid = child_of(token)
        since = time.monotonic()
        os.kill(pid, how)
        kills += 1
        returns = wait_until_ready(agent, token, pid) and returns
        if how == signal.SIGKILL:
            longest = max(longest, time.monotonic() - since)
    load.wait_for_more(50)
    load.stop = True
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begin
    times = sorted(load.times)
    print("# %d callers, %.1f s, %d requests (%s), %d processes killed or stopped, %d failures" % (
        CALLERS, seconds, len(times), ", ".join("%s %d" % each for each in sorted(load.by_token.items())), kills,
        len(load.failures)))
    print("# answered in %.1f ms (median), %.1f ms (99 %%), %.1f ms (most); a killed token was back in %.2f s at most" % (
        times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3, times[-1] * 1e3, longest))
    tell(not load.failures, "no request fails", *load.failures[:5])
    tell(returns, "each token is used again")
    tell(sorted(load.by_token) == sorted(TOKENS), "all tokens were asked", load.by_token)


main()
