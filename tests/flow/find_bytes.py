# SPDX-License-Identifier: Apache-2.0
"""Counts a text in the memory of a process: argv are the process id and a file that holds the text.

Prints a line for each mapping that has it: the count and the mapping's name. Reads all that can be read.
"""
import sys

pid, path = int(sys.argv[1]), sys.argv[2]
with open(path, "rb") as file:
    text = file.read().rstrip(b"\n")
CHUNK = 1 << 20

with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
    maps = [line.split(None, 5) for line in file]
with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
    for fields in maps:
        start, end = (int(x, 16) for x in fields[0].split("-"))
        name = fields[5].strip() if len(fields) > 5 else "anonymous"
        # The terabytes that a sanitizer maps hold marks, not data.
        if "r" not in fields[1] or name in ("[vvar]", "[vsyscall]") or end - start > 1 << 32:
            continue
        count, tail, at = 0, b"", start
        while at < end:
            try:
                memory.seek(at)
                got = memory.read(min(CHUNK, end - at))
            except (OSError, OverflowError, ValueError):
                got = b""
            if not got:  # there is nothing behind this page
                at = (at // CHUNK + 1) * CHUNK
                tail = b""
                continue
            both = tail + got
            count += both.count(text)
            tail = both[-(len(text) - 1):]
            at += len(got)
        if count:
            print(count, name)
