# SPDX-License-Identifier: Apache-2.0
"""Runs a document's fenced blocks, in order and in the current directory, and compares what they print.

argv: the document. An `sh` block holds commands and must succeed as a whole. A `console` block holds `$ COMMAND` lines
(a `\\` at the end goes on in the next line), each followed by what it prints on either stream; there `...` stands for
anything, and a line that is nothing else for any number of lines. An `ini` block is a configuration that hsm-agentd has
nothing to complain about. Blocks of other kinds hold no commands. A comment `<!-- not-run: REASON -->` in the line above
a block's fence keeps it from being run.
"""
import collections
import re
import shutil
import subprocess
import sys

from agentlib import tell

Block = collections.namedtuple("Block", "line kind text not_run")
NOT_RUN = re.compile(r"<!-- not-run: (.+) -->")


def blocks_of(lines):
    found, fence, above = [], None, ""
    for number, line in enumerate(lines, 1):
        if fence is None and line.startswith("```"):
            reason = NOT_RUN.fullmatch(above.strip())
            fence = Block(number, line[3:].strip(), [], reason and reason.group(1))
        elif fence is not None and line == "```":
            found.append(fence)
            fence = None
        elif fence is not None:
            fence.text.append(line)
        above = line
    if fence is not None:
        raise SystemExit("the block in line %d has no end" % fence.line)
    return found


def commands_of(block):
    """Pairs of a command and the lines it is to print."""
    commands = []
    goes_on = False
    for line in block.text:
        if goes_on:
            commands[-1][0] += "\n" + line
        elif line.startswith("$ "):
            commands.append([line[2:], []])
        elif not commands:
            raise SystemExit("line %d: the block doesn't begin with a command" % (block.line + 1))
        else:
            commands[-1][1].append(line)
            continue
        goes_on = line.endswith("\\")
    return commands


def pattern_of(lines):
    pattern = ""
    for line in lines:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"\n"
    return re.compile(pattern)


def run(arguments):
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors="backslashreplace")
    return done.returncode, "".join(line.rstrip() + "\n" for line in text.splitlines())


def run_sh(block):
    status, text = run(["bash", "-e", "-o", "pipefail", "-c", "\n".join(block.text)])
    return [] if status == 0 else ["it ended with %d and printed:" % status, text]


def run_console(block):
    wrong = []
    for command, wanted in commands_of(block):
        _, text = run(["bash", "-c", command])
        if not pattern_of(wanted).fullmatch(text):
            wrong += ["$ " + command, "printed:", text, "wanted:", "\n".join(wanted)]
    return wrong


def run_ini(block):
    """The users and groups of an example aren't on this machine."""
    with open("example.conf", "w") as file:
        for line in block.text:
            file.write(re.sub(r"^(user|group) = \S+", r"\1 = 0", line) + "\n")
    status, text = run(["hsm-agentd", "--check", "-c", "example.conf"])
    return [] if status == 0 else ["hsm-agentd --check ended with %d and printed:" % status, text]


RUN = {"sh": run_sh, "console": run_console, "ini": run_ini}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        blocks = blocks_of(file.read().splitlines())
    ran = {kind: 0 for kind in RUN}
    passed_over = 0
    for block in blocks:
        first = block.text[0] if block.text else "nothing"
        name = "line %d, %s: %s" % (block.line, block.kind or "no kind", first.replace("#", "").strip()[:60])
        if block.not_run or block.kind not in RUN:
            passed_over += 1
            print("# not run: %s (%s)" % (name, block.not_run or "no commands"))
        elif any(re.search(r"\| jq\b", line) for line in block.text) and not shutil.which("jq"):
            ran[block.kind] += 1
            tell(True, name + " # SKIP jq isn't installed")
        else:
            ran[block.kind] += 1
            wrong = RUN[block.kind](block)
            tell(not wrong, name, *wrong)
    print("# %d blocks run, %d not run" % (sum(ran.values()), passed_over))
    tell(ran["sh"] > 0 and ran["console"] > 0, "there are blocks of commands, with and without output", ran)


main()
