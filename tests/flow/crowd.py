# SPDX-License-Identifier: Apache-2.0
"""Crowds of callers of one agent.

argv: SOCKET crowd KEY                64 connections, each with some requests one after the other; none may fail
      SOCKET slow KEY                 connections that take no replies, and others that send half a request; meanwhile a
                                      caller is served, and when they are gone nothing is left of them
"""
import collections
import json
import sys
import threading

from agentlib import Agent, connect, tell

SOCKET, WHAT, KEY = sys.argv[1:4]
CALLERS, REQUESTS = 64, 8
PATH = f"/v1/keys/{KEY}/sign"
ITEM = {"algorithm": "ES256", "data": "aGVsbG8"}


def crowd():
    answers = collections.Counter()
    lock = threading.Lock()
    gate = threading.Barrier(CALLERS)

    def work():
        agent = Agent(SOCKET)
        mine = collections.Counter()
        gate.wait()
        for _ in range(REQUESTS):
            try:
                status, answer = agent.call("POST", PATH, ITEM)
                mine[status if status == 200 else (status, answer.get("code"))] += 1
            except (OSError, ValueError) as error:
                mine[repr(error)] += 1
        agent.close()
        with lock:
            answers.update(mine)

    threads = [threading.Thread(target=work) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(answers == {200: CALLERS * REQUESTS}, f"{CALLERS} callers have {CALLERS * REQUESTS} signatures by {KEY}", dict(answers))


def slow():
    body = json.dumps({"items": [ITEM] * 256}).encode()
    batch = f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    readers = [connect(SOCKET) for _ in range(16)]
    # More than the socket holds; the agent doesn't read further requests while it can't write, so we don't wait either.
    for reader in readers:
        reader.setblocking(False)
        rest = batch * 16
        try:
            while rest:
                rest = rest[reader.send(rest):]
        except BlockingIOError:
            pass
    senders = [connect(SOCKET) for _ in range(64)]
    for sender in senders:
        sender.sendall(batch[: len(batch) // 2])
    agent = Agent(SOCKET)
    answers = [agent.call("POST", PATH, ITEM)[0] for _ in range(32)]
    tell(answers == [200] * 32, "a caller is served beside 16 that don't read and 64 that don't go on sending", answers)
    for sock in readers + senders:
        sock.close()
    tell(agent.call("POST", PATH, ITEM)[0] == 200, "and when they are gone")
    agent.close()


{"crowd": crowd, "slow": slow}[WHAT]()
