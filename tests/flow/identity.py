# SPDX-License-Identifier: Apache-2.0
"""Whom the agent takes a caller for, when the caller isn't who it was any more: identity.py SOCKET PID, of the daemon.

The daemon is stopped while connections are made that are to wait for it. Takes root. Prints TAP without numbers.
"""
import array
import json
import os
import signal
import socket
import sys
import time

path, daemon = sys.argv[1], int(sys.argv[2])
failed = False


def check(name, got, wanted):
    global failed
    if got == wanted:
        print(f"ok {name}")
    else:
        failed = True
        print(f"not ok {name}\n# got: {got}\n# wanted: {wanted}")


def connect():
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(path)
    return sock


def whoami(sock):
    sock.sendall(b"GET /v1/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, body = data.split(b"\r\n\r\n", 1)
    length = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")))
    while len(body) < length:
        body += sock.recv(65536)
    return json.loads(body)


def child(act, uid=0):
    """A process that runs as uid, connects, hands its connection over, and does as it is told."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        message, ancillary, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        fd = array.array("i", ancillary[0][2][:4])[0]
        return pid, socket.socket(fileno=fd), ours
    ours.close()
    if uid:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    sock = connect()
    theirs.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))])
    act(theirs)
    os._exit(0)


def wait_for_word(theirs):
    theirs.recv(1)


def end(pid, word):
    word.close()
    os.waitpid(pid, 0)


def is_stopped():
    """SIGSTOP reaches one thread, which stops the others only when it runs next: until then they accept."""
    for thread in os.listdir(f"/proc/{daemon}/task"):
        try:
            with open(f"/proc/{daemon}/task/{thread}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] != "T":
                    return False
        except FileNotFoundError:
            return False
    return True


def stopped(act):
    os.kill(daemon, signal.SIGSTOP)
    while not is_stopped():
        time.sleep(0.001)
    try:
        return act()
    finally:
        os.kill(daemon, signal.SIGCONT)


def pick(said, *names):
    return [said[name] for name in names]


signal.alarm(300)
me = os.path.realpath("/proc/self/exe")
said = whoami(connect())
check("the executable is known", said["exe"], me)
check("and the pid is the caller's", said["pid"], os.getpid())

# The one who holds the connection isn't the one who made it.
pid, sock, word = child(wait_for_word, uid=4711)
check("a passed descriptor stays the other's", pick(whoami(sock), "uid", "gid", "groups", "pid"), [4711, 4711, [], pid])
end(pid, word)
check("also when the other has ended", pick(whoami(sock), "uid", "exe"), [4711, me])


# The one who made it becomes another one.
def become(theirs):
    theirs.recv(1)
    os.setresgid(4713, 4713, 4713)
    os.setresuid(4712, 4712, 4712)
    theirs.send(b"x")
    theirs.recv(1)


pid, sock, word = child(become)
first = whoami(sock)
word.send(b"x")
word.recv(1)
check("setuid after the connection was made changes nothing", whoami(sock), first)
check("which is root's", first["uid"], 0)
end(pid, word)


def connect_and_become():
    """Before the agent has looked."""
    pid, sock, word = child(become)
    word.send(b"x")
    word.recv(1)
    return pid, sock, word


pid, sock, word = stopped(connect_and_become)
check("setuid before the agent looks: the user is the one who connected, the program unknown",
      pick(whoami(sock), "uid", "gid", "exe"), [0, 0, None])
end(pid, word)


# The one who made it has ended, and its number is another one's.
def reuse():
    pid, sock, word = child(lambda theirs: None, uid=4711)
    end(pid, word)
    for _ in range(100):
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write(str(pid - 1))
        other = os.fork()
        if other == 0:
            if os.getpid() == pid:
                time.sleep(120)
            os._exit(0)
        if other == pid:
            return pid, sock
        os.waitpid(other, 0)
    return None, sock


pid, sock = stopped(reuse)
check("another process has the number", pid is not None, True)
check("it isn't taken for the one who connected", pick(whoami(sock), "uid", "pid", "unit", "exe"), [4711, pid, None, None])
if pid:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
sys.exit(failed)
