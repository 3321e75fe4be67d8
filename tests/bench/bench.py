# SPDX-License-Identifier: Apache-2.0
"""`make bench`: runs groups of comparisons, prints their tables and what has to be shown, and writes the report.

The environment: BENCH (names of groups, separated by commas; all), BENCH_ROUNDS (5), BENCH_SECONDS (0.7) of each
measurement, BENCH_OUT (bench-report), a directory that is made. Installs nothing, and says what is missing.
Ends with 1 when something failed; a figure that is missed is no failure of the measurement.
"""
import importlib
import os
import shutil
import signal
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
import benchlib  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
import rig  # noqa: E402

GROUPS = ("sign", "tls", "growth")


def read_number(name, default, kind, least):
    text = os.environ.get(name, "")
    try:
        value = kind(text or default)
    except ValueError:
        value = -1
    if value < least:
        sys.exit(f"{name}={text}: not a number of at least {least}")
    return value


def read_groups():
    names = [name.strip() for name in os.environ.get("BENCH", "").split(",") if name.strip()] or list(GROUPS)
    for name in names:
        if name not in GROUPS:
            sys.exit(f"BENCH={name}: no such group; there are {', '.join(GROUPS)}")
    return {name: importlib.import_module(name) for name in names}


def look_for_missing(ctx, groups):
    if not ctx.rig.softhsm2():
        sys.exit("SoftHSM2 isn't installed. As root: apt-get install softhsm2")
    for group in groups.values():
        for what, package in getattr(group, "NEEDS", ()):
            if not rig.find(what):
                ctx.missing[package] = what
    if ctx.missing:
        print("Not installed, so their rows stay empty. As root: apt-get install " + " ".join(sorted(ctx.missing)),
              file=sys.stderr)


def run_groups(ctx, groups):
    """Whether all went well."""
    well = True
    ctx.progress = benchlib.Progress({name: group.plan(ctx) for name, group in groups.items()}, ctx.rounds, ctx.seconds)
    for name, group in groups.items():
        ctx.group = name
        ctx.progress.enter(name)
        try:
            group.run(ctx)
        except KeyboardInterrupt:
            print("\nbroken off: the report has what was measured", file=sys.stderr)
            return False
        except Exception:  # the other groups have their figures all the same
            traceback.print_exc()
            ctx.failures.append(name)
            well = False
        finally:
            ctx.rig.stop()
        ctx.progress.leave()
    return well


def main():
    # Nothing of the user's own gets in the way.
    for name in ("HSM_AGENT_SOCKET", "SOFTHSM2_CONF", "OPENSSL_CONF", "P11_KIT_SERVER_ADDRESS"):
        os.environ.pop(name, None)
    os.environ["LC_ALL"] = "C"
    sys.stdout.reconfigure(encoding="utf-8")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    build = os.getcwd()
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    rounds = read_number("BENCH_ROUNDS", "5", int, 1)
    seconds = read_number("BENCH_SECONDS", "0.7", float, 0.05)
    groups = read_groups()
    out = os.path.abspath(os.environ.get("BENCH_OUT") or "bench-report")
    os.umask(0o022)
    # The path of a Unix socket is short.
    base = os.environ.get("TMPDIR", "/tmp")
    directory = tempfile.mkdtemp(prefix="hsm-bench.", dir=base if len(base) <= 40 else "/tmp")
    os.chmod(directory, 0o711)  # servers of a group run as users of their own
    ctx = benchlib.Context(build, source, directory, rounds, seconds)
    try:
        look_for_missing(ctx, groups)
        facts = machine.facts(ctx)
        well = run_groups(ctx, groups)
        facts += machine.facts_after(ctx)
    finally:
        ctx.rig.stop()
        shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(out, exist_ok=True)
    report.write(ctx, facts, out)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
