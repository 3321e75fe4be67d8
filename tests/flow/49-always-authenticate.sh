#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys that want the PIN for each use (CKA_ALWAYS_AUTHENTICATE), as PIV cards have them: adopted, used, and no danger to
# the token when the PIN is wrong.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v pkcs11-tool >/dev/null || skip_all 'pkcs11-tool makes the keys, and is not there'

make_agent a 'token:sessions = 4'
pin=$T/a/main/pin
right=$(<"$pin")
tool() {
    SOFTHSM2_CONF=$T/a/main/softhsm2.conf pkcs11-tool --module "$module" --token-label main --login --pin "$right" "$@" 2>&1
}
tool --keypairgen --key-type EC:prime256v1 --label ec --id 01 --usage-sign --always-auth >"$T/tool" || diag "$(<"$T/tool")"
tool --keypairgen --key-type rsa:2048 --label rsa --id 02 --usage-sign --usage-decrypt --always-auth >"$T/tool" ||
    diag "$(<"$T/tool")"
like 'the keys want the PIN each time' "$(tool --list-objects --type privkey | tr '\n' ' ')" '*always authenticate*always authenticate*'
fault_on a
faults a
start_agent a || done_testing
logins() { # PIN-FILE: calls of C_Login with it, ever
    counted a logins "$1" | cut -d' ' -f1
}

succeeds 'a key is adopted' hsm_agent key adopt ec pkcs11:object=ec
succeeds 'and one that decrypts' hsm_agent key adopt rsa pkcs11:object=rsa --purpose sign,decrypt
hsm_agent key create plain --type ec:p256 >/dev/null || not_ok 'a key is made'
echo hello >"$T/data"

before=$(logins "$pin")
hsm_agent sign plain -i "$T/data" -o "$T/sig"
is 'a key that wants no PIN costs no login' "$(logins "$pin")" "$before"
for name in ec rsa; do
    hsm_agent key show $name --public pem >"$T/$name.pem"
    for i in 1 2; do
        hsm_agent sign $name --format der -i "$T/data" -o "$T/sig" 2>"$T/err" || diag "$(<"$T/err")"
        succeeds "a signature of $name is right ($i)" openssl dgst -sha256 -verify "$T/$name.pem" -signature "$T/sig" "$T/data"
    done
done
is 'each had a login' "$(logins "$pin")" $((before + 4))
openssl pkeyutl -encrypt -pubin -inkey "$T/rsa.pem" -pkeyopt rsa_padding_mode:oaep -in "$T/data" -out "$T/cipher"
is 'a plaintext is right' "$(hsm_agent decrypt rsa --alg RSA-OAEP -i "$T/cipher")" hello
is 'the right PIN is not on record' "$(ls "$T/a/state/pin-guard")" ''

part 'a batch on all sessions signs' "$python" - "$flow" "$socket" <<'P'
import sys
sys.path.insert(0, sys.argv[1])
import agentlib
agent = agentlib.Agent(sys.argv[2])
status, body = agent.call("POST", "/v1/keys/ec/sign", {"items": [{"algorithm": "ES256", "data": "aGk"}] * 64})
good = sum("signature" in result for result in body.get("results", []))
print(("ok" if good == 64 else "not ok") + " 64 signatures")
print("# %d, %d of 64" % (status, good))
P

# --- A fault between C_SignInit and the login costs no request.

faults a 'C_Login error CKR_DEVICE_ERROR count 1'
api POST /v1/keys/ec/sign '{"algorithm":"ES256","data":"aGk"}'
is 'a login that fails for the moment is done again' "$status" 200
faults a 'C_SignInit kill-sessions count 1'
api POST /v1/keys/ec/sign '{"algorithm":"ES256","data":"aGk"}'
is 'a lost session too' "$status" 200
faults a

# --- The PIN in the file turns wrong.

wrong=$T/wrong
printf 'wrong-%s' "$right" >"$wrong"
cp "$wrong" "$pin"
api POST /v1/keys/ec/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'a wrong PIN is refused' 503 pin-refused
for i in 1 2 3; do
    kill_agent a
    launch_agent a
    await 60 is_serving
    api POST /v1/keys/ec/sign '{"algorithm":"ES256","data":"aGk"}'
    problem "and the token stays away from it ($i)" 503 pin-refused
done
is 'it was tried once' "$(logins "$wrong")" 1
printf '%s\n' "$right" >"$pin"
succeeds 'corrected, the token is back' hsm_agent token unlock main
api POST /v1/keys/ec/sign '{"algorithm":"ES256","data":"aGk"}'
is 'and the key signs' "$status" 200
ends_well a
done_testing
