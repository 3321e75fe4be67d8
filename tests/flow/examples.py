# SPDX-License-Identifier: Apache-2.0
"""Published keys whose signatures are deterministic: RFC 7515 A.2 (RS256), RFC 8037 A.4 (Ed25519).

Writes argv[1]/NAME.pem (PKCS#8) and prints lines of: name, id, algorithm, input, signature.
"""
import base64
import sys

from agentlib import number, unb64u

N = ("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC"
     "gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6"
     "65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
     "yuXpoQ")
D = ("Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pW"
     "J1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2Qv"
     "Xt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRu"
     "OopznQ")
RSA_INPUT = ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
             "Ijp0cnVlfQ")
RSA_SIGNATURE = ("cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9u"
                 "JdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN"
                 "9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLI"
                 "hWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw")
ED_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
ED_INPUT = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
ED_SIGNATURE = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    octets = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    size = bytes([128 | len(octets)]) + octets
    return bytes([tag]) + size + body


def integer(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def factors(n, e, d):
    """The primes of n: a square root of 1 that is neither 1 nor -1 tells them (NIST SP 800-56B, appendix C)."""
    k = e * d - 1
    while k % 2 == 0:
        k //= 2
    for base in range(2, 100):
        x = pow(base, k, n)
        while x not in (1, n - 1):
            last, x = x, x * x % n
            if x == 1:
                p = gcd(last - 1, n)
                return max(p, n // p), min(p, n // p)
    raise ValueError("d doesn't fit n and e")


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def rsa_pkcs8():
    n, e, d = number(N), 65537, number(D)
    p, q = factors(n, e, d)
    key = der(0x30, *map(integer, (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))))
    oid = bytes.fromhex("06092a864886f70d0101010500")
    return der(0x30, integer(0), der(0x30, oid), der(4, key))


def ed_pkcs8():
    return der(0x30, integer(0), der(0x30, bytes.fromhex("06032b6570")), der(4, der(4, unb64u(ED_SEED))))


def write(name, key):
    text = base64.encodebytes(key).decode()
    with open(f"{sys.argv[1]}/{name}.pem", "w", encoding="ascii") as file:
        file.write(f"-----BEGIN PRIVATE KEY-----\n{text}-----END PRIVATE KEY-----\n")


write("rfc7515-a2", rsa_pkcs8())
write("rfc8037-a4", ed_pkcs8())
print("rfc7515-a2", "e1", "RS256", RSA_INPUT, RSA_SIGNATURE)
print("rfc8037-a4", "e2", "Ed25519", ED_INPUT, ED_SIGNATURE)
