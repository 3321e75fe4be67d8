# SPDX-License-Identifier: Apache-2.0
"""Breaks a compact JWE in every way that isn't the header's to tell: prints a name and the message, a line each.

    jwe_broken.py MESSAGE-FILE FILE-OF-A-MESSAGE-FOR-ANOTHER-KEY
"""

import base64
import json
import sys


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def flipped(data, at):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


HEADER, KEY, IV, CIPHERTEXT, TAG = range(5)
PARTS = {KEY: "key", IV: "iv", CIPHERTEXT: "ciphertext", TAG: "tag"}


def main():
    message = open(sys.argv[1]).read().strip().split(".")
    foreign = open(sys.argv[2]).read().strip().split(".")

    def put(name, index, text):
        print(name, ".".join(message[:index] + [text] + message[index + 1:]))

    for index, name in PARTS.items():
        data = decode(message[index])
        put(name + "-added-to", index, encode(data + b"x"))
        put(name + "-not-base64url", index, message[index] + "!")
        put(name + "-huge", index, encode(b"x" * 30000))
        if data:
            put(name + "-first-bit", index, encode(flipped(data, 0)))
            put(name + "-last-bit", index, encode(flipped(data, -1)))
            put(name + "-cut", index, encode(data[:-1]))
            put(name + "-gone", index, "")
            put(name + "-zeros", index, encode(bytes(len(data))))
            put(name + "-foreign", index, foreign[index])
    print("for-another-key", ".".join(foreign))
    header = json.loads(decode(message[HEADER]))
    put("header-with-more", HEADER, encode(json.dumps(dict(header, x=1)).encode()))
    put("header-with-spaces", HEADER, encode(json.dumps(header, indent=1).encode()))
    others = {"RSA-OAEP": "RSA-OAEP-256", "RSA-OAEP-256": "RSA-OAEP", "ECDH-ES": "ECDH-ES+A128KW"}
    if header["alg"] in others:
        put("header-with-other-alg", HEADER, encode(json.dumps(dict(header, alg=others[header["alg"]])).encode()))
    put("header-with-other-enc", HEADER, encode(json.dumps(dict(header, enc="A192CBC-HS384")).encode()))
    if "epk" in header:
        put("header-of-the-foreign", HEADER, foreign[HEADER])


main()
