# SPDX-License-Identifier: Apache-2.0
"""Prints the JWK of the EC public key in a PEM file, argv[1]."""
import base64
import json
import sys

from agentlib import b64u

with open(sys.argv[1], encoding="ascii") as file:
    der = base64.b64decode("".join(line for line in file if not line.startswith("-")))
curve, size = {91: ("P-256", 32), 120: ("P-384", 48), 158: ("P-521", 66)}[len(der)]
print(json.dumps({"kty": "EC", "crv": curve, "x": b64u(der[-2 * size:-size]), "y": b64u(der[-size:])}))
