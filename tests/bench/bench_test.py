# SPDX-License-Identifier: Apache-2.0
"""Tests of the bench's own arithmetic and report: argv are the build directory and one for files. Prints `ok NAME`."""
import csv
import os
import re
import sys
import xml.dom.minidom

sys.dont_write_bytecode = True
import benchlib  # noqa: E402
import charts  # noqa: E402
import report  # noqa: E402
from figures import Result, Spread, Unable, figure  # noqa: E402


def check(name, good, *words):
    print(f"{'ok' if good else 'not ok'} {name}")
    if not good:
        print("#", *words)


def context(build, directory, rounds, steps):
    ctx = benchlib.Context(build, build, directory, rounds, 0.1)
    ctx.group = "test"
    ctx.progress = benchlib.Progress({"test": (steps, 0)}, rounds, 0.1)
    ctx.progress.enter("test")
    return ctx


def known_figures(directory):
    """Three rounds whose medians and ratios can be worked out by hand."""
    asked = []
    rates = {"one": iter((100, 200, 400)), "agent": iter((50, 300, 300))}

    def measure(name):
        def result():
            asked.append(name)
            return Result(next(rates[name]), p50=1000, p99=2000, p999=3000, cpu={"client": 5})
        return result

    def unable():
        asked.append("lame")
        raise Unable("it has no legs")

    ctx = context("/", directory, 3, 3)
    found = ctx.compare("Walk, 1 caller", [("one", measure("one")), ("agent", measure("agent")), ("lame", unable)],
                        family="Walk")
    check("contenders alternate, and others begin each round", asked == ["one", "agent", "lame", "agent", "one", "one",
                                                                        "agent"], asked)
    check("a row has the median of the rounds", found["one"].spread("ops_per_s") == Spread(200, 100, 400))
    check("a ratio is of one round", found.ratio("agent") == Spread(0.75, 0.5, 1.5), found.ratio("agent"))
    check("who is unable has a reason and no ratio", found.ratio("lame") is None and found["lame"].reason == "it has no legs")
    ctx.promise("enough", found.ratio("agent"), at_least=0.75)
    ctx.promise("not enough", found.ratio("agent"), at_least=0.76)
    ctx.promise("too long", 5.0, under=5, unit=" ms")
    ctx.promise("absent", found.ratio("lame"), at_least=1)
    check("a promise is decided by the median", [each.met for each in ctx.promises] == [True, False, False, None])
    ctx.note("It rained.")
    ctx.plot("Growth", "keys", "ratio", {"a <line>": [(0, 1.0), (10, Spread(0.9, 0.8, 1.0)), (100, 0.5)],
                                         "short": [(10, 1.0)]}, log_x=True)
    ctx.table("Words", ["what", "how"], [["rain", "a | b"]])
    check("figures are short", [figure(each) for each in (0, 1234.5, 12.34, 0.123)] == ["0", "1,234", "12.3", "0.12"])
    return ctx


def reported(ctx, out):
    """The files of a report, checked by others' eyes than its writer's."""
    os.mkdir(out)
    standard, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="utf-8")
    try:
        report.write(ctx, [("Begun", "now & here")], out)
    finally:
        sys.stdout.close()
        sys.stdout = standard
    with open(os.path.join(out, "figures.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rates = [float(row["value"]) for row in rows if row["figure"] == "rate" and row["contender"] == "agent"]
    check("the CSV has every round", rates == [50, 300, 300], rows)
    with open(os.path.join(out, "report.html"), encoding="utf-8") as file:
        page = file.read()
    links = re.findall(r'(?:href|src|url)[=(]"?([^"]*)', page)
    check("the page needs nothing from elsewhere", links and all(link.startswith("data:") for link in links), links)
    check("and says why a cell is empty", "lame: it has no legs." in page and "It rained." in page)
    with open(os.path.join(out, "tables.md"), encoding="utf-8") as file:
        words = file.read()
    check("the tables have ratio and spread", "| agent | 300 (50.0 to 300) | 0.75 (0.50 to 1.50) | 1.00 | 2.00 |" in words, words)
    check("a bar in a cell doesn't end it", "a \\| b" in words)
    drawings = sorted(name for name in os.listdir(out) if name.endswith(".svg"))
    check("bars and lines are drawn", drawings == ["01-walk.svg", "02-growth.svg"], drawings)
    for name in drawings:
        drawn = xml.dom.minidom.parse(os.path.join(out, name)).documentElement
        told = {each: drawn.getElementsByTagName(each)[0].firstChild.data for each in ("title", "desc")}
        check(f"{name} says what it shows", drawn.getAttribute("role") == "img" and "0.75" in told["desc"]
              or "0.50" in told["desc"], told)


def measured(build, directory):
    """The load program, by two ways."""
    ctx = context(build, directory, 1, 4)
    try:
        token = ctx.softhsm([("e", "ec:p256", ["sign"])], fill=2)
        agent = ctx.agent(token)
        peer = token.copy(os.path.join(directory, "peer"))
        found = ctx.compare("P-256", [
            ("module", lambda: ctx.in_process(peer, "e", "ES256", callers=2)),
            ("processes", lambda: ctx.in_process(peer, "e", "ES256", callers=2, processes=True)),
            ("agent", lambda: ctx.ask(agent, "e", "ES256", callers=2, batch=4)),
            ("agent, due", lambda: ctx.ask(agent, "e", "ES256", callers=2, rate=50, seconds=0.5))])
        rows = {name: row.rounds[0] for name, row in found.rows.items()}
        check("a module and an agent sign", all(row.ops_per_s > 0 for row in rows.values()), rows)
        check("processors' time is told by side", list(rows["module"].cpu) == ["client"]
              and set(rows["agent"].cpu) == {"client", "daemon", "token"}
              and all(used > 0 for row in rows.values() for used in row.cpu.values()), rows)
        used = [rows[name].cpu["client"] for name in ("module", "processes")]
        check("processes use what threads do", max(used) < 3 * min(used), used)
        check("times are in order", all(row.p50 <= row.p99 <= row.p999 for row in rows.values() if row.p50), rows)
        check("requests that are due come at their rate", 25 < rows["agent, due"].ops_per_s < 75, rows)
    finally:
        ctx.rig.stop()


def main():
    build, directory = sys.argv[1:]
    # No browser draws PNG files here.
    os.environ["PATH"] = "/nowhere"
    reported(known_figures(directory), os.path.join(directory, "report"))
    measured(build, directory)
    check("a chart of nothing is a chart", "<svg" in charts.lines("x", benchlib.Plot("g", "t", "x", "y", {"a": []}, False)))


main()
