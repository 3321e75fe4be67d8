# SPDX-License-Identifier: Apache-2.0
# A token that fails now and then: each code at C_Sign and at one other function, once and in one call of twenty. Callers
# see nothing of it. tests/bench/faults.py has all of them.
#
#   ladder.py SOCKET RULES REQUESTS CONNECTIONS CIPHERTEXT     keys e (EC) and r (RSA); RULES is the fault module's file
import os
import sys
import threading
import time

import agentlib

CODES = """CKR_GENERAL_ERROR CKR_FUNCTION_FAILED CKR_DEVICE_ERROR CKR_DEVICE_MEMORY CKR_DEVICE_REMOVED
    CKR_OBJECT_HANDLE_INVALID CKR_SESSION_COUNT CKR_SESSION_HANDLE_INVALID CKR_TOKEN_NOT_PRESENT
    CKR_USER_NOT_LOGGED_IN CKR_CRYPTOKI_NOT_INITIALIZED CKR_VENDOR_DEFINED""".split()
FUNCTIONS = """C_SignInit C_Sign C_DecryptInit C_Decrypt C_FindObjectsInit C_FindObjects C_GetAttributeValue
    C_OpenSession C_GetSessionInfo C_Login""".split()
CALLED_ANYWAY = ("C_SignInit", "C_Sign", "C_DecryptInit", "C_Decrypt")
# A ciphertext may have caused these, so they aren't tried again: the difference would be an oracle.
NOT_TRIED_AGAIN = {("C_Decrypt", code) for code in ("CKR_GENERAL_ERROR", "CKR_FUNCTION_FAILED", "CKR_VENDOR_DEFINED")}


def put_rules(path, *rules):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write("\n".join(rules) + "\n")
    os.rename(path + ".new", path)
    time.sleep(0.02)  # the module looks at most that late; a later look would only make the test weaker


class Load:
    def __init__(self, socket, connections, ciphertext):
        self.agents = [agentlib.Agent(socket) for _ in range(connections)]
        self.requests = [
            ("/v1/keys/e/sign", {"algorithm": "ES256", "data": "aGVsbG8"}),
            ("/v1/keys/r/decrypt", {"algorithm": "RSA-OAEP", "ciphertext": ciphertext}),
            ("/v1/keys/e/sign", {"algorithm": "ES256", "data": "aGVsbG8"}),
            ("/v1/keys/r/sign", {"algorithm": "PS256", "data": "aGVsbG8"}),
        ]

    def run(self, count):
        """Returns the failures."""
        failures = []

        def work(agent):
            for i in range(count // len(self.agents)):
                where, body = self.requests[i % len(self.requests)]
                status, answer = agent.call("POST", where, body)
                if status != 200:
                    failures.append("%s: %d %s" % (where, status, answer.get("detail")))

        threads = [threading.Thread(target=work, args=(agent,)) for agent in self.agents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return failures


def functions_for(i):
    """C_Sign and another one that changes with the code."""
    others = [function for function in FUNCTIONS if function != "C_Sign"]
    return ["C_Sign", others[i % len(others)]]


def main():
    socket, rules, count, connections, ciphertext = sys.argv[1:]
    load = Load(socket, int(connections), ciphertext)
    for i, code in enumerate(CODES):
        for often in ("count 1", "rate 0.05"):
            functions = [f for f in functions_for(i) if (f, code) not in NOT_TRIED_AGAIN]
            failures = []
            for function in functions:
                # Some functions are called only after a loss.
                loss = [] if function in CALLED_ANYWAY else ["C_SignInit kill-sessions count 1"]
                put_rules(rules, "%s error %s %s" % (function, code, often), *loss)
                failures += ["%s: %s" % (function, failure) for failure in load.run(int(count))]
            put_rules(rules)
            name = "%s at %s, %s: no request fails" % (code, ", ".join(functions), often)
            agentlib.tell(not failures, name, *failures[:8])


main()
