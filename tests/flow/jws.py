# SPDX-License-Identifier: Apache-2.0
"""Messages of the API: argv[1] is the socket of an agent with the keys r2, p256, p384, p521, ed, dec and web."""
import json
import sys
import time

from agentlib import Agent, b64u, tell, unb64u, verify

agent = Agent(sys.argv[1])


def key_of(name):
    status, key = agent.call("GET", "/v1/keys/" + name)
    assert status == 200, key
    return key["public_key"]["jwk"]


def good(name, text):
    """Whether the compact message is one of that key, as nobody of ours sees it."""
    header, payload, signature = text.split(".")
    alg = json.loads(unb64u(header))["alg"]
    return verify(key_of(name), alg, (header + "." + payload).encode(), unb64u(signature))


def expect(name, reply, status, code=None, pointer=None):
    got, body = reply
    tell(got == status and (code is None or body.get("code") == code) and (pointer is None or body.get("pointer") == pointer),
         name, got, body)
    return body


def post(path, body):
    return agent.call("POST", path, body)


# --- One message

body = expect("a JWS", post("/v1/keys/r2/jws", {"payload_text": "text", "algorithm": "PS256",
                                               "header": {"typ": "a", "kid": "k", "z": 1, "b": [True]}}), 200)
tell(body["key"] == "r2" and body["algorithm"] == "PS256" and body["token"] == "main", "the answer echoes what it did", body)
tell(unb64u(body["jws"].split(".")[0]) == b'{"alg":"PS256","kid":"k","typ":"a","z":1,"b":[true]}',
     "its header has its order", body)
tell(good("r2", body["jws"]), "the signature is the key's, over header and payload")
for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
    status, body = post("/v1/keys/r2/jws", {"payload": b64u(b"\0\xff"), "algorithm": alg})
    tell(status == 200 and good("r2", body["jws"]), "bytes with " + alg, body)
status, body = post("/v1/keys/p256/jws", {"payload": "", "serialization": "flattened", "unprotected": {"kid": "k"}})
jws = body["jws"]
tell(jws["header"] == {"kid": "k"} and good("p256", jws["protected"] + ".." + jws["signature"]), "flattened JSON", body)

# --- Tokens

now = int(time.time())
body = expect("a JWT", post("/v1/keys/p256/jwt", {"claims": {"iss": "me"}, "lifetime": 60}), 200)
claims = json.loads(unb64u(body["jwt"].split(".")[1]))
tell(good("p256", body["jwt"]), "its signature is the key's")
tell(abs(claims["iat"] - now) <= 5 and claims["exp"] == claims["iat"] + 60 and len(claims["jti"]) == 36,
     "its times are now's, and it has an id", claims)

# --- Batches: one round trip, each item by itself

items = [{"claims": {"n": i}} for i in range(256)]
items[7]["claims"]["exp"] = 1
items[9]["algorithm"] = "RS256"
body = expect("256 tokens at once", post("/v1/keys/p256/jwt", {"items": items}), 200)
results = body["results"]
expect("a token that is over already is a problem in its place", (results[7]["status"], results[7]), 400, "malformed",
       "/items/7/claims/exp")
expect("an algorithm of another key, too", (results[9]["status"], results[9]), 422, "key-cannot")
wrong = [i for i, result in enumerate(results) if i not in (7, 9) and
         (not good("p256", result["jwt"]) or json.loads(unb64u(result["jwt"].split(".")[1]))["n"] != i)]
tell(not wrong, "the other 254 are signed, in order", wrong)
ids = {json.loads(unb64u(result["jwt"].split(".")[1]))["jti"] for result in results if "jwt" in result}
tell(len(ids) == 254, "no two have one id")
expect("what is malformed makes the batch fail", post("/v1/keys/p256/jwt", {"items": [{"claims": {}}, {"claim": {}}]}), 400,
       "unknown-member", "/items/1/claim")
expect("257 items", post("/v1/keys/p256/jwt", {"items": [{"claims": {}}] * 257}), 413, "too-large", "/items")
expect("no items", post("/v1/keys/p256/jws", {"items": []}), 400, "malformed", "/items")
signers = [{"key": "p256"}] * 2
item = {"payload": "", "serialization": "general", "signers": signers}
expect("signatures count, not messages", post("/v1/keys/r2/jws", {"items": [item] * 86}), 413, "too-large")

# --- What is refused

JWS, JWT = "/v1/keys/p256/jws", "/v1/keys/p256/jwt"
for name, path, body, status, code, pointer in [
        ("no payload", JWS, {}, 400, "malformed", "/payload"),
        ("two payloads", JWS, {"payload": "", "payload_text": ""}, 400, "malformed", "/payload"),
        ("an unknown form", JWS, {"payload": "", "serialization": "short"}, 400, "malformed", "/serialization"),
        ("another key's algorithm", JWS, {"payload": "", "algorithm": "RS256"}, 422, "key-cannot", None),
        ("an algorithm that encrypts", JWS, {"payload": "", "algorithm": "RSA-OAEP"}, 403, "forbidden", "/algorithm"),
        ("an algorithm with a secret", JWS, {"payload": "", "algorithm": "HS256"}, 400, "malformed", "/algorithm"),
        ("none", JWS, {"payload": "", "header": {"alg": "none"}}, 400, "malformed", "/header/alg"),
        ("a foreign alg in the header", JWS, {"payload": "", "header": {"alg": "RS256"}}, 400, "malformed", "/header/alg"),
        ("an unprotected header in compact form", JWS, {"payload": "", "unprotected": {"a": 1}}, 400, "malformed",
         "/unprotected"),
        ("signers in compact form", JWS, {"payload": "", "signers": [{"key": "ed"}]}, 400, "malformed", "/signers"),
        ("a signer's mistake", JWS, {"payload": "", "serialization": "general", "signers": [{"key": "ed"}, {"kay": "r2"}]},
         400, "unknown-member", "/signers/1/kay"),
        ("a signer's header", JWS, {"payload": "", "serialization": "general",
                                    "signers": [{"key": "ed"}, {"key": "r2", "header": {"kid": 1}}]},
         400, "malformed", "/signers/1/header/kid"),
        ("too many signers", JWS, {"payload": "", "serialization": "general", "signers": [{"key": "ed"}] * 16}, 413,
         "too-large", "/signers"),
        ("a dot in a compact message", JWS, {"payload_text": "a.b", "b64": False}, 400, "malformed", "/payload"),
        ("no claims", JWT, {}, 400, "malformed", "/claims"),
        ("claims that are a list", JWT, {"claims": []}, 400, "malformed", "/claims"),
        ("no lifetime", JWT, {"claims": {}, "lifetime": 0}, 400, "malformed", "/lifetime"),
        ("an end and a lifetime", JWT, {"claims": {"exp": 9999999999}, "lifetime": 9}, 400, "malformed", "/lifetime"),
        ("a profile that there isn't", JWT, {"claims": {}, "profile": "no/such"}, 400, "malformed", "/profile"),
        ("a certificate that is none", JWS, {"payload": "", "certificate": "x"}, 400, "malformed", "/certificate"),
        ("a key that decrypts", "/v1/keys/dec/jws", {"payload": ""}, 422, "key-cannot", None),
        ("a key for TLS", "/v1/keys/web/jws", {"payload": ""}, 422, "key-cannot", None),
        ("no such key", "/v1/keys/none/jws", {"payload": ""}, 404, "no-such-key", None)]:
    expect(name, post(path, body), status, code, pointer)

# --- The set of keys

status, set_ = agent.call("GET", "/v1/jwks")
kids = {key["kid"]: key for key in set_["keys"]}
uses = sorted(key["use"] for key in set_["keys"])
tell(uses == ["enc"] + ["sig"] * 5, "the set has the keys for messages, not the one for TLS", set_)
tell(all("d" not in key for key in set_["keys"]), "and public keys only")
expect("an unknown profile", agent.call("GET", "/v1/jwks?profile=none"), 400, "malformed")
expect("another query", agent.call("GET", "/v1/jwks?p=1"), 400, "malformed")

# --- Verifying

status, body = post(JWT, {"claims": {"iss": "me", "aud": "you"}, "lifetime": 60})
jwt = body["jwt"]
body = expect("the agent verifies what it made", post("/v1/verify/jws", {"jws": jwt, "jwks": set_, "jwt": {"iss": "me"}}), 200)
tell(body["valid"] is True and body["claims"]["aud"] == "you" and body["algorithm"] == "ES256", "and says what is in it", body)
p256 = key_of("p256")
expect("with one key", post("/v1/verify/jws", {"jws": jwt, "key": p256}), 200)
status, key = agent.call("GET", "/v1/keys/p256")
expect("also in PEM", post("/v1/verify/jws", {"jws": jwt, "key": key["public_key"]["pem"]}), 200)
status, body = post("/v1/keys/p256/jws", {"payload_text": "x", "serialization": "general", "signers": [{"key": "ed"}]})
expect("an object", post("/v1/verify/jws", {"jws": body["jws"], "jwks": set_}), 200)
expect("of two one unknown", post("/v1/verify/jws", {"jws": body["jws"], "key": p256}), 422, "not-verified", "/jws")
expect("unless one suffices", post("/v1/verify/jws", {"jws": body["jws"], "key": p256, "any": True}), 200)
header, payload, signature = jwt.split(".")
NONE = b64u(b'{"alg":"none"}') + "."
for name, body, status, code, pointer in [
        ("another key", {"jws": jwt, "key": key_of("r2")}, 422, "not-verified", "/jws"),
        ("a changed payload", {"jws": f"{header}.{b64u(b'{}')}.{signature}", "jwks": set_}, 422, "not-verified", "/jws"),
        ("alg none", {"jws": NONE + payload + ".", "jwks": set_}, 422, "not-verified",
         "/jws"),
        ("another algorithm", {"jws": jwt, "jwks": set_, "algorithms": ["PS256"]}, 422, "not-verified", "/jws"),
        ("another issuer", {"jws": jwt, "jwks": set_, "jwt": {"iss": "you"}}, 422, "not-verified", "/jws"),
        ("no algorithm at all", {"jws": jwt, "jwks": set_, "algorithms": []}, 400, "malformed", "/algorithms"),
        ("no JWS", {"jws": "text", "jwks": set_}, 400, "malformed", "/jws"),
        ("a number", {"jws": 5, "jwks": set_}, 400, "malformed", "/jws"),
        ("no key", {"jws": jwt}, 400, "malformed", "/jwks"),
        ("two kinds of keys", {"jws": jwt, "jwks": set_, "key": p256}, 400, "malformed", "/jwks"),
        ("a private key", {"jws": jwt, "jwks": {"keys": [{**p256, "d": "AA"}]}}, 400, "malformed", "/jwks/keys/0/d"),
        ("a secret", {"jws": jwt, "jwks": {"kty": "oct", "k": "AA"}}, 400, "malformed", "/jwks/kty"),
        ("no certificate", {"jws": jwt, "certificate": "x"}, 400, "malformed", "/certificate"),
        ("trust with a key", {"jws": jwt, "jwks": set_, "trust": {"anchors": "x"}}, 400, "malformed", "/trust"),
        ("no certificate in the header", {"jws": jwt, "trust": {"anchors": "x"}}, 422, "not-verified", "/jws")]:
    expect("verifying with " + name, post("/v1/verify/jws", body), status, code, pointer)
