# SPDX-License-Identifier: Apache-2.0
"""What a page quotes of a script is what the script has.

argv: the top of the source. A block below the line `<!-- not-run: SECTION of tests/ecosystems/NAME.sh -->` is the part of that script
between `# [SECTION]` and `# [end]`. Each section of each script is quoted somewhere, or it needs no name.
"""
import pathlib
import re
import sys

top = pathlib.Path(sys.argv[1])
QUOTE = re.compile(r"<!-- not-run: (\S+) of (tests/ecosystems/\S+\.sh) -->\n```sh\n(.*?)```", re.S)
SECTION = re.compile(r"^# \[([a-z-]+)\]\n(.*?)^# \[end\]\n", re.S | re.M)

sections = {}
for script in sorted((top / "tests/ecosystems").glob("*.sh")):
    for name, text in SECTION.findall(script.read_text()):
        sections[(name, f"tests/ecosystems/{script.name}")] = text
count = failed = 0
quoted = set()


def tell(good, name):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}")


for page in sorted((top / "docs").glob("*.md")):
    for name, script, text in QUOTE.findall(page.read_text()):
        quoted.add((name, script))
        tell(sections.get((name, script)) == text, f"{page.name} quotes {name} of {script}")
tell(not set(sections) - quoted, f"each section is quoted: {sorted(set(sections) - quoted) or 'yes'}")
tell(count > 10, "there are quotes at all")
print(f"1..{count}")
sys.exit(failed > 0)
