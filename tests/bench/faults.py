# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: each of twelve codes at each of eight functions, at one call, at one in twenty, and at all of them
for five seconds, under load.

argv: LOAD FAULTCTL SOCKET RULES REPORT CIPHERTEXT   the two programs; an agent with the keys e (EC) and r (RSA); the fault
                                                     module's file; where the tables go; something encrypted for r
FAULT_REQUESTS: requests of each of the first two columns in sum. FAULT_CODES, FAULT_FUNCTIONS, FAULT_COLUMNS: fewer.
"""
import os
import sys
import time

from agentlib import tell
from loadlib import Load, Rules, decrypt, kinds, sign

LOAD, FAULTCTL, SOCKET, RULES_FILE, REPORT, CIPHERTEXT = sys.argv[1:]


def chosen(name, default):
    return os.environ.get(name, default).split()


CODES = chosen("FAULT_CODES", """CKR_GENERAL_ERROR CKR_FUNCTION_FAILED CKR_DEVICE_ERROR CKR_DEVICE_MEMORY CKR_DEVICE_REMOVED
    CKR_OBJECT_HANDLE_INVALID CKR_SESSION_COUNT CKR_SESSION_HANDLE_INVALID CKR_TOKEN_NOT_PRESENT
    CKR_CRYPTOKI_NOT_INITIALIZED CKR_USER_NOT_LOGGED_IN CKR_VENDOR_DEFINED""")
FUNCTIONS = chosen("FAULT_FUNCTIONS", """C_SignInit C_Sign C_DecryptInit C_Decrypt C_FindObjectsInit C_GetAttributeValue
    C_OpenSession C_Login""")
COLUMNS = chosen("FAULT_COLUMNS", "once 5% all")
# A ciphertext may have caused these, so they aren't tried again, and told as any failed decryption: all else would be an
# oracle.
ORACLE = {("C_Decrypt", code) for code in ("CKR_GENERAL_ERROR", "CKR_FUNCTION_FAILED", "CKR_VENDOR_DEFINED")}
CALLERS = 32
FAULT_S = 5
AFTER_S = 3        # of load after the fault
BACK_S = 2         # the promise
PAUSE_MS = 20      # of a caller that was told 503
PATIENCE_S = 120   # for a column that hangs
CALM_S = 30        # between two cells, at most

SIGN = [sign("e", "ES256"), sign("r", "PS256")]
DECRYPT = [decrypt("r", CIPHERTEXT)]
MIXED = [SIGN[0], DECRYPT[0], SIGN[0], SIGN[1]]

RULES = Rules(RULES_FILE, FAULTCTL)


def start_load(requests, count, seconds, callers=CALLERS):
    options = ["-p", str(PAUSE_MS)] + (["-n", str(count)] if count else [])
    return Load(LOAD, SOCKET, RULES_FILE + ".answers", requests, callers, seconds, *options)


def calm_down():
    """Until the token serves all again. True: it came to that."""
    until = time.monotonic() + CALM_S
    while time.monotonic() < until:
        if all(answer.status == 200 for answer in start_load(MIXED, 8, PATIENCE_S, 4).take()):
            return True
        time.sleep(0.05)
    return False


def losses(function, often):
    """Some functions are called after a loss only."""
    return [] if "Sign" in function or "Decrypt" in function else ["C_SignInit kill-sessions " + often]


def seldom(function, code, how, loss, count):
    RULES.put(f"{function} error {code} {how}", *losses(function, loss))
    answers = start_load(MIXED, count, PATIENCE_S).take()
    met = RULES.fired()
    RULES.put()
    calm = calm_down()
    failures = [a for a in answers if a.status != 200]
    # What the oracle would be made of is a failure by intent, and no other one is.
    wrong = [a for a in failures if (function, code) not in ORACLE or a.code != "decryption-failed"]
    good = len(answers) == count and calm and not wrong and met
    return {"good": bool(good), "met": met, "requests": len(answers), "failures": len(failures), "kinds": kinds(answers),
            "slowest": max(a.end - a.start for a in answers), "text": f"{len(answers)} / {len(failures)} ({met})"}


def everything(function, code):
    requests = SIGN if "Sign" in function else DECRYPT if "Decrypt" in function else MIXED
    load = start_load(requests, 0, FAULT_S + AFTER_S + 0.5)
    time.sleep(0.5)
    RULES.put(f"{function} error {code}", *losses(function, "count 1"))
    begin = time.monotonic()
    time.sleep(FAULT_S)
    RULES.put()
    end = time.monotonic()
    answers = load.take()
    calm = calm_down()
    during = [a for a in answers if begin <= a.end < end]
    after = [a for a in answers if a.end >= end]
    allowed = {"token-unavailable"} | ({"decryption-failed"} if (function, code) in ORACLE else set())
    wrong = [a for a in answers if a.status != 200 and a.code not in allowed]
    served = [a.end for a in after if a.status == 200]
    failed = [a.end for a in after if a.status != 200]
    back = max(served[0], failed[-1] if failed else 0) - end if served else float("inf")
    back = float("inf") if failed and served and failed[-1] > served[-1] else back
    # At most the calls under way got through.
    good = calm and not wrong and back < BACK_S and any(a.code in allowed for a in during)
    told = sum(a.status != 200 for a in during)
    return {"good": good, "requests": len(answers), "failures": told, "kinds": kinds(answers), "back": back,
            "served": sum(a.status == 200 for a in during), "slowest": max(a.end - a.start for a in answers),
            "text": f"{told}, {back:.2f} s"}


def table(column, cells):
    mark = {True: "", False: " **!**"}
    lines = ["| | " + " | ".join(FUNCTIONS) + " |", "|---" * (len(FUNCTIONS) + 1) + "|"]
    for code in CODES:
        row = [cells[column, function, code] for function in FUNCTIONS]
        notes = ["*" if (function, code) in ORACLE else "" for function in FUNCTIONS]
        lines.append(f"| {code} | " + " | ".join(c["text"] + note + mark[c["good"]] for c, note in zip(row, notes)) + " |")
    return "\n".join(lines)


TITLES = {"once": "At one call: requests / failures (calls that failed)",
          "5%": "At one call of twenty: requests / failures (calls that failed)",
          "all": f"At every call for {FAULT_S} s: requests refused meanwhile, and how long after the fault's end none was "
                 "refused any more"}


def report(cells, seconds):
    parts = [f"# The fault matrix\n\n{CALLERS} connections; it took {seconds:.0f} s. A cell with **!** isn't as it should be. "
             "Cells with * are not retryable on purpose: a ciphertext may have caused that, so the caller is told what any "
             "ciphertext that can't be decrypted is told, and the decryption isn't tried again. Functions that are called "
             "after a loss only are brought to it by lost sessions.\n"]
    for column in COLUMNS:
        parts.append(f"## {TITLES[column]}\n\n{table(column, cells)}\n\n{sums(column, cells)}\n")
    with open(REPORT, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))
    print("\n".join("# " + line for line in "\n".join(parts).splitlines()))


def sums(column, cells):
    mine = [(key, cell) for key, cell in cells.items() if key[0] == column]
    retryable = [cell for key, cell in mine if key[1:] not in ORACLE]
    words = f"Slowest answer: {max(cell['slowest'] for _, cell in mine):.2f} s."
    if column == "all":
        return words + (f" Slowest return: {max(cell['back'] for cell in retryable):.2f} s, the median "
                        f"{sorted(cell['back'] for cell in retryable)[len(retryable) // 2]:.2f} s.")
    return words + (f" Retryable cells: {sum(cell['requests'] for cell in retryable)} requests, "
                    f"{sum(cell['failures'] for cell in retryable)} failures, {sum(cell['met'] for cell in retryable)} "
                    "calls that failed.")


def main():
    begin = time.monotonic()
    cells = {}
    retryable = len(FUNCTIONS) * len(CODES) - sum(f in FUNCTIONS and c in CODES for f, c in ORACLE)
    count = -(-int(os.environ.get("FAULT_REQUESTS", "100000")) // max(retryable, 1))
    for column in COLUMNS:
        for code in CODES:
            for function in FUNCTIONS:
                if column == "all":
                    cell = everything(function, code)
                else:
                    cell = seldom(function, code, *{"once": ("count 1", "count 1"), "5%": ("rate 0.05", "every 20")}[column],
                                  count)
                cells[column, function, code] = cell
                if not cell["good"]:
                    print(f"# {column} {code} at {function}: {cell}", flush=True)
        bad = [f"{code} at {function}" for (which, function, code), cell in cells.items()
               if which == column and not cell["good"]]
        tell(not bad, f"{column}: " + ("503 and nothing else, and back within 2 s" if column == "all" else "no request fails, and some call does in each cell"),
             f"{len(bad)} of {len(CODES) * len(FUNCTIONS)}: " + ", ".join(bad))
        print("#", sums(column, cells), flush=True)
    report(cells, time.monotonic() - begin)


main()
