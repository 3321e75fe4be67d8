# SPDX-License-Identifier: Apache-2.0
"""What is under way while a configuration is read again.

argv: `load`, the socket: signs on kept connections and on new ones until the standard input ends; no request may fail.
argv: `pending`, the socket, a file: sends a request, writes the file when the agent works on it, and tells whether it is
answered, and that the connection ends after it if there is another argument.
argv: `idle`, the socket, a file: makes a request, writes the file, and tells whether the agent ends the connection.
The agent has the key k.
"""
import sys
import threading

from agentlib import Agent, connect, tell

BODY = {"algorithm": "ES256", "data": "aGk"}


class Load:
    def __init__(self, path):
        self.path = path
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.done = 0
        self.failed = []

    def work(self, kept):
        agent = Agent(self.path)
        while not self.over.is_set():
            try:
                answer = agent.call("POST", "/v1/keys/k/sign", BODY)
            except (OSError, ValueError) as error:
                answer = (0, repr(error))
                agent.close()
            if not kept:
                agent.close()
            with self.lock:
                self.done += 1
                if answer[0] != 200:
                    self.failed.append(answer)
        agent.close()


def load(path):
    run = Load(path)
    threads = [threading.Thread(target=run.work, args=(kept,)) for kept in (True, True, True, False)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    run.over.set()
    for thread in threads:
        thread.join()
    tell(run.done > 0 and not run.failed, "no request failed meanwhile", run.done, len(run.failed), run.failed[:3])
    print("#", run.done, "requests")


def pending(path, mark, ends):
    body = b'{"algorithm":"ES256","data":"aGk"}'
    sock = connect(path)
    sock.sendall(b"POST /v1/keys/k/sign HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" %
                 len(body))
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        got += sock.recv(4096)
    sock.sendall(body)
    with open(mark, "w", encoding="utf-8") as file:
        file.write("under way\n")
    answer = b""
    while (more := sock.recv(65536)):
        answer += more
        if not ends and answer.endswith(b"}"):
            break
    tell(answer.startswith(b"HTTP/1.1 200 ") and b'"signature"' in answer, "the request under way is answered", answer)
    if ends:
        tell(b"Connection: close" in answer, "and its connection ends", answer)


def idle(path, mark):
    agent = Agent(path)
    agent.call("GET", "/v1/health/alive")
    with open(mark, "w", encoding="utf-8") as file:
        file.write("idle\n")
    tell(agent.connection.sock.recv(1) == b"", "a connection without a request is ended")


if sys.argv[1] == "load":
    load(sys.argv[2])
elif sys.argv[1] == "idle":
    idle(sys.argv[2], sys.argv[3])
else:
    pending(sys.argv[2], sys.argv[3], len(sys.argv) > 4)
