# SPDX-License-Identifier: Apache-2.0
"""On what was measured: the report's list of facts, as (name, text)."""
import os
import platform
import subprocess
import time

PACKAGES = ("openssl", "libssl3", "softhsm2", "libengine-pkcs11-openssl", "p11-kit", "libmicrohttpd12", "nginx", "haproxy")


def output_of(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def distribution():
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except (AttributeError, OSError):  # Python before 3.10
        return platform.system()


def versions():
    listed = output_of("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n", *PACKAGES)
    return ", ".join(" ".join(line.split()[1:]) for line in listed.splitlines() if line.startswith("ii"))


def facts(ctx):
    load = os.getloadavg()[0]
    found = [
        ("Begun", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
        ("Agent", output_of(os.path.join(ctx.build, "hsm-agentd"), "--version")),
        ("Processors", f"{len(os.sched_getaffinity(0))}: {processor()}"),
        ("System", f"{distribution()}, Linux {platform.release()}"),
        ("Packages", versions()),
        ("Rounds", f"{ctx.rounds}, of {ctx.seconds:g} s for each measurement; figures are the rounds' medians, with the "
                   "least and the most in brackets"),
        ("The agent's audit log", "on, with its default (audit-sync = batch): each use of a key is written before its "
                                  "result is sent"),
        ("Load before", f"{load:.2f}"),
    ]
    if ctx.missing:
        found.append(("Not installed", ", ".join(sorted(ctx.missing))))
    if load > 0.5:
        found.append(("Mind", "something else was running: ratios swing more than on an idle machine, and figures are low"))
    return found


def facts_after(ctx):
    seconds = int(ctx.progress.end())
    found = [("Took", f"{seconds // 60} min {seconds % 60} s")]
    if ctx.failures:
        found.append(("Failed", ", ".join(ctx.failures)))
    return found
