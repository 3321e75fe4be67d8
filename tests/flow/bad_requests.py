# SPDX-License-Identifier: Apache-2.0
"""The table of malformed requests for bad_input.py."""
import gzip
import json


class Case:
    """One request: its bytes, and the status, code and pointer of the problem document that answers it.

    code None: the status alone counts. status None: the agent hangs up without a word.
    """

    def __init__(self, name, status, code, *pieces, pointer=None, plain=False, half=False):
        self.name, self.status, self.code, self.pointer = name, status, code, pointer
        self.pieces, self.plain, self.half = pieces, plain, half


def request(method, path, body=None, *fields, version="HTTP/1.1", host="Host: localhost"):
    lines = [f"{method} {path} {version}"] + ([host] if host else []) + list(fields)
    if body is not None and not any(field.lower().startswith(("content-length", "transfer-enc")) for field in fields):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def sign(body, *fields, key="p256"):
    return request("POST", f"/v1/keys/{key}/sign", body, *fields)


def chunked(*chunks):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


GOOD = b'{"algorithm":"ES256","data":"aGk"}'
LIMIT = 256 * 1024


def member(name, value):
    """A sign request whose member has another value (JSON text)."""
    members = {"algorithm": '"ES256"', "data": '"aGk"', name: value}
    return sign(("{" + ",".join(f'"{key}":{text}' for key, text in members.items()) + "}").encode())


def bad_json(name, body, pointer=None):
    return Case(f"body: {name}", 400, "malformed", sign(body), pointer=pointer)


def bad_member(name, value, pointer=None, what=""):
    return Case(f"{name}: {what or value[:40]}", 400, "malformed", member(name, value),
                pointer=f"/{name}" if pointer is None else pointer)


def post(path, body, *fields):
    return request("POST", path, json.dumps(body).encode(), *fields)


JSON = [
    bad_json("empty", b""),
    bad_json("white space", b" \r\n\t "),
    bad_json("truncated", GOOD[:-1]),
    bad_json("truncated in a string", GOOD[:-3]),
    bad_json("truncated in an escape", b'{"data":"\\u00'),
    bad_json("an array", b"[]"),
    bad_json("a string", b'"hello"'),
    bad_json("a number", b"5"),
    bad_json("null", b"null"),
    bad_json("bytes behind", GOOD + b" x"),
    bad_json("two objects", GOOD + GOOD),
    bad_json("a member twice", b'{"algorithm":"ES256","data":"aGk","data":"aGk"}'),
    bad_json("single quotes", GOOD.replace(b'"', b"'")),
    bad_json("a comment", b"/* */" + GOOD),
    bad_json("a comma too many", GOOD[:-1] + b",}"),
    bad_json("no comma", b'{"algorithm":"ES256" "data":"aGk"}'),
    bad_json("a name without quotes", b'{algorithm:"ES256"}'),
    bad_json("NaN", b'{"version":NaN}'),
    bad_json("a leading zero", b'{"version":01}'),
    bad_json("a plus sign", b'{"version":+1}'),
    bad_json("a newline in a string", b'{"data":"a\nGk"}'),
    bad_json("a zero byte", GOOD.replace(b"aGk", b"a\0k")),
    bad_json("a zero byte behind", GOOD + b"\0"),
    bad_json("an escaped zero", b'{"algorithm":"ES256\\u0000","data":"aGk"}'),
    bad_json("a byte that is not UTF-8", b'{"data":"\xff"}'),
    bad_json("overlong UTF-8", b'{"data":"\xc0\xaf"}'),
    bad_json("a surrogate in UTF-8", b'{"data":"\xed\xa0\x80"}'),
    bad_json("an escaped lone surrogate", b'{"data":"\\ud800"}'),
    bad_json("UTF-8 cut off", b'{"data":"\xe2\x82"}'),
    bad_json("a byte order mark", b"\xef\xbb\xbf" + GOOD),
    bad_json("UTF-16", GOOD.decode().encode("utf-16")),
    bad_json("depth 17", b'{"colour":' + b"[" * 16 + b"]" * 16 + b"}"),
    bad_json("depth 100,000", b"[" * 100000 + b"]" * 100000),
    bad_json("depth 100,000 of objects, open", b'{"a":' * 50000),
    bad_json("a number of 10,000 digits", b'{"version":' + b"1" * 10000 + b"}"),
    bad_json("gzip", gzip.compress(GOOD, mtime=0)),
    Case("body: gzip that says so", 400, "malformed",
         sign(gzip.compress(GOOD, mtime=0), "Content-Encoding: gzip")),
    bad_json("a form", b"algorithm=ES256&data=aGk"),
]

MEMBERS = [
    Case("depth 16 is read", 400, "unknown-member", sign(b'{"colour":' + b"[" * 15 + b"]" * 15 + b"}"), pointer="/colour"),
    Case("an unknown member", 400, "unknown-member", member("colour", "1"), pointer="/colour"),
    Case("a member in another case", 400, "unknown-member", member("Data", '"aGk"'), pointer="/Data"),
    Case("a member with an empty name", 400, "unknown-member", member("", "1"), pointer="/"),
    Case("__proto__", 400, "unknown-member", member("__proto__", "{}"), pointer="/__proto__"),
    bad_member("algorithm", "5"), bad_member("algorithm", "null"), bad_member("algorithm", '["ES256"]'),
    bad_member("algorithm", '""'), bad_member("algorithm", '"none"'), bad_member("algorithm", '"es256"'),
    bad_member("algorithm", '"ES257"'), bad_member("algorithm", '"HS256"'), bad_member("algorithm", '"RSA-OAEP"'),
    bad_member("algorithm", '"ECDH"'), bad_member("algorithm", '"' + "A" * 100000 + '"', what="100,000 letters"),
    bad_member("data", "5"), bad_member("data", "null"), bad_member("data", "true"), bad_member("data", '["aGk"]'),
    bad_member("data", '{"aGk":1}'),
    bad_member("data", '"a+/b"', what="standard base64"), bad_member("data", '"aGk="', what="padded base64"),
    bad_member("data", '"aG k"', what="white space"), bad_member("data", '"aGkaa"', what="a letter too many"),
    bad_member("data", '"aGl"', what="bits that stand for nothing"), bad_member("data", '"aGk\\n"'),
    bad_member("data", '"\u00e4\u00e4"', what="letters that are none of it"),
    bad_member("format", "5"), bad_member("format", '"DER"'), bad_member("format", '"p1363"'),
    bad_member("version", '"1"'), bad_member("version", "0"), bad_member("version", "-1"),
    bad_member("version", "1.0"), bad_member("version", "1e0"), bad_member("version", "99999999999999999999"),
    Case("version: one that is not there", 422, "key-cannot", member("version", "2")),
    Case("neither data nor digest", 400, "malformed", sign(b'{"algorithm":"ES256"}'), pointer="/data"),
    Case("both data and digest", 400, "malformed", member("digest", '"aGk"'), pointer="/data"),
    Case("no algorithm", 400, "malformed", sign(b'{"data":"aGk"}'), pointer="/algorithm"),
    Case("a digest of 2 bytes", 400, "malformed", sign(b'{"algorithm":"ES256","digest":"aGk"}'), pointer="/digest"),
    Case("a digest of no bytes", 400, "malformed", sign(b'{"algorithm":"ES256","digest":""}'), pointer="/digest"),
    Case("a digest of 64 bytes", 400, "malformed",
         sign(b'{"algorithm":"ES256","digest":"' + b"A" * 86 + b'"}'), pointer="/digest"),
    Case("an algorithm of another type of key", 422, "key-cannot", sign(b'{"algorithm":"RS256","data":"aGk"}')),
    Case("a key that was not made to sign", 422, "key-cannot", sign(GOOD, key="dh")),
    Case("257 items", 413, "too-large", post("/v1/keys/p256/sign", {"items": [json.loads(GOOD)] * 257}),
         pointer="/items"),
    Case("an item that is no object", 400, "malformed", post("/v1/keys/p256/sign", {"items": ["x"]}),
         pointer="/items/0"),
    Case("items that are no list", 400, "malformed", post("/v1/keys/p256/sign", {"items": 5}), pointer="/items"),
]

OTHERS = [
    Case("mac: an EC key", 422, "key-cannot", post("/v1/keys/p256/mac", {"data_text": "x"})),
    Case("mac: nothing", 400, "malformed", post("/v1/keys/p256/mac", {}), pointer="/data"),
    Case("mac: another's algorithm", 400, "malformed", post("/v1/keys/p256/mac", {"algorithm": "ES256", "data": "aGk"}),
         pointer="/algorithm"),
    Case("mac: a profile that isn't there", 400, "malformed", post("/v1/keys/p256/mac", {"profile": "x/y", "data": "aGk"}),
         pointer="/profile"),
    Case("mac: a transaction that is a list", 400, "malformed",
         post("/v1/keys/p256/mac", {"profile": "mojaloop/ilp", "transaction": []}), pointer="/transaction"),
    Case("mac: a transaction with a large number", 400, "malformed",
         post("/v1/keys/p256/mac", {"profile": "mojaloop/ilp", "transaction": {"n": 2**53 + 2}}), pointer="/transaction"),
    Case("mac: 257 items", 413, "too-large", post("/v1/keys/p256/mac", {"items": [{"data_text": "x"}] * 257}),
         pointer="/items"),
    Case("decrypt: no ciphertext", 400, "malformed", post("/v1/keys/rsa/decrypt", {"algorithm": "RSA-OAEP"}),
         pointer="/ciphertext"),
    Case("decrypt: nothing", 422, "decryption-failed",
         post("/v1/keys/rsa/decrypt", {"algorithm": "RSA-OAEP", "ciphertext": ""})),
    Case("decrypt: 190,000 bytes", 422, "decryption-failed",
         post("/v1/keys/rsa/decrypt", {"algorithm": "RSA-OAEP", "ciphertext": "A" * 253332})),
    Case("decrypt: a label that is no text", 400, "malformed",
         post("/v1/keys/rsa/decrypt", {"algorithm": "RSA-OAEP", "ciphertext": "aGk", "label": 5}), pointer="/label"),
    Case("decrypt: an EC key", 422, "key-cannot",
         post("/v1/keys/p256/decrypt", {"algorithm": "RSA-OAEP", "ciphertext": "aGk"})),
    Case("derive: no peer", 400, "malformed", post("/v1/keys/dh/derive", {"algorithm": "ECDH"}), pointer="/peer"),
    Case("derive: a peer that is a list", 400, "malformed", post("/v1/keys/dh/derive", {"algorithm": "ECDH", "peer": []}),
         pointer="/peer"),
    Case("derive: a PEM cut off", 400, "malformed",
         post("/v1/keys/dh/derive", {"algorithm": "ECDH", "peer": "-----BEGIN PUBLIC KEY-----\nMFkw"}), pointer="/peer"),
    Case("derive: a JWK of no known kind", 422, "key-cannot",
         post("/v1/keys/dh/derive", {"algorithm": "ECDH", "peer": {"kty": "oct", "k": "aGk"}}), pointer="/peer"),
    Case("csr: no subject", 400, "malformed", post("/v1/keys/p256/csr", {}), pointer="/subject"),
    Case("csr: a subject of 1,000 parts", 400, "malformed",
         post("/v1/keys/p256/csr", {"subject": [{"CN": "x"}] * 1000}), pointer="/subject"),
    Case("create: nothing said", 400, "malformed", request("PUT", "/v1/keys/new", b"{}"), pointer="/type"),
    Case("create: no body", 400, "malformed", request("PUT", "/v1/keys/new", b"")),
    Case("create: an unknown type", 400, "malformed", request("PUT", "/v1/keys/new", b'{"type":"rsa:512"}'),
         pointer="/type"),
    Case("create: an unknown purpose", 400, "malformed",
         request("PUT", "/v1/keys/new", b'{"type":"ec:p256","purposes":["all"]}'), pointer="/purposes"),
    Case("create: no purpose", 400, "malformed", request("PUT", "/v1/keys/new", b'{"type":"ec:p256","purposes":[]}'),
         pointer="/purposes"),
    Case("create: a bad name", 400, "malformed", request("PUT", "/v1/keys/.new", b'{"type":"ec:p256"}')),
    Case("create: the name is taken", 409, "conflict", request("PUT", "/v1/keys/p256", b'{"type":"ec:p256"}')),
    Case("create: If-None-Match with a tag", 400, "malformed",
         request("PUT", "/v1/keys/new", b'{"type":"ec:p256"}', 'If-None-Match: "x"')),
    Case("create: not on an administrators' socket", 403, "not-admin",
         request("PUT", "/v1/keys/new", b'{"type":"ec:p256"}'), plain=True),
    Case("delete: not on an administrators' socket", 403, "not-admin", request("DELETE", "/v1/keys/p256"), plain=True),
    Case("delete: an unknown query", 400, "malformed", request("DELETE", "/v1/keys/p256?objects=keep")),
    Case("adopt: no PKCS#11 URI", 400, "malformed", request("PUT", "/v1/keys/new", b'{"uri":"x"}'), pointer="/uri"),
    Case("adopt: a URI with a PIN", 400, "malformed",
         request("PUT", "/v1/keys/new", b'{"uri":"pkcs11:object=x?pin-value=1234"}'), pointer="/uri"),
]

PATHS = [
    Case("an unknown key", 404, "no-such-key", sign(GOOD, key="nokey")),
    Case("an unknown operation", 404, "no-route", post("/v1/keys/p256/frobnicate", {})),
    Case("an unknown path", 404, "no-route", request("GET", "/v1/nothing")),
    Case("the root", 404, "no-route", request("GET", "/")),
    Case("version 2", 404, "no-route", request("GET", "/v2/keys")),
    Case("a slash behind", 404, "no-route", request("GET", "/v1/version/")),
    Case("two slashes", 404, "no-route", request("GET", "//v1/version")),
    Case("a path that goes up", 404, "no-route", request("GET", "/v1/keys/../version")),
    Case("an escaped path", 404, "no-route", request("GET", "/v1/%76ersion")),
    Case("an escaped zero", 404, "no-such-key", request("GET", "/v1/keys/p256%00")),
    Case("a name of 65 letters", 404, "no-route", request("GET", "/v1/keys/" + "x" * 65)),
    Case("no name", 404, "no-route", request("GET", "/v1/keys/")),
    Case("bytes over 127 in the path", 404, "no-such-key", request("GET", "/v1/keys/\xe4\xf6")),
    Case("an unknown query", 400, "malformed", request("GET", "/v1/keys?all=1")),
    Case("GET where POST is due", 405, "method-not-allowed", request("GET", "/v1/keys/p256/sign")),
    Case("POST where GET is due", 405, "method-not-allowed", post("/v1/version", {})),
    Case("PATCH", 405, "method-not-allowed", request("PATCH", "/v1/keys/p256", b"{}")),
    Case("OPTIONS", 405, "method-not-allowed", request("OPTIONS", "/v1/keys")),
    Case("TRACE", 405, "method-not-allowed", request("TRACE", "/v1/keys")),
    Case("a method of our own", 405, "method-not-allowed", request("BREW", "/v1/keys")),
    Case("a method in small letters", 405, "method-not-allowed", request("get", "/v1/keys")),
    Case("OPTIONS *", 404, "no-route", request("OPTIONS", "*")),
    Case("a body where there is none", 400, "malformed", request("GET", "/v1/version", b"{}")),
    Case("DELETE with a body", 400, "malformed", request("DELETE", "/v1/keys/p256", b"{}")),
]

FIELDS = [
    Case("an Origin", 403, "cross-origin", request("GET", "/v1/version", None, "Origin: https://evil.example")),
    Case("an Origin that is null", 403, "cross-origin", sign(GOOD, "Origin: null")),
    Case("no Host", 400, "malformed", request("GET", "/v1/version", host=None)),
    Case("two Hosts", 400, "malformed", request("GET", "/v1/version", None, "Host: other")),
    Case("white space before a colon", 400, "malformed", request("GET", "/v1/version", None, "X-Y : z")),
    Case("a header of 17 KiB", 431, "headers-too-large", request("GET", "/v1/version", None, "X-Y: " + "z" * 17000)),
    Case("a header of 2,000 fields", 431, "headers-too-large",
         request("GET", "/v1/version", None, *["X-Y: zzzz"] * 2000)),
    Case("a path of 17,000 bytes", 431, "headers-too-large", request("GET", "/v1/keys/" + "x" * 17000)),
    Case("a body one byte over the limit", 413, "too-large", sign(GOOD + b" " * (LIMIT + 1 - len(GOOD)))),
    Case("a length of a terabyte", 413, "too-large", sign(b"", "Content-Length: 1099511627776")),
    Case("two lengths that differ", 400, "malformed", sign(GOOD, "Content-Length: 34", "Content-Length: 5")),
    Case("a length and chunks", 400, "malformed",
         sign(chunked(GOOD), "Content-Length: 34", "Transfer-Encoding: chunked")),
    Case("an unknown transfer coding", 400, "malformed", sign(GOOD, "Transfer-Encoding: gzip, chunked")),
    Case("chunks over the limit", 413, "too-large",
         sign(chunked(*[b" " * 4096] * 65, GOOD), "Transfer-Encoding: chunked")),
    Case("one chunk over the limit", 413, "too-large",
         sign(chunked(b" " * (LIMIT + 1)), "Transfer-Encoding: chunked")),
]

# What libmicrohttpd refuses before the agent sees a request, with a page of its own: only the status counts.
BELOW = [
    Case("a length that is no number", 400, None, sign(GOOD, "Content-Length: many")),
    Case("a negative length", 400, None, sign(GOOD, "Content-Length: -1")),
    Case("a length over 64 bits", 413, None, sign(GOOD, "Content-Length: 99999999999999999999999")),
    Case("a chunk whose size is no number", 400, None, sign(b"zz\r\nxx\r\n0\r\n\r\n", "Transfer-Encoding: chunked")),
    Case("a chunk whose size is over 64 bits", 413, None,
         sign(b"fffffffffffffffff\r\nxx\r\n0\r\n\r\n", "Transfer-Encoding: chunked")),
    Case("a field without a colon", 400, None, request("GET", "/v1/version", None, "nothing")),
    Case("HTTP/0.9", 400, None, b"GET /v1/version\r\n\r\n"),
    Case("HTTP/3.7", 505, None, request("GET", "/v1/version", version="HTTP/3.7")),
    Case("HTTP/2 by prior knowledge", 505, None, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    # And here it hangs up without a word.
    Case("a request line that is none", None, None, b"GARBAGE\r\n\r\n"),
    Case("a TLS handshake", None, None, bytes.fromhex("16030100a5010000a10303") + b"\1" * 150 + b"\r\n\r\n"),
]

# Odd, but as it should be.
FINE = [
    Case("an unknown Host is served", 200, None, request("GET", "/v1/version", host="Host: example.com:99")),
    Case("an empty Host is served", 200, None, request("GET", "/v1/version", host="Host:")),
    Case("HTTP/1.0 without a Host is served", 200, None, request("GET", "/v1/version", version="HTTP/1.0", host=None)),
    Case("an absolute target is served", 200, None, request("GET", "http://localhost/v1/version")),
    Case("empty lines before the request are skipped", 200, None, b"\r\n\r\n" + request("GET", "/v1/version")),
    Case("chunks are taken", 200, None, sign(chunked(GOOD[:5], GOOD[5:]), "Transfer-Encoding: chunked")),
    Case("a body of exactly the limit is taken", 200, None, sign(GOOD + b" " * (LIMIT - len(GOOD)))),
    Case("a client that waits for 100 Continue is told to", 200, None, sign(GOOD, "Expect: 100-continue")),
    Case("no Content-Type is needed", 200, None, sign(GOOD, "Content-Type: text/plain")),
    Case("depth within strings is none", 200, None, sign(b'{"algorithm":"ES256","data":"aGk","format":"\\u0064er"}')),
    Case("a request whose sender listens only, from then on", 200, None, sign(GOOD), half=True),
    Case("half a request and no more", None, None, sign(GOOD)[:60], half=True),
]

CASES = JSON + MEMBERS + OTHERS + PATHS + FIELDS + BELOW + FINE
