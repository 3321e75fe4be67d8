# SPDX-License-Identifier: Apache-2.0
"""The group `growth` of `make bench`: what the agent does with more keys, idle connections, sessions and audit, each
against itself with less. BENCH_KEYS (1,100,1000,10000) are the numbers of keys.

A token of 10,000 keys is made within minutes only where files cost nothing, so tokens are in memory where there is
/dev/shm; the audit log is on the disk.
"""
import base64
import contextlib
import json
import os
import resource
import shutil
import socket
import statistics
import tempfile
import time

import agentlib
import rig
from figures import Spread, figure, ratio_text

KEYS = (1, 100, 1000, 10000)
FEW, MANY = 1, 10000         # of the promise about signatures
START_KEYS, START_S = 1000, 1
IDLE = (0, 100, 1000)
IDLE_KIB = 64
SESSIONS = (1, 2, 8, 64)
AUDIT = ("audit = no", "audit-sync = batch", "audit-sync = always")
CALLERS = 8
IN_PROCESS = "SoftHSM2 in-process"
FIRST_USES = 100
MEMORY = "/dev/shm"
MAKE_S = 0.003  # to make a key, roughly

# A SubjectPublicKeyInfo of P-256 up to the point; and how long the DER header of CKA_EC_POINT is.
P256_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
POINT_HEADER = 2


def sizes():
    text = os.environ.get("BENCH_KEYS", "")
    return tuple(sorted({int(word) for word in text.split(",")})) if text else KEYS


def plan(ctx):
    numbers = sizes()
    ends = len({numbers[0], numbers[-1]})
    return 2 * len(pairs_of(numbers)) + ends + len(IDLE) + len(SESSIONS) + len(AUDIT), int(2 * MAKE_S * sum(numbers)) + 20


def pairs_of(numbers):
    """(keys in the token, known to the agent)"""
    return [(n, n) for n in numbers] + [(n, 1) for n in numbers if n > 1]


def run(ctx):
    with in_memory(ctx) as memory:
        keys(ctx, memory)
        token = memory.token([("p256", "ec:p256", ["sign"])])
        idle(ctx, memory, token)
        sessions(ctx, memory, token)
    audit(ctx)


@contextlib.contextmanager
def in_memory(ctx):
    """A Rig whose directory is in memory, where that can be had."""
    if not os.access(MEMORY, os.W_OK):
        yield ctx.rig
        return
    directory = tempfile.mkdtemp(prefix="hsm-bench.", dir=MEMORY)
    memory = rig.Rig(ctx.build, directory)
    try:
        yield memory
    finally:
        memory.stop()
        shutil.rmtree(directory, ignore_errors=True)


# --- Keys

def make(memory, n, known):
    """A token with n key pairs; the agent knows as many, as if it had adopted them: their files are written here, since
    the API proves each one alone against the whole token."""
    token = memory.token(fill=n)
    for number, (name, point) in enumerate(token.filled[:known], 1):
        spki = P256_HEAD + bytes.fromhex(point)[POINT_HEADER:]
        path = os.path.join(token.state, "keys", f"k{number}.json")
        with open(path, "w", encoding="ascii", opener=rig.private) as file:
            json.dump({"format": 1, "name": f"k{number}", "phase": "ready", "type": "ec:p256", "purposes": "sign",
                       "origin": "adopted", "version": 1, "created": "2026-01-01T00:00:00Z", "token": rig.LABEL,
                       "id": name.encode().hex(), "public-key": agentlib.b64u(spki)}, file)
        pem = base64.encodebytes(spki).decode()
        token.keys[f"k{number}"] = {"id": name.encode().hex(), "public_key": {"pem": f"-----BEGIN PUBLIC KEY-----\n{pem}-----END PUBLIC KEY-----\n"}}
    return token


def name_of(n, known):
    return f"{n:,} key{'s' if n > 1 else ''}" + ("" if known == n else f", {known:,} known to the agent")


def keys(ctx, memory):
    tokens, first, later, making = {}, {}, {}, {}
    pairs = pairs_of(sizes())
    for n, known in pairs:
        ctx.progress.say(f"a token of {n:,} keys is made")
        begin = time.monotonic()
        tokens[n, known] = make(memory, n, known)
        making[n] = time.monotonic() - begin
    starts(ctx, memory, tokens)
    agents = {pair: memory.agent(token, own=True) for pair, token in tokens.items()}
    for (n, known), agent in agents.items():
        if known == n:
            first[n], later[n] = uses(agent, known), uses(agent, known)
    contenders = [(name_of(*pair), asking(ctx, agents[pair], f"k{(pair[1] + 1) // 2}")) for pair in pairs]
    for n in sorted({sizes()[0], sizes()[-1]}):
        peer = tokens[n, n].copy(os.path.join(memory.place("p"), "token"))
        contenders.append((f"{IN_PROCESS}, {name_of(n, n)}",
                           lambda peer=peer, n=n: ctx.in_process(peer, f"k{(n + 1) // 2}", "ES256", callers=CALLERS)))
    comparison = ctx.compare(f"P-256 sign, {CALLERS} callers, by keys in the token", contenders, base=name_of(*pairs[0]))
    module = comparison.ratio(contenders[-1][0], contenders[-2 if len(sizes()) > 1 else -1][0])
    comparison.notes.append(f"SoftHSM2 in-process, {name_of(sizes()[-1], sizes()[-1])} against {name_of(sizes()[0], sizes()[0])}: "
                            f"{ratio_text(module)}. What it loses, the agent on it loses too.")
    comparison.notes.append("Tokens were made in " + ", ".join(f"{making[n]:.1f} s ({n:,})" for n in making) + ".")
    ctx.plot("P-256 signatures a second by keys in the token", "keys", "signatures a second",
             {"agent": [(n, comparison[name_of(n, n)].spread("ops_per_s")) for n in sizes()]}, log_x=True)
    ctx.table("What the first uses of keys cost after a start: one caller, another key each time", [
        "keys", "first use of each, median", "second use, median", "slowest first use"],
        [[f"{n:,}", *(f"{statistics.median(times) * 1e6:,.0f} µs" for times in (first[n], later[n])),
          f"{max(first[n]) * 1e6:,.0f} µs"] for n in sizes()])
    measure = f"sign rate with {MANY:,} keys in the token, against {FEW}"
    got = comparison.ratio(name_of(MANY, MANY), name_of(FEW, FEW)) if {FEW, MANY} <= set(sizes()) else None
    ctx.promise(measure, got, at_least=0.95, reason="BENCH_KEYS leaves them out")
    for agent in agents.values():
        agent.stop()


def asking(ctx, agent, key):
    return lambda: ctx.ask(agent, key, "ES256", callers=CALLERS)


def uses(agent, known):
    """How long a signature takes, for different keys spread over all, one after the other."""
    times = []
    for step in range(min(FIRST_USES, known)):
        key = f"k{1 + step * known // min(FIRST_USES, known)}"
        begin = time.monotonic()
        status, answer = agent.api.call("POST", f"/v1/keys/{key}/sign", {"algorithm": "ES256", "data": "aGVsbG8"})
        times.append(time.monotonic() - begin)
        if status != 200:
            raise RuntimeError(f"{key} doesn't sign: {answer}")
    return times


def starts(ctx, memory, tokens):
    times = {pair: [] for pair in tokens}
    pairs = list(tokens)
    for number in range(ctx.rounds):
        first = number % len(pairs)
        for pair in pairs[first:] + pairs[:first]:
            ctx.progress.say("start to ready")
            begin = time.monotonic()
            agent = memory.agent(tokens[pair], own=True)
            times[pair].append(agent.start_s)
            agent.stop()
            ctx.progress.spent.append(time.monotonic() - begin)
            ctx.progress.step()
    spreads = {pair: Spread(statistics.median(values), min(values), max(values)) for pair, values in times.items()}
    ctx.table("Start of the agent until all keys are ready", ["keys in the token", "known to the agent", "seconds"],
              [[f"{n:,}", f"{known:,}", figure(spread, " s")] for (n, known), spread in sorted(spreads.items())])
    ctx.plot("Start until all keys are ready, by keys", "keys", "seconds",
             {"agent, all are its own": [(n, spreads[n, n]) for n in sizes()],
              "agent, one is its own": [(n, spreads[n, 1]) for n in sizes()]}, log_x=True)
    ctx.promise(f"start to ready with {START_KEYS:,} keys in the token, all known to the agent",
                spreads.get((START_KEYS, START_KEYS)), under=START_S, unit=" s", reason="BENCH_KEYS leaves them out")
    ctx.promise(f"start to ready with {START_KEYS:,} keys in the token, one known to the agent",
                spreads.get((START_KEYS, 1)), under=START_S, unit=" s", reason="BENCH_KEYS leaves them out")


# --- Idle connections

class Crowd:
    """Connections that had one signature each, and are silent since."""

    def __init__(self, path, key, n):
        body = b'{"algorithm":"ES256","data":"aGVsbG8"}'
        request = b"POST /v1/keys/%s/sign HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (
            key.encode(), len(body), body)
        self.sockets = []
        for _ in range(n):
            sock = agentlib.connect(path)
            self.sockets.append(sock)
            sock.sendall(request)
            if not sock.recv(4096).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("an idle connection's request isn't answered")

    def alive(self):
        count = 0
        for sock in self.sockets:
            sock.setblocking(False)
            try:
                count += sock.recv(1, socket.MSG_PEEK) != b""
            except BlockingIOError:
                count += 1
        return count

    def close(self):
        for sock in self.sockets:
            sock.close()


def idle(ctx, memory, token):
    most = max(IDLE)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    agents, crowds, each_kib = {}, {}, {}
    for n in IDLE:
        agent = agents[n] = memory.agent(token, agent=f"connections = {most + 100}")
        Crowd(agent.socket, "p256", CALLERS).close()
        before = agent.rss_kib()
        crowds[n] = Crowd(agent.socket, "p256", n)
        if n:
            each_kib[n] = (agent.rss_kib() - before) / n
    comparison = ctx.compare(f"P-256 sign, {CALLERS} callers beside idle connections",
                             [(f"{n:,} idle", asking(ctx, agents[n], "p256")) for n in IDLE], base=f"{IDLE[0]} idle")
    for n, crowd in crowds.items():
        if crowd.alive() != n:
            raise RuntimeError(f"of {n} idle connections {crowd.alive()} are left")
    comparison.notes.append("Resident memory of the daemon for each idle connection, which has had one signature: " + ", ".join(
        f"{kib:.1f} KiB ({n:,})" for n, kib in each_kib.items()) + ".")
    ctx.promise(f"{most:,} idle connections: throughput of {CALLERS} busy ones, against none idle",
                comparison.ratio(f"{most:,} idle"), at_least=0.95)
    ctx.promise("resident memory for each idle connection", each_kib[most], under=IDLE_KIB, unit=" KiB")
    for n in IDLE:
        crowds[n].close()
        agents[n].stop()


# --- Sessions, audit

def sessions(ctx, memory, token):
    agents = {n: memory.agent(token, options=f"sessions = {n}", delay_ms=1) for n in SESSIONS}
    comparison = ctx.compare(
        "P-256 sign, a token that takes 1 ms, 64 callers, by sessions",
        [(f"{n} session{'s' if n > 1 else ''}", lambda agent=agents[n]: ctx.ask(agent, "p256", "ES256", callers=64))
         for n in SESSIONS], base="1 session")
    rows = list(comparison.rows.values())
    ctx.plot("P-256 signatures a second by sessions, a token that takes 1 ms", "sessions", "signatures a second",
             {"agent": [(n, row.spread("ops_per_s")) for n, row in zip(SESSIONS, rows)],
              "sessions / 1 ms": [(n, 1000 * n) for n in SESSIONS]}, log_x=True)
    for agent in agents.values():
        agent.stop()


def audit(ctx):
    token = ctx.softhsm([("p256", "ec:p256", ["sign"])])
    agents = {line: ctx.agent(token, agent=line) for line in AUDIT}
    comparison = ctx.compare(f"P-256 sign, {CALLERS} callers, by audit",
                             [(name, asking(ctx, agent, "p256")) for name, agent in agents.items()], base=AUDIT[0])
    comparison.notes.append(f"The log is in {os.path.dirname(ctx.directory)}; what `always` costs is that disk's.")
    for agent in agents.values():
        agent.stop()
