# SPDX-License-Identifier: Apache-2.0
"""What the groups of `make bench` share: comparisons that alternate, their rows, and what has to be shown.

A group is a module with

    def plan(ctx)   -> (how many measurements run() makes in one round, seconds that its preparations take)
    def run(ctx)    measures by ctx.compare(), says by ctx.promise() what has to be shown and whether it was
    NEEDS           optional: ((path's pattern or program, Debian package), ...), looked for before anything is measured

`ctx.softhsm()` and `ctx.agent()` are in rig.py, and what they start and make is gone when the run ends.
"""
import collections
import os
import statistics
import sys
import time

import rig
from figures import Result, Spread, Unable, figure  # noqa: F401

class Row:
    """What a contender did in each round of a comparison."""

    def __init__(self, name):
        self.name = name
        self.rounds = []
        self.reason = None  # why there are none

    def spread(self, field):
        values = [getattr(result, field) for result in self.rounds if getattr(result, field) is not None]
        return Spread(statistics.median(values), min(values), max(values)) if values else None

    def cpu(self):
        """Side -> median of the microseconds an operation."""
        sides = dict.fromkeys(side for result in self.rounds for side in result.cpu)
        return {side: statistics.median(result.cpu.get(side, 0) for result in self.rounds) for side in sides}


class Comparison:
    """Rows in the order in which they were named; ratios are of rounds, each with the same round of the other."""

    def __init__(self, group, title, base, family):
        self.group = group
        self.title = title
        self.base = base
        self.family = family  # comparisons that one figure shows
        self.rows = {}
        self.notes = []

    def __getitem__(self, name):
        return self.rows[name]

    def ratio(self, name, base=None, field="ops_per_s"):
        """The Spread of the rounds' ratios, None if one of the two has no rounds."""
        one, other = self.rows.get(name), self.rows.get(base or self.base)
        if not one or not other:
            return None
        pairs = [(getattr(a, field), getattr(b, field)) for a, b in zip(one.rounds, other.rounds)]
        ratios = [a / b for a, b in pairs if a is not None and b]
        return Spread(statistics.median(ratios), min(ratios), max(ratios)) if ratios else None


Promise = collections.namedtuple("Promise", "measure wanted got met")
Plot = collections.namedtuple("Plot", "group title x_label y_label series log_x")
Text = collections.namedtuple("Text", "group title head rows")


class Progress:
    """A bar on a terminal, else a line for each comparison; both with an estimate of the time left."""

    WIDTH = 30

    def __init__(self, plans, rounds, seconds):
        self.left = {name: steps * rounds for name, (steps, _) in plans.items()}
        self.preparing = {name: seconds for name, (_, seconds) in plans.items()}
        self.total = sum(self.left.values()) or 1
        self.expected = seconds + 0.4
        self.spent = []
        self.terminal = sys.stderr.isatty()
        self.last_line = None
        self.begin = time.monotonic()

    def enter(self, group):
        self.group = group

    def leave(self):
        """What was planned and not done needs no more time."""
        self.left[self.group] = 0
        self.preparing[self.group] = 0

    def estimate(self):
        each = statistics.mean(self.spent) if self.spent else self.expected
        ahead = sum(seconds for name, seconds in self.preparing.items() if name != self.group)
        return each * sum(self.left.values()) + ahead

    def say(self, text):
        left = sum(self.left.values())
        done = min(max(1 - left / self.total, 0), 1)
        seconds = int(self.estimate())
        words = f"{done:4.0%}, {seconds // 60}:{seconds % 60:02} left  {self.group}: {text}"
        if self.terminal:
            filled = int(done * self.WIDTH)
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            bar = "#" * filled + "-" * (self.WIDTH - filled)
            sys.stderr.write("\r\033[K" + f"[{bar}] {words}"[:max(columns - 1, 20)])
        elif text != self.last_line:
            sys.stderr.write(words + "\n")
        self.last_line = text
        sys.stderr.flush()

    def step(self):
        self.left[self.group] = max(self.left[self.group] - 1, 0)

    def end(self):
        """How long it took, in seconds."""
        if self.terminal:
            sys.stderr.write("\r\033[K")
        return time.monotonic() - self.begin


class Context:
    """What a group gets. `rounds` and `seconds` are for compare()'s measurements; `build` and `source` are the top
    directories; `directory` is private and temporary, and every user may pass through it."""

    def __init__(self, build, source, directory, rounds, seconds):
        self.build = build
        self.source = source
        self.directory = directory
        self.rounds = rounds
        self.seconds = seconds
        self.rig = rig.Rig(build, directory)
        self.promises = []
        self.exhibits = []  # comparisons, plots and texts in the report's order
        self.notes = []
        self.missing = {}
        self.failures = []  # groups
        self.group = None
        self.progress = None

    # --- What is measured

    def softhsm(self, keys=(), fill=0):
        """A SoftHSM2 token with keys that an agent made: [(NAME, TYPE, [PURPOSE, ...]), ...]; `fill` more key pairs of
        P-256 are in the token and known to nobody. See rig.Token."""
        self.progress.say("making a token")
        return self.rig.token(keys, fill)

    def agent(self, token, **options):
        """A running agent on a copy of the token; see rig.Agent for the options. Rig.Agent.stop() ends it earlier."""
        return self.rig.agent(token, **options)

    def callers(self, algorithm, public_key, way, **options):
        """Runs the load program, see rig.Rig.callers. A Result; raises Unable."""
        return self.rig.callers(algorithm, public_key, way, options.pop("seconds", self.seconds), **options)

    def ask(self, agent, key, algorithm, **options):
        """The load program on an agent's key, single requests or batches, with the processors' time of both sides."""
        sides = options.pop("sides", agent.pids)
        return self.callers(algorithm, self.rig.public_key(agent.token, key), ["agent", agent.socket, key], sides=sides,
                            **options)

    def in_process(self, token, key, algorithm, slow_ms=0, **options):
        """The load program on the module itself, a session for each caller; C_Sign takes slow_ms longer."""
        module, environment = self.rig.slow(token, slow_ms) if slow_ms else (token.module, token.environment)
        way = ["module", *self.rig.module_words(token, module), token.keys[key]["id"]]
        return self.callers(algorithm, self.rig.public_key(token, key), way, environment=environment, **options)

    def need(self, path_or_program, package):
        """Its path, or Unable: then the report says which Debian package is missing."""
        found = rig.find(path_or_program)
        if not found:
            self.missing[package] = path_or_program
            raise Unable(f"not installed: Debian's {package}")
        return found

    # --- Measuring

    def compare(self, title, contenders, base=None, family=None):
        """Measures [(NAME, function that returns a Result or raises Unable), ...] once a round. Who begins changes with
        the rounds, so that nobody is always the one after another. Those of a family, whose titles begin with it, are
        one figure. Names that begin with "agent" stand out in it."""
        comparison = Comparison(self.group, title, base or contenders[0][0], family or title)
        comparison.rows = {name: Row(name) for name, _ in contenders}
        for number in range(self.rounds):
            first = number % len(contenders)
            for name, measure in contenders[first:] + contenders[:first]:
                self.measure(comparison.rows[name], title, measure)
        self.exhibits.append(comparison)
        return comparison

    def measure(self, row, title, measure):
        self.progress.say(title)
        begin = time.monotonic()
        try:
            if row.reason is None:
                row.rounds.append(measure())
                self.progress.spent.append(time.monotonic() - begin)
        except Unable as reason:
            row.reason = str(reason)
            row.rounds = []
        self.progress.step()

    # --- Showing

    def promise(self, measure, got, at_least=None, under=None, unit="", reason="", also=""):
        """A row of the table of what has to be shown. `got`: a Spread, a number, or None with a reason. The median
        decides; `also` is said behind it."""
        wanted = f"at least {at_least}{unit}" if at_least is not None else f"under {under}{unit}"
        if got is None:
            self.promises.append(Promise(measure, wanted, "not measured" + (f": {reason}" if reason else ""), None))
            return
        value = got.median if isinstance(got, Spread) else got
        met = value >= at_least if at_least is not None else value < under
        self.promises.append(Promise(measure, wanted, figure(got, unit) + also, met))

    def note(self, text):
        """A paragraph below the comparison that was shown last, or of the whole report before the first one."""
        if self.exhibits and isinstance(self.exhibits[-1], Comparison) and self.exhibits[-1].group == self.group:
            self.exhibits[-1].notes.append(text)
        else:
            self.notes.append(text)

    def plot(self, title, x_label, y_label, series, log_x=False):
        """Lines: {NAME: [(x, y) or (x, Spread), ...]}."""
        self.exhibits.append(Plot(self.group, title, x_label, y_label, series, log_x))

    def table(self, title, head, rows):
        """A table of one's own, of texts."""
        self.exhibits.append(Text(self.group, title, head, rows))
