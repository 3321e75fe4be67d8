#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tokens that don't take the template of a new key as it is: they get another one, but only when they mean it.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
command -v pkcs11-tool >/dev/null || skip_all "pkcs11-tool isn't installed"

make_agent a
fault_on a
start_agent a || done_testing

uses() { # KEY: what the private key can do, by the second reader
    pkcs11_tool a -O --type privkey 2>/dev/null |
        awk -v label="$1" '$1 == "label:" { mine = $2 == label } $1 == "Usage:" && mine { sub(/^ *Usage: */, ""); print }'
}
signs() { # KEY ALGORITHM
    hsm_agent key show "$1" --public pem >"$T/pem" && echo hello >"$T/data" &&
        hsm_agent sign "$1" --alg "$2" -i "$T/data" -o "$T/sig" &&
        openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data"
}

hsm_agent key create plain --type ec:p256 >/dev/null
is 'a key can do what it was made for' "$(uses plain)" sign

for code in CKR_GENERAL_ERROR CKR_FUNCTION_FAILED CKR_DEVICE_MEMORY; do
    faults a "C_GenerateKeyPair error $code count 1"
    hsm_agent key create "once-$code" --type ec:p256 >/dev/null 2>"$T/err"
    unlike "$code once makes no key that can do more" "$(uses "once-$code")" '*decrypt*'
done
for code in CKR_TEMPLATE_INCONSISTENT CKR_ATTRIBUTE_VALUE_INVALID CKR_ATTRIBUTE_TYPE_INVALID; do
    faults a "C_GenerateKeyPair error $code count 1"
    succeeds "$code: the key is made with another template" hsm_agent key create "lax-$code" --type ec:p256
    like 'which leaves more to the token' "$(uses "lax-$code")" '*decrypt*sign*'
    succeeds 'and the key signs' signs "lax-$code" ES256
    api POST "/v1/keys/lax-$code/derive" '{"algorithm":"ECDH","peer":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}'
    like 'and does nothing else for anybody' "$status" 4??
done
faults a 'C_GenerateKeyPair error CKR_GENERAL_ERROR count 2'
succeeds 'an error that comes again is taken for a refusal' hsm_agent key create persistent --type ec:p256
succeeds 'the key signs' signs persistent ES256
faults a 'C_GenerateKeyPair error CKR_TEMPLATE_INCONSISTENT'
fails 'a token that takes no template makes no key' 1 '*CKR_TEMPLATE_INCONSISTENT*' hsm_agent key create none --type ec:p256
faults a
api GET /v1/keys/none
problem 'and leaves none' 404 no-such-key
ends_well a
done_testing
