# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a token's process and of the daemon, by turns and at random moments, while callers sign and others create and
delete keys. The daemon is started again here.

argv: DAEMON CONFIGURATION SOCKET LOG KILLS SEED   the agent isn't running, and has the keys e (EC) and r (RSA)

At the end, what was acknowledged is compared with what is there: a key that was created signs, with the public key that
was told; one that was deleted is gone; one whose request had no answer may be either, or incomplete.
"""
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

from agentlib import Agent, b64u, tell, unb64u, verify

DAEMON, CONFIGURATION, SOCKET, LOG, KILLS, SEED = sys.argv[1:]
KILLS = int(KILLS)
random.seed(int(SEED))
SIGNERS, MAKERS = 6, 2
KEPT = 3         # keys of a maker, which then deletes its oldest
BETWEEN_S = 1    # at most, from ready to the next kill
READY_S = 1
PATIENCE_S = 60


class Shared:
    def __init__(self):
        self.lock = threading.Lock()
        self.stop = False
        self.down = False         # the daemon is being killed or started: nobody is there to answer
        self.epoch = 0            # of the daemon
        self.signed = 0
        self.failed = []          # answers of a daemon that lived
        self.wrong = []
        self.created = {}         # name: public key, acknowledged and not asked to be deleted
        self.deleted = set()      # acknowledged
        self.unknown = set()      # asked for, and no answer or a failure came
        self.made = self.gone = 0
        self.cut = collections.Counter()  # what the others were answered


class Caller:
    """A connection that is made anew for each daemon."""

    def __init__(self, shared):
        self.shared = shared
        self.agent = Agent(SOCKET)
        self.epoch = shared.epoch

    def call(self, method, path, body=None):
        """The status and the body; None when the daemon was killed meanwhile."""
        while self.shared.down and not self.shared.stop:
            time.sleep(0.01)
        if self.epoch != self.shared.epoch:
            self.agent.close()
            self.epoch = self.shared.epoch
        try:
            return self.agent.call(method, path, body)
        except (OSError, ValueError) as error:
            self.agent.close()
            with self.shared.lock:
                if self.epoch == self.shared.epoch and not self.shared.down:
                    self.shared.failed.append((path, 0, repr(error)))
            return None


def signer(shared, keys, number):
    caller = Caller(shared)
    count = 0
    while not shared.stop:
        count += 1
        name, algorithm = (("e", "ES256"), ("r", "RS256"))[count % 2]
        data = b"signer %d, request %d" % (number, count)
        answer = caller.call("POST", f"/v1/keys/{name}/sign",
                      {"algorithm": algorithm, "data": b64u(data), "format": "raw"})
        if answer is None:
            continue
        status, reply = answer
        good = status == 200 and (count % 16 or verify(keys[name], algorithm, data, unb64u(reply["signature"])))
        with shared.lock:
            shared.signed += 1
            if status != 200:
                shared.failed.append((name, status, json.dumps(reply)))
            elif not good:
                shared.wrong.append((name, data))
        time.sleep(0.01)
    caller.agent.close()


def create(caller, shared, name, mine):
    with shared.lock:
        shared.unknown.add(name)
    answer = caller.call("PUT", f"/v1/keys/{name}", {"type": "ec:p256"})
    with shared.lock:
        if answer is None or answer[0] != 201:
            shared.cut[f"{answer[0]} {answer[1].get('code')}" if answer else "none"] += 1
            return
        shared.unknown.discard(name)
        shared.created[name] = answer[1]["public_key"]["jwk"]
        shared.made += 1
    mine.append(name)


def delete(caller, shared, name):
    with shared.lock:
        shared.unknown.add(name)
        shared.created.pop(name)
    answer = caller.call("DELETE", f"/v1/keys/{name}?objects=destroy")
    with shared.lock:
        if answer is None or answer[0] not in (200, 204):
            shared.cut[f"{answer[0]} {answer[1].get('code')}" if answer else "none"] += 1
            return
        shared.unknown.discard(name)
        shared.deleted.add(name)
        shared.gone += 1


def maker(shared, number):
    caller = Caller(shared)
    mine, count = [], 0
    while not shared.stop:
        count += 1
        create(caller, shared, f"k{number}-{count}", mine)
        if len(mine) > KEPT:
            delete(caller, shared, mine.pop(0))
        time.sleep(0.05)
    caller.agent.close()


def start():
    with open(LOG, "ab") as log:
        # The process group of the test, which ends what it may leave behind.
        return subprocess.Popen([DAEMON, "-c", CONFIGURATION], stdin=subprocess.DEVNULL, stderr=log)


def wait_until_ready(since):
    """Until a signature comes; the seconds from then, or None."""
    body = {"algorithm": "ES256", "data": "aGk"}
    agent = Agent(SOCKET)
    while time.monotonic() < since + PATIENCE_S:
        try:
            if agent.call("POST", "/v1/keys/e/sign", body)[0] == 200:
                agent.close()
                return time.monotonic() - since
        except (OSError, ValueError):
            agent.close()
        time.sleep(0.005)
    return None


def child():
    with open(LOG, encoding="utf-8", errors="replace") as file:
        found = re.findall(r" token-ready .* pid=(\d+)", file.read())
    return int(found[-1]) if found else None


def wait_for_child(unlike):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        pid = child()
        if pid is not None and pid != unlike:
            return pid
        time.sleep(0.005)
    return None


def kill_all(shared, daemon):
    """Kills; returns the daemon's last process, and the seconds until each was made good."""
    times = {"token": [], "daemon": []}
    killed = None
    for k in range(KILLS):
        time.sleep(random.random() * BETWEEN_S)
        if random.random() < 0.5:
            killed = wait_for_child(killed)
            if killed is None:
                return daemon, times
            since = time.monotonic()
            os.kill(killed, signal.SIGKILL)
            times["token"].append(wait_until_ready(since))
            continue
        with shared.lock:
            shared.down = True
        daemon.kill()
        daemon.wait()
        since = time.monotonic()
        daemon = start()
        times["daemon"].append(wait_until_ready(since))
        shared.epoch += 1
        shared.down = False
    return daemon, times


def files_that_are_broken(directory):
    broken = []
    for name in os.listdir(directory):
        if not name.endswith(".json"):
            broken.append(name)
            continue
        try:
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                json.load(file)
        except ValueError:
            broken.append(name)
    return broken


def compare(shared, agent):
    """What is there that shouldn't be, and what isn't that should."""
    status, reply = agent.call("GET", "/v1/keys")
    there = {key["name"]: key for key in reply["keys"]} if status == 200 else {}
    lost = [name for name in shared.created if there.get(name, {}).get("state") != "ready"]
    back = [name for name in shared.deleted if name in there]
    strange = [name for name in there if name not in shared.created and name not in shared.unknown and name not in "er"]
    for name, jwk in shared.created.items():
        status, reply = agent.call("POST", f"/v1/keys/{name}/sign", {"algorithm": "ES256", "data": "aGk", "format": "raw"})
        if status != 200 or not verify(jwk, "ES256", b"hi", unb64u(reply["signature"])):
            lost.append(f"{name}: {status}")
    return lost, back, strange, there


def main():
    shared = Shared()
    daemon = start()
    if wait_until_ready(time.monotonic()) is None:
        sys.exit("the agent doesn't start")
    agent = Agent(SOCKET)
    keys = {name: agent.call("GET", f"/v1/keys/{name}")[1]["public_key"]["jwk"] for name in "er"}
    agent.close()
    threads = [threading.Thread(target=signer, args=(shared, keys, i)) for i in range(SIGNERS)]
    threads += [threading.Thread(target=maker, args=(shared, i)) for i in range(MAKERS)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        daemon, times = kill_all(shared, daemon)
    finally:
        shared.stop = True
        for thread in threads:
            thread.join()
    seconds = time.monotonic() - begin
    # Once more by the book, so that all of it has been on the disk.
    daemon.terminate()
    tell(daemon.wait() == 0, "after all that the daemon ends with status 0")
    broken = files_that_are_broken(os.path.join(os.path.dirname(CONFIGURATION), "state", "keys"))
    daemon = start()
    ready = wait_until_ready(time.monotonic())
    lost, back, strange, there = compare(shared, agent)
    with open(LOG, encoding="utf-8", errors="replace") as file:
        unreadable = re.findall(r".* key-file-unreadable .*", file.read())
    incomplete = [name for name, key in there.items() if key["state"] != "ready"]
    cleared = [name for name in incomplete if agent.call("DELETE", f"/v1/keys/{name}?objects=destroy")[0] not in (200, 204)]
    daemon.terminate()
    daemon.wait()

    done = times["token"] + times["daemon"]
    print(f"# {seconds:.0f} s, {len(times['token'])} kills of the token's process, {len(times['daemon'])} of the daemon; "
          f"{shared.signed} signatures, {shared.made} keys made, {shared.gone} deleted, other "
          f"answers to that {dict(shared.cut)}; {len(shared.created)} keys to be there, {len(incomplete)} incomplete")
    for what, those in times.items():
        good = sorted(t for t in those if t is not None)
        if good:
            print(f"# {what}: ready again after {good[len(good) // 2]:.2f} s (median), {good[-1]:.2f} s (slowest)")
    print("# kept:", *sorted(set(there) - set(incomplete)))
    tell(len(done) == KILLS and None not in done and ready is not None, f"there were {KILLS} kills, and it came back each time",
         len(done))
    tell(all(t is not None and t < READY_S for t in done), f"ready again within {READY_S} s each time",
         sorted((t or PATIENCE_S for t in done), reverse=True)[:8])
    tell(not shared.failed, "no signature fails but those of a daemon that was killed", len(shared.failed), *shared.failed[:5])
    tell(not shared.wrong, "each signature is right", *shared.wrong[:5])
    tell(shared.made > KILLS / 4 and shared.gone > KILLS / 20, "keys were made and deleted meanwhile", shared.made, shared.gone)
    tell(not broken and not unreadable, "no file is corrupt", *broken, *unreadable)
    tell(not lost, "no acknowledged key is lost", *lost)
    tell(not back, "no acknowledged deletion comes back", *back)
    tell(not strange, "nothing is there that nobody asked for", *strange)
    tell(not cleared, "what is incomplete can be deleted", *cleared)


main()
