# SPDX-License-Identifier: Apache-2.0
"""A token that hangs, or whose module crashes, at one call of each function, beside a token that is well.

argv: LOAD FAULTCTL SOCKET RULES CIPHERTEXT DEADLINE   the two programs; an agent with the keys e (EC) and r (RSA) in a token
                                                       with the fault module, whose deadline-ms is DEADLINE, and f (EC) in
                                                       another one; the fault module's file; something encrypted for r
HANG_FUNCTIONS: fewer of them.

For each function three times: nothing, a hang, a crash. The callers of both tokens rest between their requests, so
that their number is the same with and without the fault, and f's answers can be compared.
"""
import os
import statistics
import sys
import time

from agentlib import tell
from loadlib import Load, Rules, decrypt, kinds, sign

LOAD, FAULTCTL, SOCKET, RULES_FILE, CIPHERTEXT, DEADLINE = sys.argv[1:]
DEADLINE_S = int(DEADLINE) / 1000
RULES = Rules(RULES_FILE, FAULTCTL)
MIXED = [sign("e", "ES256"), decrypt("r", CIPHERTEXT), sign("r", "PS256")]
CALLERS, IDLE_MS = 6, 20
OTHERS, OTHERS_IDLE_MS = 2, 3
BEFORE_S, AFTER_S = 0.3, DEADLINE_S + 2.5
COMPARED_S = DEADLINE_S + 1  # from the fault on: the hang, and what follows it
SLACK_S = 0.5                # a 504 may come that much later on a busy machine
HANG_BACK_S, CRASH_BACK_S = 3, 1
OTHERS_RATIO = 1.1

# How a function comes to be called.
LOST = "C_SignInit kill-sessions count 1"
RENEWED = "C_SignInit error CKR_DEVICE_ERROR count 2"  # both in one operation, since there is one caller only
DIED = "C_SignInit crash kill count 1"
FUNCTIONS = {
    "C_SignInit": (), "C_Sign": (), "C_DecryptInit": (), "C_Decrypt": (),
    "C_CloseSession": (LOST,), "C_OpenSession": (LOST,), "C_GetSessionInfo": (LOST,), "C_Login": (LOST,),
    "C_GetTokenInfo": (LOST,), "C_FindObjectsInit": (LOST,), "C_FindObjects": (LOST,), "C_FindObjectsFinal": (LOST,),
    "C_GetAttributeValue": (LOST,), "C_Finalize": (RENEWED,), "C_Initialize": (RENEWED,), "C_GetSlotList": (RENEWED,),
    "C_Initialize in a new process": (DIED,), "C_GetMechanismList in a new process": (DIED,),
    "C_OpenSession in a new process": (DIED,), "C_Login in a new process": (DIED,),
    "C_FindObjects in a new process": (DIED,),
}


def p99(seconds):
    return sorted(seconds)[len(seconds) * 99 // 100]


def run(name, action):
    """One round; action is hang, crash or None."""
    function, brought = name.split()[0], FUNCTIONS[name]
    callers = 1 if RENEWED in brought else CALLERS
    mine = Load(LOAD, SOCKET, RULES_FILE + ".mine", MIXED, callers, BEFORE_S + AFTER_S, "-i", str(IDLE_MS))
    others = Load(LOAD, SOCKET, RULES_FILE + ".others", [sign("f", "ES256")], OTHERS, BEFORE_S + AFTER_S, "-i",
                  str(OTHERS_IDLE_MS))
    time.sleep(BEFORE_S)
    begin = time.monotonic()
    if action:
        # A loss comes before what it leads to, even if both are the same function.
        RULES.put(f"{function} {action} count 1", *brought)
    answers, beside = mine.take(), others.take()
    met = RULES.fired() if action else 0
    RULES.put()
    compared = [a.end - a.start for a in beside if begin <= a.start < begin + COMPARED_S]
    failures = [a for a in answers if a.status != 200]
    last = max((a.end for a in answers if a.status != 200), default=begin)
    served = [a.end for a in answers if a.status == 200 and a.end >= begin]
    gap = max((b - a for a, b in zip([begin] + served, served)), default=float("inf"))
    return {"met": met, "requests": len(answers), "failures": failures, "last": last - begin, "gap": gap,
            "slowest": max(a.end - a.start for a in answers), "compared": compared, "served": len(served),
            "others_failed": sum(a.status != 200 for a in beside)}


def is_late_answer(answer):
    """504 at the deadline; or 503, to those who haven't got as far as a process by then."""
    seconds = answer.end - answer.start
    return answer.code in ("deadline", "token-unavailable") and DEADLINE_S - 0.05 <= seconds < DEADLINE_S + SLACK_S


def compare(what, calm, faulty):
    """The median of the ratios of rounds that followed each other, which a machine's other work disturbs the least."""
    ratio = statistics.median(p99(b) / p99(a) for a, b in zip(calm, faulty))
    one, two = sum(calm, []), sum(faulty, [])
    print(f"# the other token: p99 of {len(one)} answers {p99(one) * 1e3:.2f} ms with nothing beside, of {len(two)} with "
          f"{what} {p99(two) * 1e3:.2f} ms; the median of the rounds' ratios is {ratio:.2f}")
    return ratio


def show(name, action, one):
    times = [a.end - a.start for a in one["failures"]]
    span = f", after {min(times):.2f} to {max(times):.2f} s" if times else ""
    print(f"# {name}, {action}: met {one['met']}, {one['requests']} requests, not served {kinds(one['failures']) or 'none'}"
          f"{span}; the last one {one['last']:.2f} s after the fault; longest without any {one['gap']:.2f} s; slowest answer "
          f"{one['slowest']:.2f} s", flush=True)


def main():
    chosen = os.environ.get("HANG_FUNCTIONS", ",".join(FUNCTIONS)).split(",")
    calm, hung, crashed = [], [], []
    bad = {"hang": [], "late": [], "crash": [], "others": [], "calm": []}
    for name in chosen:
        quiet, hang, crash = run(name, None), run(name, "hang"), run(name, "crash")
        show(name, "hang", hang)
        show(name, "crash", crash)
        calm.append(quiet["compared"])
        hung.append(hang["compared"])
        crashed.append(crash["compared"])
        on_time = all(is_late_answer(a) for a in hang["failures"])
        if not (hang["met"] == 1 and hang["failures"] and on_time):
            bad["hang"].append(name)
        if not (hang["last"] < HANG_BACK_S and hang["gap"] < HANG_BACK_S):
            bad["late"].append(name)
        if not (crash["met"] == 1 and not crash["failures"] and crash["gap"] < CRASH_BACK_S):
            bad["crash"].append(name)
        if quiet["failures"]:
            bad["calm"].append(name)
        if quiet["others_failed"] + hang["others_failed"] + crash["others_failed"]:
            bad["others"].append(name)
    tell(not bad["calm"], "without a fault no request fails", bad["calm"])
    tell(not bad["hang"], "a hang: 504 at the deadline, or 503 while no process is there", bad["hang"])
    tell(not bad["late"], f"a hang: all are served again within {HANG_BACK_S} s", bad["late"])
    tell(not bad["crash"], f"a crash: no request fails, none are served for less than {CRASH_BACK_S} s", bad["crash"])
    tell(not bad["others"], "no request for the other token fails", bad["others"])
    compare("crashes", calm, crashed)
    ratio = compare("hangs", calm, hung)
    tell(ratio <= OTHERS_RATIO, f"the other token's p99 is within {OTHERS_RATIO} x while one hangs", f"{ratio:.2f}")


main()
