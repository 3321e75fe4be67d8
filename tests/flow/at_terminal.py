#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and answers its prompts.

at_terminal.py [PROMPT ANSWER]... -- COMMAND ARGUMENT...

Each ANSWER is typed when its PROMPT has appeared behind the one before, and only when the terminal doesn't echo; the answer
^C is the interrupt character. What was on the screen goes to stdout; the exit status is the command's, 97 when a prompt
didn't come, 98 when the terminal echoed a PIN or goes on echoing nothing afterwards.
"""
import os
import pty
import select
import sys
import termios
import time

DEADLINE_S = 30


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def read_some(terminal, screen, deadline):
    """False at the end of the command's output."""
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        raise TimeoutError
    try:
        data = os.read(terminal, 4096)
    except OSError:  # EIO: the command has closed its end
        return False
    screen += data
    return bool(data)


def wait_silent(terminal, deadline):
    while echoes(terminal):
        if time.monotonic() > deadline:
            return False
        select.select([], [], [], 0.01)
    return True


def main():
    at = sys.argv.index("--")
    pairs, command = sys.argv[1:at], sys.argv[at + 1:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    screen, seen, code = bytearray(), 0, 0
    deadline = time.monotonic() + DEADLINE_S
    slave_echo = None
    try:
        for prompt, answer in zip(pairs[::2], pairs[1::2]):
            while (found := screen.find(prompt.encode(), seen)) < 0:
                if not read_some(terminal, screen, deadline):
                    raise TimeoutError
            seen = found + len(prompt.encode())
            if not wait_silent(terminal, deadline):
                code = 98
                break
            os.write(terminal, b"\x03" if answer == "^C" else answer.encode() + b"\n")
        while read_some(terminal, screen, deadline):
            try:
                slave_echo = echoes(terminal)
            except termios.error:
                pass
        slave_echo = echoes(terminal)
    except TimeoutError:
        code = 97
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.stdout.write(screen.decode(errors="replace").replace("\r", ""))
    if code == 0 and slave_echo is False:
        code = 98
    sys.exit(code or (status if status >= 0 else 128 - status))


main()
