# SPDX-License-Identifier: Apache-2.0
# Reads callgrind's dumps, one for each of many requests, and prints the median of what one of them took:
#
#   instructions.py PREFIX OBJECT FUNCTION FIRST LAST
#
# PREFIX.FIRST to PREFIX.LAST are the dumps. Printed are the instructions in OBJECT (a file's name), how often it called
# the C library for memory, and how many instructions there were in all. A dump counts if FUNCTION was called once, so
# that one which something else has ended, or which holds half of another request, doesn't.
import collections
import re
import statistics
import sys

ALLOCATES = re.compile(r"(malloc|calloc|realloc|reallocarray|posix_memalign|aligned_alloc)\b")


class Dump:
    def __init__(self, path):
        self.names = {"ob": {}, "fn": {}}
        self.instructions = collections.Counter()  # by object
        self.allocations = collections.Counter()  # by the calling object
        self.calls = collections.Counter()  # by the called function
        with open(path, encoding="utf-8") as file:
            self.read(file)

    # Names are written once, with a number, and are that number from then on.
    def name(self, kind, text):
        number, name = re.fullmatch(r"\((\d+)\)(?: (.*))?", text).groups()
        if name is not None:
            self.names[kind][number] = name.rsplit("/", 1)[-1]
        return self.names[kind][number]

    def read(self, file):
        here = called = None
        inclusive = False  # the next cost is that of a call, which its function has counted
        for line in file:
            word, _, rest = line.rstrip("\n").partition("=")
            if word == "ob":
                here = self.name("ob", rest)
            elif word == "fn":
                self.name("fn", rest)
            elif word == "cob":
                self.name("ob", rest)
            elif word == "cfn":
                called = self.name("fn", rest)
            elif word == "calls":
                times = int(rest.split()[0])
                self.calls[called] += times
                if ALLOCATES.match(called):
                    self.allocations[here] += times
                inclusive = True
            elif word[:1].isdigit() or word[:1] in ("+", "-", "*"):
                if not inclusive:
                    self.instructions[here] += int(word.split()[1])
                inclusive = False


def main():
    prefix, own, function = sys.argv[1:4]
    dumps = [Dump(f"{prefix}.{i}") for i in range(int(sys.argv[4]), int(sys.argv[5]) + 1)]
    dumps = [dump for dump in dumps if dump.calls[function] == 1]
    if not dumps:
        sys.exit("no dump holds one request")
    median = statistics.median_low
    print(
        median([dump.instructions[own] for dump in dumps]),
        median([dump.allocations[own] for dump in dumps]),
        median([sum(dump.instructions.values()) for dump in dumps]),
    )


main()
