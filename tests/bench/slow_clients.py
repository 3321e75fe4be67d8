# SPDX-License-Identifier: Apache-2.0
"""Many clients that are too slow or send too much, as one user, beside a caller of another who signs.

    slow_clients.py SOCKET DAEMON-PID CLIENTS PER-SECOND UID

Each client is answered as it has to be: 431, 413, 400, 408 after the time that a request has, or 429 when its user has too
many connections. The times of the caller's signatures are taken before, while they come, and after; its 99th percentile
with them may be twice that without. The daemon's memory may grow by 5 % from the first quarter of the clients to the last.
"""
import collections
import os
import random
import select
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "flow"))
from agentlib import Agent, connect, tell

PATH, PID, CLIENTS, RATE, UID = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
QUIET_S = 10
SIGN = b"POST /v1/keys/ec/sign HTTP/1.1\r\nHost: x\r\n"


def with_length(body):
    return SIGN + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(size):
    return SIGN + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"


# What a client sends at once, how many bytes a second of what comes then, and the statuses that it may get.
KINDS = {
    "header of 17 KiB": (SIGN + b"X: " + b"x" * 17000 + b"\r\n\r\n", b"", (431,)),
    "body of 300 KiB": (with_length(b"x" * 300 * 1024), b"", (413,)),
    "body of 2 GiB to come": (SIGN + b"Content-Length: 2147483648\r\n\r\n", b"", (413,)),
    "chunks of 300 KiB": (chunked(300 * 1024), b"", (413,)),
    "JSON of depth 10,000": (with_length(b"[" * 10000), b"", (400,)),
    "batch of 1,000": (with_length(b'{"items":[' + b",".join([b'{"algorithm":"ES256","data":"aGk"}'] * 1000) + b"]}"), b"",
                       (400, 413)),
    "header that drips": (SIGN, b"X-Slow: " + b"x" * 100, (408,)),
    "body that drips": (SIGN + b"Content-Length: 1000\r\n\r\n{", b" " * 100, (408,)),
}
SLOW = ("header that drips", "body that drips")


class Client:
    def __init__(self, kind):
        self.kind, (self.first, self.drip, self.wanted) = kind, KINDS[kind]
        self.sock = connect(PATH)
        self.sock.setblocking(False)
        self.got = b""
        self.next_drip = time.monotonic() + 1

    def send(self):
        try:
            self.first = self.first[self.sock.send(self.first):]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.first = self.drip = b""

    def tick(self, now):
        if self.drip and now >= self.next_drip:
            self.first, self.drip, self.next_drip = self.first + self.drip[:1], self.drip[1:], now + 1

    def read(self):
        """The status, once it is there; 0 for a connection that was ended without."""
        try:
            got = self.sock.recv(65536)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            got = b""
        self.got += got
        if b"\r\n" in self.got:
            return int(self.got.split(b" ", 2)[1])
        return None if got else 0


def attack(report):
    """Sends what came of it to the descriptor."""
    random.seed(7)
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)
    poll, clients, made, results = select.epoll(), {}, 0, collections.Counter()
    began = time.monotonic()
    while made < CLIENTS or clients:
        now = time.monotonic()
        while made < CLIENTS and made < (now - began) * RATE:
            # One in eight is slow: each of these stays for the time that a request has.
            name = random.choice(SLOW) if random.random() < 0.125 else random.choice([k for k in KINDS if k not in SLOW])
            try:
                client = Client(name)
            except OSError as error:
                results[f"{name}: {error}", False] += 1
                made += 1
                continue
            clients[client.sock.fileno()] = client
            poll.register(client.sock, select.EPOLLIN | select.EPOLLOUT)
            made += 1
        for fd, event in poll.poll(0.02):
            client = clients[fd]
            if event & select.EPOLLOUT and client.first:
                client.send()
            if not client.first:
                poll.modify(fd, select.EPOLLIN)
            status = client.read() if event & (select.EPOLLIN | select.EPOLLHUP) else None
            if status is not None:
                results[f"{client.kind}: {status}", status in client.wanted or status in (429, 503)] += 1
                poll.unregister(fd)
                clients.pop(fd).sock.close()
        for fd, client in clients.items():
            client.tick(now)
            if client.first:
                poll.modify(fd, select.EPOLLIN | select.EPOLLOUT)
        os.write(report, b".")
    lines = [f"{'good' if good else 'bad'} {count} {what}" for (what, good), count in sorted(results.items())]
    os.write(report, b"\n" + "\n".join(lines).encode())


def memory_kib():
    with open(f"/proc/{PID}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


class Caller:
    def __init__(self):
        self.agent = Agent(PATH)
        self.failed = 0

    def sign(self):
        began = time.perf_counter_ns()
        status, _ = self.agent.call("POST", "/v1/keys/ec/sign", {"algorithm": "ES256", "data": "aGk"})
        took = time.perf_counter_ns() - began
        self.failed += status != 200
        time.sleep(0.002)
        return took / 1000

    def sign_for(self, seconds):
        until = time.monotonic() + seconds
        times = []
        while time.monotonic() < until:
            times.append(self.sign())
        return times


def p99(times):
    return statistics.quantiles(times, n=100)[98]


def main():
    caller = Caller()
    caller.sign_for(1)
    quiet = caller.sign_for(QUIET_S)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.nice(5)
        attack(theirs)
        os._exit(0)
    os.close(theirs)
    os.set_blocking(ours, False)
    began, crowded, report, early_kib = time.monotonic(), [], b"", None
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        crowded.append(caller.sign())
        try:
            report += os.read(ours, 65536)
        except BlockingIOError:
            pass
        if early_kib is None and time.monotonic() - began > CLIENTS / RATE / 4:
            early_kib = memory_kib()
    report = (report + (os.read(ours, 1 << 20) or b"")).lstrip(b".\n").decode()
    took, late_kib = time.monotonic() - began, memory_kib()
    quiet += caller.sign_for(QUIET_S)
    for line in report.splitlines():
        print("#", line)
    bad = [line for line in report.splitlines() if not line.startswith("good")]
    ratio = p99(crowded) / p99(quiet)
    print(f"# {CLIENTS} clients in {took:.0f} s; signatures {len(quiet)} without and {len(crowded)} with them: "
          f"median {statistics.median(quiet):.0f} and {statistics.median(crowded):.0f} us, "
          f"p99 {p99(quiet):.0f} and {p99(crowded):.0f} us, ratio {ratio:.2f}")
    print(f"# memory after a quarter of them {early_kib} KiB, after all {late_kib} KiB")
    tell(report and not bad, "each of them is answered as it has to be", *bad)
    tell(caller.failed == 0, "no signature of the other caller fails")
    tell(ratio <= 2, "its p99 is within twice what it is without them")
    tell(late_kib <= 1.05 * early_kib, "memory is flat")


main()
