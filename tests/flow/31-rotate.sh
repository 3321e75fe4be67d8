#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Versions of a key: rotation under load, each use by the version that fits, disabling, deletion with its guard and put
# off, and the daemon killed between the steps.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

mkdir "$T/profiles"
printf '[message note]\nscheme = jws\nkid = thumbprint\nalgorithms = PS256\n' >"$T/profiles/site.conf"
cp "${srcdir:-.}/hsm-config/profiles/rfc9421.conf" "$T/profiles/"
make_agent a agent:"profiles = $T/profiles" agent:'rotation-publish-s = 0' agent:'rotation-overlap-s = 3600' \
    token:'software-oaep = yes'
start_agent a || done_testing

# --- Under load

hsm_agent key create signer --type rsa:2048 >/dev/null
hsm_agent key create box --type rsa:2048 --purpose decrypt >/dev/null
part 'rotation under load' "$python" "$flow/rotate.py" "$socket" "${ROTATION_SECONDS:-8}" "${ROTATION_RATE:-50}"

version_of() { # NAME: the one that signs
    api POST "/v1/keys/$1/sign" '{"algorithm":"ES256","data":"aGk"}'
    member version
}
status_of() { # NAME VERSION
    api GET "/v1/keys/$1?version=$2"
    member status
}
published() { # of k, the one EC key: the others' versions retire at times of their own
    api GET /v1/jwks
    "$python" -c 'import json, sys; print(sum(k["kty"] == "EC" for k in json.load(open(sys.argv[1]))["keys"]))' "$T/body"
}

# --- By hand

hsm_agent key create k --type ec:p256 --environment prod --holder ACME >/dev/null
before=$(published)
hsm_agent key rotate k --pending >"$T/out"
like 'the table has both versions' "$(<"$T/out")" '*VERSION*1 *active*2 *pending*'
is 'the new one is published' "$(published)" $((before + 1))
is 'the old one signs' "$(version_of k)" 1
api GET '/v1/keys/k?version=2'
is 'what was said of the key holds for the new one' "$(field environment) $(field holder)" 'prod ACME'
api POST /v1/keys/k/rotate '{}'
problem 'one at a time' 409 conflict
is 'the new one signs for who names it' "$(hsm_agent sign k --alg ES256 --key-version 2 --json -i "$T/profiles/site.conf" |
    sed 's/.*"version":\([0-9]*\).*/\1/')" 2
hsm_agent csr k --key-version 2 --subject CN=k -o "$T/csr"
api GET '/v1/keys/k?version=2'
is 'so does its request for a certificate' "$(openssl req -in "$T/csr" -noout -pubkey | openssl pkey -pubin -outform DER |
    openssl dgst -sha256 -r | cut -d ' ' -f 1)" "$(member public_key.spki_sha256)"
hsm_agent key activate k --after 1 >/dev/null
succeeds 'activated, it signs when its time has come' await 10 eval '[ "$(version_of k)" = 2 ]'
is 'the old one is retiring' "$(status_of k 1)" retiring
is 'both are published' "$(published)" $((before + 1))
hsm_agent key activate k --key-version 1 --overlap 1h >/dev/null
succeeds 'the old one can be made the active one again' await 10 eval '[ "$(version_of k) $(status_of k 2)" = "1 retiring" ]'
hsm_agent key activate k --key-version 2 --overlap 0 >/dev/null
succeeds 'and the new one' await 10 eval '[ "$(version_of k)" = 2 ]'
is 'without an overlap the old one is retired' "$(status_of k 1)" retired
is 'and published no more' "$(published)" "$before"
is 'the key list has the key once' "$(hsm_agent key list | grep -c '^k ')" 1
api POST /v1/keys/k/activate '{}'
problem 'nothing is pending' 409 conflict
api POST /v1/keys/k/activate '{"version":7}'
problem 'there is no version 7' 422 key-cannot
api POST '/v1/keys/k/sign?version=0' '{"algorithm":"ES256","data":"aGk"}'
problem 'nor 0' 400 malformed
api POST '/v1/keys/k/sign?version=1&version=2' '{"algorithm":"ES256","data":"aGk"}'
problem 'nor two' 400 malformed
api POST /v1/keys/none/rotate '{}'
problem 'nor a key of that name' 404 no-such-key

# --- The version that a command names

hsm_agent key create many --type ec:p256 >/dev/null
hsm_agent key create code --type hmac:256 >/dev/null
hsm_agent key rotate many >/dev/null
hsm_agent key rotate code >/dev/null
printf '{"a":1}' >"$T/message.json"
made_by() { # ARG...: the version of the key that the command was done by
    hsm_agent "$@" --json 2>"$T/err" | sed 's/.*"version":\([0-9]*\).*/\1/'
}
for command in 'jws many --profile jose/jws' 'jwt many --profile jose/jwt' \
    'http-sign many --profile rfc9421/request --url https://a.example/' 'mac code'; do
    # shellcheck disable=SC2086
    [ "${command%% *}" = jws ] || [ "${command%% *}" = mac ] && input=(-i "$T/message.json") || input=()
    for version in 1 2; do
        is "$command by version $version" "$(made_by $command ${input[@]+"${input[@]}"} --key-version $version)" $version
    done
done
hsm_agent key show box --key-version 1 --public jwk -o "$T/box1.jwk"
hsm_agent jwe-encrypt --recipient "$T/box1.jwk" -i "$T/message.json" -o "$T/box1.jwe"
is 'a JWE by the version it is for' "$(hsm_agent jwe-decrypt box --key-version 1 -i "$T/box1.jwe")" '{"a":1}'
fails 'and not by another one' 1 '*' hsm_agent jwe-decrypt box --key-version 2 -i "$T/box1.jwe"
for command in jws jwt http-sign mac jwe-decrypt; do
    fails "$command by no version" 2 '*--key-version 0 is no version*' \
        hsm_agent $command many --key-version 0 </dev/null
done

# --- A secret in common doesn't tell which version it is of

hsm_agent key create agree --type ec:p256 --purpose derive >/dev/null
api GET /v1/keys/agree
peer=$(member public_key.jwk)
api POST /v1/keys/agree/derive "{\"algorithm\":\"ECDH\",\"peer\":$peer}"
secret=$(member secret)
hsm_agent key rotate agree >/dev/null
api POST /v1/keys/agree/derive "{\"algorithm\":\"ECDH\",\"peer\":$peer,\"version\":1}"
is 'derive takes the version that is named' "$(member version) $(member secret)" "1 $secret"
api POST /v1/keys/agree/derive "{\"algorithm\":\"ECDH\",\"peer\":$peer}"
is 'or the active one' "$(member version)" 2

# --- Key references go on meaning their version

# The program that loads the provider has no sanitizer in it, and one can't come in later.
if [ $sanitized = no ]; then
printf 'openssl_conf = i\n[i]\nproviders = p\n[p]\nhsmagent = h\ndefault = d\n[h]\nmodule = %s\nactivate = 1\n[d]\nactivate = 1\n' \
    "$(cd "$bin" && pwd)/.libs/hsmagent.so" >"$T/openssl.cnf"
with_provider() {
    OPENSSL_CONF=$T/openssl.cnf "$@"
}
hsm_agent key create ref --type ec:p256 >/dev/null
hsm_agent pem ref -o "$T/ref1.pem"
hsm_agent key show ref --public pem -o "$T/ref1.pub"
hsm_agent key create web --type ec:p256 --purpose tls-server >/dev/null
hsm_agent csr web --subject CN=web -o "$T/web1.csr"
hsm_agent pem web -o "$T/web1.pem"
printf 'some data' >"$T/data"
by_reference() { # N: signed by the reference of that version, and verified with its public key
    with_provider openssl dgst -sha256 -sign "$T/ref$1.pem" -out "$T/sig" "$T/data" &&
        openssl dgst -sha256 -verify "$T/ref$1.pub" -signature "$T/sig" "$T/data"
}
succeeds 'a reference signs' by_reference 1
hsm_agent key rotate ref --overlap 1h >/dev/null
hsm_agent pem ref -o "$T/ref2.pem"
hsm_agent key show ref --public pem -o "$T/ref2.pub"
is 'after a rotation there is another public key' "$(cmp -s "$T/ref1.pub" "$T/ref2.pub"; echo $?)" 1
succeeds 'the first reference signs with its own version' by_reference 1
succeeds 'the new one with the new one' by_reference 2
hsm_agent pem ref --key-version 1 -o "$T/again.pem"
is 'which can be had again' "$(cmp "$T/ref1.pem" "$T/again.pem" && echo same)" same
succeeds 'programs name a version' "$bin/tests/unit/client_example" ref@1 ES256 text
fails 'that is there' 1 '*no version 3*' "$bin/tests/unit/client_example" ref@3 ES256 text
fails 'and is a number' 1 "*can't be a key's name*" "$bin/tests/unit/client_example" ref@0 ES256 text
hsm_agent key disable ref --key-version 1 >/dev/null
fails 'a disabled version says so' 1 '*is disabled*' by_reference 1
succeeds 'the other one signs' by_reference 2

hsm_agent key rotate web --activate-after 0 --overlap 0 >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=ca -days 3 2>/dev/null
openssl x509 -req -in "$T/web1.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 3 -out "$T/web1.crt" 2>/dev/null
OPENSSL_CONF=$T/openssl.cnf openssl s_server -accept 127.0.0.1:0 -key "$T/web1.pem" -cert "$T/web1.crt" -www >"$T/server.log" 2>&1 &
server=$!
track $server
succeeds 's_server starts with the retired version' await 20 grep -q '^ACCEPT' "$T/server.log"
port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$T/server.log")
handshake() {
    openssl s_client -connect "127.0.0.1:$port" -CAfile "$T/ca.pem" -verify_return_error </dev/null
}
is 'which is retired' "$(status_of web 1)" retired
succeeds 'and serves TLS, since its certificate is out there' handshake
end $server
untrack $server
fails 'and no more when it was ended' 1 '*onnect*' handshake
else
    skip 'key references' 'a sanitized module needs a sanitized openssl'
fi

# --- Decryption by the version that fits

printf secret >"$T/plain"
api GET '/v1/keys/box?version=1'
member public_key.pem >"$T/box1.pem"
oaep=$(openssl pkeyutl -encrypt -pubin -inkey "$T/box1.pem" -in "$T/plain" -pkeyopt rsa_padding_mode:oaep \
    -pkeyopt rsa_oaep_md:sha256 | b64u)
api POST /v1/keys/box/decrypt "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$oaep\"}"
is 'a bare ciphertext finds its version' "$status $(member version) $(member plaintext | unb64u)" '200 1 secret'
api POST /v1/keys/box/decrypt "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$oaep\",\"version\":2}"
problem 'another one does not open it' 422 decryption-failed
wrong=$(head -c 256 /dev/zero | tr '\0' 'A' | b64u)
api POST /v1/keys/box/decrypt "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$wrong\"}"
problem 'what is nobody'"'"'s is one error' 422 decryption-failed
hsm_agent key disable box --key-version 1 >/dev/null
api POST /v1/keys/box/decrypt "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$oaep\"}"
problem 'a disabled version decrypts nothing' 422 decryption-failed
api POST '/v1/keys/box/decrypt?version=1' "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$oaep\"}"
problem 'and says so when it is named' 409 key-disabled
hsm_agent key enable box --key-version 1 >/dev/null
api POST /v1/keys/box/decrypt "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$oaep\"}"
is 'until it is enabled' "$status $(member version)" '200 1'

# --- Disabling

before=$(published)
hsm_agent key disable k >/dev/null
api POST /v1/keys/k/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'a disabled key does not sign' 409 key-disabled
api POST /v1/keys/k/jws '{"payload_text":"x"}'
problem 'nor messages' 409 key-disabled
api POST /v1/keys/k/csr '{"subject":[]}'
problem 'nor requests' 409 key-disabled
like 'the list says so' "$(hsm_agent key list)" '*k *ec:p256 *sign *disabled *'
is 'its public keys are not published' "$(published)" $((before - 1))
stop_agent a
start_agent a || done_testing
api POST /v1/keys/k/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'a restart does not help it' 409 key-disabled
is 'an older release would not take its file' "$(grep -c '"format": 3' "$T/a/state/keys/k.json" "$T/a/state/keys/k@2.json")" \
    "$T/a/state/keys/k.json:1
$T/a/state/keys/k@2.json:1"
hsm_agent key enable k >/dev/null
is 'enabled, it signs' "$(version_of k)" 2
is 'and its file is as before' "$(grep -c '"format": 1' "$T/a/state/keys/k.json")" 1

# --- Deletion

fails 'the active version is not deleted' 1 '*active*' hsm_agent key delete k --key-version 2 --confirm k
fails 'nothing is deleted unless the name is said' 2 '*--confirm k*' hsm_agent key delete k --key-version 1
fails 'the right one' 2 '*another name*' hsm_agent key delete k --key-version 1 --confirm K
typed() { # TEXT: at the prompt of a terminal
    "$python" - "$bin/hsm-agent" "$1" <<'PY'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "key", "delete", "k", "--key-version", "1"])
seen = b""
while b"again to go on" not in seen:
    seen += os.read(terminal, 1000)
os.write(terminal, sys.argv[2].encode() + b"\n")
while True:
    try:
        more = os.read(terminal, 1000)
    except OSError:
        break
    if not more:
        break
    seen += more
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
}
fails 'nor unless it is typed' 2 '*' typed q
succeeds 'typed, it is' typed k
is 'one is left' "$(hsm_agent key show k --json | grep -o '"version":[0-9]*,"status"' | sort -u)" '"version":2,"status"'
like 'the token has no more either' "$(pkcs11_tool a --list-objects --type privkey 2>/dev/null | grep -c 'label: *k$')" 0
hsm_agent key rotate k --pending >/dev/null
hsm_agent key delete k --key-version 3 --confirm k >/dev/null
hsm_agent key rotate k --json >"$T/out"
like 'a number is not given twice' "$(<"$T/out")" '*"version":4,*'

hsm_agent key create late --type ec:p256 >/dev/null
like 'a deletion is put off' "$(hsm_agent key delete late --after 30d --confirm late)" 'to be deleted: late, at 2*--cancel*'
like 'which is shown' "$(hsm_agent key show late)" '*deletes * 2*'
like 'and listed' "$(hsm_agent key list)" '*late *ec:p256 *sign *to be deleted *'
api POST /v1/keys/late/sign '{"algorithm":"ES256","data":"aGk"}'
problem 'it is not used meanwhile' 409 key-disabled
hsm_agent key delete late --cancel >/dev/null
is 'and kept when that is wanted' "$(version_of late)" 1
hsm_agent key delete late --after 2s --confirm late >/dev/null
kill_agent a
start_agent a || done_testing
is_deleted() {
    api GET /v1/keys/late
    [ "$status" = 404 ]
}
succeeds 'a time that comes after a crash is kept' await 20 is_deleted
like 'the log says so' "$(<"$T/a/log")" '*key-deleted key=late*its time came*'

# --- Killed between the steps

hsm_agent key create crash --type rsa:2048 >/dev/null
crash_signs() {
    api POST /v1/keys/crash/sign '{"algorithm":"PS256","data":"aGk"}'
    [ "$status" = 200 ]
}
half_made=0
for i in 1 2 3 4 5 6; do
    api POST /v1/keys/crash/rotate '{"activate_after":0}' >/dev/null 2>&1 &
    request=$!
    await 20 eval 'grep -qs creating "$T/a/state/keys/"crash@*.json'
    sleep "0.$((i * 6 / 10))$((i * 6 % 10))"
    kill_agent a
    wait $request
    start_agent a || done_testing
    crash_signs || not_ok "crash $i: the key signs" "$status $body"
    hsm_agent key show crash --json >"$T/out"
    highest=$(grep -o '"version":[0-9]*,"status"' "$T/out" | grep -o '[0-9]*' | sort -n | tail -1)
    case $(<"$T/out") in
    *'"state":"incomplete"'*)
        half_made=$((half_made + 1))
        hsm_agent key delete crash --key-version "$highest" --confirm crash >/dev/null ||
            not_ok "crash $i: what is half-made can be deleted"
        ;;
    esac
done
ok "6 times killed while a version was made, the key always signed"
diag "$half_made half-made versions"
is 'each version is one object of the token' \
    "$(pkcs11_tool a --list-objects --type privkey 2>/dev/null | grep -c 'label: *crash')" \
    "$(ls "$T/a/state/keys/" | grep -c '^crash[.@]')"
api POST /v1/keys/crash/rotate '{"activate_after":2}'
newest=$(member version)
kill_agent a
start_agent a || done_testing
crash_version() {
    crash_signs && [ "$(member version)" = "$newest" ]
}
succeeds 'a version that was pending when the daemon died becomes active all the same' await 20 crash_version
kill_agent a
start_agent a || done_testing
succeeds 'and is so after the next one' crash_version

# All versions go, or those that are left go at the next start.
versions=$(ls "$T/a/state/keys/" | grep -c '^crash[.@]')
like 'there are several' "$([ "$versions" -ge 2 ] && echo yes)" yes
api DELETE /v1/keys/crash >/dev/null 2>&1 &
request=$!
await 20 eval 'grep -qs deleting "$T/a/state/keys/"crash*.json || ! [ -e "$T/a/state/keys/crash.json" ]'
kill_agent a
wait $request
start_agent a || done_testing
no_crash() {
    api GET /v1/keys/crash
    [ "$status" = 404 ] && ! ls "$T/a/state/keys/" | grep '^crash'
}
succeeds 'a deletion that is killed is finished' await 20 no_crash
is 'of all versions' "$(pkcs11_tool a --list-objects --type privkey 2>/dev/null | grep -c 'label: *crash')" 0

stop_agent a

# --- A deletion whose time comes while the token hangs

make_agent b
fault_on b
faults b
start_agent b || done_testing
hsm_agent key create late --type ec:p256 >/dev/null
faults b 'C_DestroyObject hold'
hsm_agent key delete late --after 1s --confirm late >/dev/null
succeeds 'it has begun' await 20 eval '[ "$("$bin/tests/fault/faultctl" fired "$T/b/faults" C_DestroyObject)" -gt 0 ]'
began=$SECONDS
ends_well b
is 'the agent does not wait for it' "$((SECONDS - began < 20))" 1
faults b
start_agent b || done_testing
succeeds 'the next start goes on with it' await 20 is_deleted

done_testing
