# SPDX-License-Identifier: Apache-2.0
"""Malformed requests, each with the answer it must get; and what strange clients must not do to the others.

argv: the socket, a socket that isn't for administrators, the daemon's process id, rounds to run the table for memory's
sake (0: none). The agent has the keys p256, rsa (sign, decrypt) and dh (derive), and 64 connections at most.
"""
import socket
import sys
import time

from agentlib import Agent, connect, tell
from bad_requests import CASES

SOCKET, PLAIN, PID, ROUNDS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
CONNECTIONS = 64


class Reader:
    """Replies from a connection, one after the other."""

    def __init__(self, sock):
        self.sock = sock
        self.bytes = b""
        self.ended = False

    def fill(self):
        try:
            got = self.sock.recv(65536)
        except ConnectionResetError:
            got = b""
        self.bytes += got
        self.ended = not got
        return bool(got)

    def reply(self):
        """Status, header fields in lower case, body; None at the end of the connection."""
        while b"\r\n\r\n" not in self.bytes:
            if not self.fill():
                return None
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        status = int(lines[0].split()[1])
        if status == 100:
            return self.reply()
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        length = int(fields.get("content-length", 0))
        while len(self.bytes) < length:
            if not self.fill():
                return None
        body, self.bytes = self.bytes[:length], self.bytes[length:]
        return status, fields, body


def send(sock, pieces):
    """The agent may answer and hang up in the middle."""
    try:
        for piece in pieces:
            sock.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass


def run(case):
    sock = connect(PLAIN if case.plain else SOCKET)
    try:
        send(sock, case.pieces)
        if case.half:
            sock.shutdown(socket.SHUT_WR)
        return Reader(sock).reply()
    finally:
        sock.close()


def wrong(case, reply):
    """What is wrong with a reply; None: nothing."""
    if reply is None:
        return None if case.status is None else "no reply"
    status, fields, body = reply
    if status != case.status:
        return f"status {status}, wanted {case.status}: {body[:400]!r}"
    if case.code is None:
        return None
    return wrong_problem(case, status, fields, body)


def wrong_problem(case, status, fields, body):
    import json
    if fields.get("content-type") != "application/problem+json":
        return f"content type {fields.get('content-type')}: {body[:200]!r}"
    if "request-id" not in fields:
        return "no Request-Id"
    try:
        problem = json.loads(body)
    except ValueError as error:
        return f"{error}: {body!r}"
    if problem.get("code") != case.code or problem.get("status") != status:
        return f"code {problem.get('code')}, wanted {case.code}: {problem}"
    if problem.get("type") != f"urn:hsm-agent:error:{case.code}":
        return f"type {problem.get('type')}"
    if not (problem.get("title") and problem.get("detail") and problem.get("hint")):
        return f"no title, detail or hint: {problem}"
    if case.pointer is not None and problem.get("pointer") != case.pointer:
        return f"pointer {problem.get('pointer')}, wanted {case.pointer}"
    if status == 405 and not fields.get("allow"):
        return "no Allow"
    return None


GOOD_BODY = b'{"algorithm":"ES256","data":"aGk"}'
GOOD = (b"POST /v1/keys/p256/sign HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(GOOD_BODY)) + GOOD_BODY
BAD = b"POST /v1/keys/p256/sign HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{]"


def serves():
    agent = Agent(SOCKET)
    status, _ = agent.call("POST", "/v1/keys/p256/sign", {"algorithm": "ES256", "data": "aGk"})
    agent.close()
    return status == 200


def serves_again():
    """Connections that were hung up on count until the agent has seen it."""
    for _ in range(600):
        if serves():
            return True
        time.sleep(0.05)
    return False


def resident_kib():
    with open(f"/proc/{PID}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


# --- The slow client: its first bytes go out before everything else, its 408 is looked for at the end.
slow = connect(SOCKET)
slow.sendall(GOOD[:40])

# --- The table
for case in CASES:
    reply = run(case)
    error = wrong(case, reply)
    tell(error is None, f"{case.name}: {case.status or 'hung up on'} {case.code or ''}".rstrip(), error)
tell(len(CASES) >= 80, f"{len(CASES)} requests are in the table")
tell(serves(), "the agent serves after all of them")

# --- Several requests on one connection
sock = connect(SOCKET)
sock.sendall(GOOD + BAD + GOOD)
reader = Reader(sock)
got = [reply and reply[0] for reply in (reader.reply(), reader.reply(), reader.reply())]
tell(got == [200, 400, 200], "three requests in one packet get three answers in order", got)
sock.sendall(GOOD * 50)
got = [reply and reply[0] for reply in (reader.reply() for _ in range(50))]
tell(got == [200] * 50, "and so do fifty more", got)
sock.close()

sock = connect(SOCKET)
for i in range(len(GOOD)):
    sock.sendall(GOOD[i:i + 1])
reply = Reader(sock).reply()
tell(reply and reply[0] == 200, "a request that comes byte by byte is answered", reply)
sock.close()

# --- Clients that leave too early, or stay
for n in (0, 1, 40, len(GOOD) - 1, len(GOOD)):
    for _ in range(20):
        sock = connect(SOCKET)
        sock.sendall(GOOD[:n])
        sock.close()
tell(serves_again(), "clients that hang up in the middle leave the agent as it was")

held = [connect(SOCKET) for _ in range(CONNECTIONS - 4)]
for i, sock in enumerate(held):
    sock.sendall(GOOD[:i])
tell(serves_again(), f"{len(held)} half-open clients don't keep others out")
more = [connect(SOCKET) for _ in range(8)]
replies = []
for sock in more:
    send(sock, [GOOD])
    replies.append(Reader(sock).reply())
refused = [reply for reply in replies if reply and reply[0] == 503]
tell(refused and all(b'"code":"busy"' in body and "retry-after" in fields for _, fields, body in refused),
     "those over the limit on connections are told so", replies)
tell(all(reply and reply[0] in (200, 503) for reply in replies), "and nobody is left without an answer", replies)
for sock in held + more:
    sock.close()
tell(serves_again(), "when they are gone, there is room again")

# --- Memory
def rounds(n):
    for _ in range(n):
        for case in CASES:
            error = wrong(case, run(case))
            if error:
                return f"{case.name}: {error}"
    return None


# The allocator takes a step now and then; what leaks grows in each of the blocks.
if ROUNDS:
    error = rounds(ROUNDS // 4)
    sizes = [resident_kib()]
    while error is None and len(sizes) <= 3 and (len(sizes) == 1 or sizes[-1] - sizes[-2] > 2048):
        error = rounds(ROUNDS)
        sizes.append(resident_kib())
    tell(error is None, f"{ROUNDS} rounds, {ROUNDS * len(CASES)} requests, have the same answers", error)
    tell(sizes[-1] - sizes[-2] <= 2048, "and memory does not grow", sizes)
    print(f"# VmRSS after {ROUNDS // 4} rounds and then each {ROUNDS}, in KiB: {sizes}")
tell(serves(), "the agent still serves")

# --- Half a request in twenty seconds is the end of it
slow.settimeout(90)
reply = Reader(slow).reply()
tell(reply and reply[0] == 408 and b'"code":"request-timeout"' in reply[2], "a request that never ends is timed out", reply)
slow.close()
