# SPDX-License-Identifier: Apache-2.0
"""Signed HTTP messages: argv[1] is the socket of an agent with the keys of the vectors in argv[2] and the profiles dip/*."""
import base64
import json
import sys

from agentlib import Agent, b64u, tell

agent = Agent(sys.argv[1])
vectors = sys.argv[2]


def load(name):
    with open(f"{vectors}/{name}", encoding="utf-8") as file:
        return json.load(file)


def text(name):
    with open(f"{vectors}/{name}", encoding="utf-8") as file:
        return file.read()


def sign(key, **message):
    return agent.call("POST", f"/v1/keys/{key}/http-signature", message)


def verify(**message):
    return agent.call("POST", "/v1/verify/http-signature", message)


def refused(name, answer, code, words=""):
    status, problem = answer
    tell(problem.get("code") == code and words in problem.get("detail", "") and status >= 400, name, status, problem)


# --- The DIP: ten examples

PROFILES = {
    "reference_rsa_pkcs1_as_in_public_clients": "plain", "reference_get_empty_body": "plain", "coco_literal_b64url": "url",
    "coco_literal_date": "literal", "ecdsa_p256_der_b64": "plain", "ecdsa_p256_p1363_b64": "raw",
    "ecdsa_p256_der_b64url": "der-url", "path_only_destination": "path", "cert_header_der": "cert-der", "hex_hash": "hex"}
AT = 1795255200
anchors = text("keys/dip-anchors.pem")
equal = 0
for case in load("mhhs-dip.json")["cases"]:
    options, name = case["options"], case["name"]
    message = {"profile": "dip/" + PROFILES[name], "method": options["method"], "url": options["url"]}
    if options["body"] is not None:
        message["body_text"] = options["body"]
    status, answer = sign(case["key"].split(".")[0], certificate=text("keys/" + case["cert"]),
                          headers={"X-DIP-Signature-Date": options["date"]}, **message)
    headers = answer.get("headers", {})
    wanted = dict(case["headers"])
    if not case["deterministic"]:
        wanted["X-DIP-Signature"] = headers.get("X-DIP-Signature")
    equal += case["deterministic"] and headers == wanted
    tell(status == 200 and headers == wanted, f"{name}: {'equal' if case['deterministic'] else 'made'}", answer)
    status, answer = verify(headers=headers, anchors=anchors, at=AT, **message)
    tell(status == 200 and answer["valid"], f"{name}: ours verifies", answer)
    status, answer = verify(headers=case["headers"], anchors=anchors, at=AT, **message)
    tell(status == 200 and answer["valid"] and "CN=" in answer["subject"], f"{name}: theirs verifies", answer)
tell(equal == 7, "the seven deterministic ones are equal", equal)

# --- Certificates that aren't good: the same message each, signed by the key of them all

good = text("pki/good.pem")
NOW = 1795275000
message = {"profile": "dip/strict", "method": "POST", "url": "https://dip/v1?A=b", "body": b64u("{\"a\":\"\u00a3\"}".encode())}
trust = {"anchors": text("pki/root.pem"), "intermediates": text("pki/issuer.pem"), "crls": text("pki/issuer.crl.pem"),
         "at": NOW}
for file, reason in [("good", None), ("expired", "expired on 2026-01-01"), ("future", "isn't valid before"),
                     ("revoked", "was revoked on 2026-11-21"), ("stranger", "isn't among the anchors"),
                     ("cipher", "key usage"), ("elsewhere", "isn't made with the certificate's key")]:
    headers = {"X-DIP-Signature-Date": "2026-11-21T15:30:00.000Z"}
    pem = text(f"pki/{file}.pem")
    _, signed = sign("good", certificate=good, headers=headers, **{**message, "profile": "dip/plain"})
    fields = {**signed["headers"], "X-DIP-Signature-Certificate": base64.b64encode(pem.encode()).decode()}
    answer = verify(headers=fields, **message, **trust)
    if reason:
        refused(f"a certificate that is {file}", answer, "not-verified", reason)
    else:
        tell(answer[0] == 200 and answer[1]["subject"] == "CN=good,O=Test", "a good certificate", answer)
fields = signed["headers"]
refused("nobody says that it isn't revoked",
        verify(headers=fields, **message, anchors=trust["anchors"], intermediates=trust["intermediates"], at=NOW),
        "not-verified", "may have been revoked")
with open(f"{vectors}/pki/good.ocsp.der", "rb") as file:
    ocsp = b64u(file.read())
status, answer = verify(headers=fields, **message, anchors=trust["anchors"], intermediates=trust["intermediates"], at=NOW,
                        ocsp=ocsp)
tell(status == 200, "an OCSP response says it", answer)
refused("it is later than that", verify(headers=fields, **message, **{**trust, "at": NOW + 301}), "not-verified",
        "over 300 seconds")
refused("another body", verify(headers=fields, **{**message, "body": "e30"}, **trust), "not-verified", "body")
refused("another method", verify(headers=fields, **{**message, "method": "PUT"}, **trust), "not-verified")
refused("another URL", verify(headers=fields, **{**message, "url": "https://dip/v1?A=c"}, **trust), "not-verified")
refused("no anchors", verify(headers=fields, **message, at=NOW), "malformed")
refused("a certificate of another key", sign("dip-rsa", certificate=good, **message), "conflict", "another key")
refused("no certificate", sign("good", **message), "malformed", "certificate")
refused("a date of long ago", sign("good", certificate=good, headers={"X-DIP-Signature-Date": "2020-01-01T00:00:00.000Z"},
                                   **message), "forbidden", "from now")

# --- Mojaloop: what the reference library signs

jws = load("mojaloop-jws.json")
wire = {}
for case in jws["cases"]:
    key = "fsp-rsa" if case["alg"] == "RS256" else "fsp-ec"
    sent = case["headers_out"]
    given = {name: sent[name] for name in ("fspiop-source", "fspiop-destination", "date", "content-type")}
    message = {"profile": "mojaloop/request", "method": "POST", "url": case["request_in"]["uri"]}
    if case["alg"] == "RS256":
        status, answer = sign(key, headers=given, body_text=jws["unsorted_wire_bytes_signed"]["wire_body"], **message)
        tell(status == 200 and answer["body"] == b64u(case["wire_body"].encode()), "the body comes back sorted", answer)
        ours = {name.lower(): value for name, value in answer["headers"].items()}
        for name in ("fspiop-signature", "fspiop-uri", "fspiop-http-method"):
            tell(ours.get(name) == sent[name], f"{case['alg']}: {name} is equal", ours.get(name))
    _, public = agent.call("GET", "/v1/keys/" + key)
    keys = {"payerfsp": public["public_key"]["jwk"], "other": public["public_key"]["jwk"]}
    status, answer = verify(headers=sent, body_text=case["wire_body"], keys=keys, **message)
    tell(status == 200 and answer["key"] == "payerfsp", f"{case['alg']}: theirs verifies", answer)
    for what, change, words in [
            ("body", {"body_text": case["wire_body"].replace("123.45", "123.46")}, "isn't made with"),
            ("URI", {"url": "https://hub.example.com/quotes"}, "FSPIOP-URI"),
            ("method", {"method": "PUT"}, "FSPIOP-HTTP-Method"),
            ("source", {"headers": {**sent, "fspiop-source": "other"}}, "FSPIOP-Source"),
            ("unknown source", {"headers": {**sent, "fspiop-source": "who"}}, "no key of the source"),
            ("destination", {"headers": {**sent, "fspiop-destination": "other"}}, "FSPIOP-Destination"),
            ("date", {"headers": {**sent, "date": "Sat, 21 Nov 2026 05:00:01 GMT"}}, "Date"),
            ("missing date", {"headers": {k: v for k, v in sent.items() if k != "date"}}, "Date")]:
        changed = {"headers": sent, "body_text": case["wire_body"], "keys": keys, **message, **change}
        refused(f"{case['alg']}: another {what}", verify(**changed), "not-verified", words)
refused("a GET has no body", sign("fsp-rsa", profile="mojaloop/request", method="GET", url="https://h/transfers/1",
                                  headers={"FSPIOP-Source": "a"}), "malformed", "body")
refused("a digest doesn't do", sign("fsp-rsa", profile="mojaloop/request", method="POST", url="https://h/transfers",
                                    headers={"FSPIOP-Source": "a"}, content_digest=b64u(bytes(32))), "malformed")
refused("a number that would change", sign("fsp-rsa", profile="mojaloop/request", method="POST", url="https://h/transfers",
                                           headers={"FSPIOP-Source": "a"}, body_text="{\"a\":9007199254740993}"),
        "malformed", "2^53")
refused("another algorithm's key", sign("fsp-ec", profile="mojaloop/request", method="POST", url="https://h/transfers",
                                        headers={"FSPIOP-Source": "a"}, body_text="{}"), "key-cannot")

# --- RFC 9421: its own examples

rfc = load("rfc9421.json")
case = rfc["cases"][3]
headers = {**rfc["response"]["headers"], "Signature-Input": f"{case['label']}={case['input']}",
           "Signature": f"{case['label']}=:{case['signature']}:"}
message = {"profile": "rfc9421/response", "status": 200, "body_text": rfc["response"]["body"], "keys": rfc["keys"],
           "at": 1618884473}
status, answer = verify(headers=headers, **message)
tell(status == 200 and answer["key"] == "test-key-ecc-p256", "RFC 9421 B.2.4 verifies", answer)
refused("with another status", verify(headers=headers, **{**message, "status": 201}), "not-verified")
refused("later", verify(headers=headers, **{**message, "at": 1618884474 + 300}), "not-verified", "older than 300")

# --- Malformed requests, and items of a batch

GOOD = {"method": "POST", "url": "https://h/", "body_text": "x"}
for what, change, code, pointer in [
        ("no method", {"method": None}, "malformed", "/method"), ("no URL", {"url": None}, "malformed", "/url"),
        ("a path only", {"url": "/x"}, "malformed", "/url"), ("two bodies", {"body": "AA"}, "malformed", "/body"),
        ("a method that isn't one", {"method": "A B"}, "malformed", "/method"),
        ("a header that is a number", {"headers": {"A": 1}}, "malformed", "/headers/A"),
        ("a list with a number", {"headers": {"A": ["b", 1]}}, "malformed", "/headers/A"),
        ("a line break in a header", {"headers": {"A": "b\r\nC: d"}}, "malformed", "/headers/A"),
        ("a header without a name", {"headers": {"": "b"}}, "malformed", "/headers"),
        ("too many headers", {"headers": {"A": ["b"] * 129}}, "too-large", "/headers"),
        ("no such profile", {"profile": "no/thing"}, "malformed", "/profile"),
        ("a profile of another scheme", {"profile": "jose/jws"}, "malformed", "/profile"),
        ("a status that isn't one", {"status": 1000}, "malformed", "/status"),
        ("an unknown member", {"what": 1}, "unknown-member", "/what"),
        ("a short digest", {"body_text": None, "content_digest": "AA"}, "malformed", "/content_digest")]:
    item = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    for prefix, request in [("", item), ("/items/1", {"items": [GOOD, item, GOOD]})]:
        status, problem = agent.call("POST", "/v1/keys/ed/http-signature", request)
        tell((problem.get("code"), problem.get("pointer")) == (code, prefix + pointer), f"{what}, at {prefix or 'the top'}",
             status, problem)
status, answer = agent.call("POST", "/v1/keys/ed/http-signature",
                            {"items": [GOOD, {**GOOD, "profile": "mojaloop/request"}, {**GOOD, "headers": {"Content-Digest": "sha-256=:AAAA:"}}]})
results = answer.get("results", [{}] * 3)
tell(status == 200 and "Signature" in results[0].get("headers", {}) and results[1].get("code") == "key-cannot" and
     results[2].get("pointer") == "/items/2/headers/Content-Digest", "what one item can't is a problem in its place", answer)
