# SPDX-License-Identifier: Apache-2.0
"""What SIGTERM means for a request under way and for those that come later.

argv: `finish` (the token goes on in time) or `cut` (it hangs for longer than the agent waits), the socket, the log, the
daemon's process id, that of the token's process, which is stopped. The agent has a key k.
"""
import os
import signal
import sys
import time

from agentlib import Agent, connect, tell

CUT = sys.argv[1] == "cut"
SOCKET, LOG, DAEMON, CHILD = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
BODY = b'{"algorithm":"ES256","data":"aGk"}'


def until(condition, seconds=60):
    for _ in range(seconds * 100):
        if condition():
            return True
        time.sleep(0.01)
    return False


def logged(word):
    with open(LOG, encoding="utf-8") as file:
        return word in file.read().rsplit(" serving ", 1)[-1]


def start_request():
    """The agent's 100 Continue says that the request counts as one under way."""
    sock = connect(SOCKET)
    sock.sendall(b"POST /v1/keys/k/sign HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" %
                 len(BODY))
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        got += sock.recv(4096)
    tell(got.startswith(b"HTTP/1.1 100 "), "a request is under way", got)
    sock.sendall(BODY)
    return sock


def is_over():
    try:
        connect(SOCKET).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return True
    return False


kept = Agent(SOCKET)
assert kept.call("GET", "/v1/health/alive")[0] == 200
busy = start_request()
os.kill(DAEMON, signal.SIGTERM)
tell(until(lambda: logged(" stopping ")), "SIGTERM is logged")
if not CUT:
    # The line is written a moment before the drain begins.
    status, problem = 0, {}
    for _ in range(100):
        status, problem = kept.call("GET", "/v1/keys")
        if status != 200:
            break
    tell(status == 503 and problem.get("code") == "stopping" and problem.get("retryable") is True,
         "a new request on a connection from before gets 503", status, problem)
    os.kill(CHILD, signal.SIGCONT)
answer = b""
while got := busy.recv(65536):
    answer += got
if CUT:
    tell(answer.startswith(b"HTTP/1.1 503 ") and b'"code":"stopping"' in answer or not answer,
         "the request is not waited for any longer", answer)
else:
    tell(answer.startswith(b"HTTP/1.1 200 ") and b'"signature"' in answer, "the one under way is answered", answer)
tell(until(is_over), "then nobody listens any more")
