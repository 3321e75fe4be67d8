# SPDX-License-Identifier: Apache-2.0
"""Mixed load for a long time, with SIGHUP again and again: no request may fail, and nothing may grow.

argv: the agent's directory (agent.sock, agent.conf and other.conf, which take turns in force), the daemon's process id,
seconds, seconds between two SIGHUP, seconds between two looks, seconds before the look that growth is counted from, the
most growth of memory in per cent (0: any), faultctl, the rules of the fault module that is before the token main.
The agent has the keys rsa, p256, dec and spare; the file ciphertext is for dec.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

from agentlib import Agent, b64u, tell, unb64u, verify

DIR, DAEMON = sys.argv[1], int(sys.argv[2])
SECONDS, HUP_S, LOOK_S, WARM_S, GROWTH = (float(text) for text in sys.argv[3:8])
FAULTCTL, RULES = sys.argv[8:10]
SOCKET, LOG = DIR + "/agent.sock", DIR + "/log"
PATIENCE = 60  # seconds; nothing takes as long
TEXT = b"what is signed"


class Gate:
    """Lets the workers through; or holds them, each between two requests."""

    def __init__(self):
        self.changed = threading.Condition()
        self.closed = self.over = False
        self.waiting = 0

    def go_on(self):
        with self.changed:
            self.waiting += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self.closed or self.over)
            self.waiting -= 1
            return not self.over

    def close(self, workers):
        with self.changed:
            self.closed = True
            return self.changed.wait_for(lambda: self.waiting == workers, PATIENCE)

    def open(self, over=False):
        with self.changed:
            self.closed = False
            self.over = over
            self.changed.notify_all()


class Worker(threading.Thread):
    """Does one kind of request, on one connection or each on its own."""

    def __init__(self, gate, what, kept=True):
        super().__init__()
        self.gate, self.what, self.kept = gate, what, kept
        self.agent = Agent(SOCKET)
        self.done = 0
        self.failed = []

    def run(self):
        while self.gate.go_on():
            try:
                trouble = self.what(self.agent)
            except (OSError, ValueError) as error:
                trouble = repr(error)
                self.agent.close()
            if not self.kept:
                self.agent.close()
            self.done += 1
            if trouble:
                self.failed.append((time.strftime("%H:%M:%S", time.gmtime()), self.what.__name__, trouble))
        self.agent.close()


def refused(answer, wanted=200):
    return None if answer[0] == wanted else answer


def sign_rsa(agent):
    answer = agent.call("POST", "/v1/keys/rsa/sign", {"algorithm": "RS256", "data": b64u(TEXT)})
    if answer[0] == 200 and not verify(RSA, "RS256", TEXT, unb64u(answer[1]["signature"])):
        return "a wrong signature"
    return refused(answer)


def sign_ec(agent):
    return refused(agent.call("POST", "/v1/keys/p256/sign", {"algorithm": "ES256", "data": b64u(TEXT)}))


def sign_spare(agent):
    return refused(agent.call("POST", "/v1/keys/spare/sign", {"algorithm": "ES256", "data": b64u(TEXT)}))


def decrypt(agent):
    answer = agent.call("POST", "/v1/keys/dec/decrypt", {"algorithm": "RSA-OAEP", "ciphertext": CIPHERTEXT})
    return refused(answer) or (unb64u(answer[1]["plaintext"]) != TEXT and "a wrong plaintext")


def csr(agent):
    return refused(agent.call("POST", "/v1/keys/p256/csr", {"subject": [{"CN": "soak.example"}]}))


def look_around(agent):
    return (refused(agent.call("GET", "/v1/keys")) or refused(agent.call("GET", "/v1/keys/rsa")) or
            refused(agent.call("GET", "/v1/whoami")))


def batch(agent):
    items = [{"algorithm": "ES256", "data": b64u(b"%d" % i)} for i in range(16)]
    answer = agent.call("POST", "/v1/keys/p256/sign", {"items": items})
    return refused(answer) or ([r for r in answer[1]["results"] if "signature" not in r] or None)


def refusals(agent):
    """What has to be refused, is."""
    return (refused(agent.call("GET", "/v1/keys/none"), 404) or
            refused(agent.call("POST", "/v1/keys/rsa/sign", {"algorithm": "RS256", "dat": "aGk"}), 400))


# --- What may grow

def status_of(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith(name + ":")).split()[1])


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:  # of a process that isn't dumpable, for anybody but root
        return 0


def child_of(token):
    with open(LOG, encoding="utf-8") as file:
        return int([line for line in file if f" token-ready token={token} " in line][-1].rsplit("pid=", 1)[1])


def figures():
    child = child_of("main")
    sessions = int(subprocess.run([FAULTCTL, "sessions", RULES], capture_output=True, check=True).stdout)
    return {"daemon-kB": status_of(DAEMON, "VmRSS"), "child-kB": status_of(child, "VmRSS"),
            "daemon-fds": descriptors(DAEMON), "child-fds": descriptors(child),
            "daemon-threads": status_of(DAEMON, "Threads"), "child-threads": status_of(child, "Threads"),
            "sessions": sessions}


FLAT = ("daemon-fds", "child-fds", "daemon-threads", "child-threads", "sessions")


def look(first):
    """The figures once they are what they were at first or less, or when they don't come to that. At first: the least of
    a second, for threads of connections that were closed just now go on for a moment."""
    deadline = time.monotonic() + (PATIENCE if first else 1)
    least = figures()
    while True:
        found = figures()
        least.update((name, min(least[name], found[name])) for name in FLAT)
        if first and all(found[name] <= first[name] for name in FLAT):
            return found
        if time.monotonic() > deadline:
            return found if first else least
        time.sleep(0.05)


# --- SIGHUP

def outcomes(word):
    with open(LOG, encoding="utf-8") as file:
        return sum(f" {word} " in line for line in file)


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def reload(turn):
    """The configurations differ in the token spare and in a socket."""
    before, changed = outcomes("reloaded"), outcomes("token-changed")
    with open(DIR + ("/other.conf" if turn % 2 else "/first.conf"), encoding="utf-8") as file:
        text = file.read()
    with open(DIR + "/agent.conf", "w", encoding="utf-8") as file:
        file.write(text)
    os.kill(DAEMON, signal.SIGHUP)
    return wait_for(lambda: outcomes("reloaded") > before) and wait_for(lambda: outcomes("token-changed") > changed)


def soak(gate, workers):
    """Returns the figures of each look and whether each SIGHUP was a reload."""
    start = time.monotonic()
    looks, turn, reloaded = [], 0, True
    next_hup, next_look = start + HUP_S, start
    while time.monotonic() < start + SECONDS and reloaded:
        if time.monotonic() >= next_look:
            if not gate.close(len(workers)):
                return looks, turn, "a request doesn't end"
            # It begins and ends with the first configuration, so that the figures are of the same state.
            if turn % 2:
                turn += 1
                reloaded = reload(turn)
            looks.append((time.monotonic() - start, look(looks[0][1] if looks else None)))
            print(f"# {looks[-1][0]:6.0f} s", sum(w.done for w in workers), "requests", turn, "reloads",
                  json.dumps(looks[-1][1]), flush=True)
            gate.open()
            next_look += LOOK_S
        if time.monotonic() >= next_hup:
            turn += 1
            reloaded = reloaded and reload(turn)
            next_hup += HUP_S
        time.sleep(0.05)
    gate.close(len(workers))
    if turn % 2:
        turn += 1
        reloaded = reloaded and reload(turn)
    looks.append((time.monotonic() - start, look(looks[0][1])))
    return looks, turn, None if reloaded else "a reload doesn't come to its end"


with open(DIR + "/ciphertext", "rb") as file:
    CIPHERTEXT = b64u(file.read())
agent = Agent(SOCKET)
RSA = agent.call("GET", "/v1/keys/rsa")[1]["public_key"]["jwk"]
agent.close()
gate = Gate()
workers = [Worker(gate, what) for what in (sign_rsa, sign_rsa, sign_ec, sign_spare, decrypt, csr, look_around, batch,
                                           refusals)]
workers += [Worker(gate, what, kept=False) for what in (sign_ec, sign_spare, look_around)]
for worker in workers:
    worker.start()
# Each has its connection before the first look.
wait_for(lambda: all(worker.done for worker in workers))
looks, turns, trouble = soak(gate, workers)
gate.open(over=True)
for worker in workers:
    worker.join()

done, failed = sum(worker.done for worker in workers), [f for worker in workers for f in worker.failed]
print(f"# {done} requests, {len(failed)} failed, {turns} reloads, at the end {json.dumps(looks[-1][1])}")
tell(not trouble, f"{turns} times SIGHUP were as many reloads", trouble)
tell(done > 0 and not failed, f"none of {done} requests failed", len(failed), failed[:5])
tell(all(worker.done > 1 for worker in workers), "each kind of request was made")
first = looks[0][1]
for name in FLAT:
    seen = sorted({found[name] for _, found in looks})
    tell(seen[-1] == first[name], f"{name} never grow over {first[name]}", seen)
warm = next((found for at, found in looks if at >= WARM_S), first)
for name in ("daemon-kB", "child-kB"):
    growth = 100 * (looks[-1][1][name] / warm[name] - 1)
    print(f"# {name}: {warm[name]} after {WARM_S:.0f} s, {looks[-1][1][name]} at the end: {growth:+.2f} %")
    if GROWTH:
        tell(growth < GROWTH, f"{name} grow by less than {GROWTH:.0f} % after the first {WARM_S:.0f} s", growth)
