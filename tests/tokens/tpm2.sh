#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The basic flow on a token that isn't SoftHSM2: tpm2-pkcs11 on a TPM in software. Debian's packages: swtpm swtpm-tools
# tpm2-abrmd tpm2-tools libtpm2-pkcs11-1 libtpm2-pkcs11-tools libtss2-tcti-swtpm0 libtss2-tcti-tabrmd0 dbus.
# Run by `make check-tokens`.
if [ -z "${DBUS_SESSION_BUS_ADDRESS:-}" ] && command -v dbus-run-session >/dev/null; then
    exec dbus-run-session -- "$0" "$@"
fi
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

for program in dbus-run-session swtpm tpm2-abrmd tpm2_ptool; do
    command -v $program >/dev/null || skip_all "$program isn't installed"
done
for tpm_module in /usr/lib/*/pkcs11/libtpm2_pkcs11.so /usr/lib/pkcs11/libtpm2_pkcs11.so; do
    [ ! -r "$tpm_module" ] || break
done
[ -r "$tpm_module" ] || skip_all 'libtpm2_pkcs11.so is not there'
for library in swtpm tabrmd; do
    ldconfig -p | grep -q "libtss2-tcti-$library.so" || skip_all "libtss2-tcti-$library isn't installed"
done

# Two ports side by side that nobody has.
port=$("$python" -c '
import random, socket
while True:
    port = random.randrange(15000, 32000)
    try:
        for number in (port, port + 1):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", number))
    except OSError:
        continue
    print(port)
    break')
mkdir "$T/tpm" "$T/store"
swtpm socket --tpm2 --tpmstate "dir=$T/tpm" --server "type=tcp,port=$port" --ctrl "type=tcp,port=$((port + 1))" \
    --flags not-need-init,startup-clear >"$T/swtpm.log" 2>&1 &
track $!
listens() { # PORT: without a connection, which swtpm would end with
    grep -q "^ *[0-9]*: 0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp
}
await 20 listens "$port" || not_ok 'the TPM starts' "$(<"$T/swtpm.log")"
as_root=()
[ "$(id -u)" != 0 ] || as_root=(--allow-root)
tpm2-abrmd --session ${as_root[@]+"${as_root[@]}"} "--tcti=swtpm:host=127.0.0.1,port=$port" >"$T/abrmd.log" 2>&1 &
track $!
export TPM2TOOLS_TCTI=tabrmd:bus_type=session,bus_name=com.intel.tss2.Tabrmd TPM2_PKCS11_STORE=$T/store
export TPM2_PKCS11_TCTI=$TPM2TOOLS_TCTI
brokered() {
    tpm2_getcap properties-fixed
}
await 30 brokered || not_ok 'its broker starts' "$(<"$T/abrmd.log")"
openssl rand -hex 8 >"$T/tpm.pin"
succeeds 'a store is made' tpm2_ptool init --path "$T/store"
succeeds 'with a token' tpm2_ptool addtoken --pid 1 --label tpm --sopin "$(openssl rand -hex 8)" \
    --userpin "$(<"$T/tpm.pin")" --path "$T/store"
[ $failed = 0 ] || done_testing

make_agent a 'end:[token tpm]' 'end:uri = pkcs11:token=tpm' "end:module = $tpm_module" \
    "end:environment = TPM2_PKCS11_TCTI=$TPM2_PKCS11_TCTI" "end:environment = TPM2_PKCS11_STORE=$T/store" \
    "end:environment = DBUS_SESSION_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS" "end:pin = file:$T/tpm.pin" \
    'end:software-oaep = yes'
start_agent a || done_testing

for pair in rsa:rsa:2048:sign box:rsa:2048:decrypt p256:ec:p256:sign p384:ec:p384:sign; do
    key=${pair%%:*}
    type=${pair#*:}
    succeeds "the key $key is made" hsm_agent key create "$key" --token tpm --type "${type%:*}" --purpose "${type##*:}"
    hsm_agent key show "$key" --public pem >"$T/$key.pem"
done

echo hello >"$T/data"
signs() { # KEY ALGORITHM HASH [OPTION of openssl dgst...]
    local key=$1 algorithm=$2 hash=$3
    shift 3
    hsm_agent sign "$key" --alg "$algorithm" -i "$T/data" -o "$T/sig" &&
        openssl dgst "-$hash" -verify "$T/$key.pem" "$@" -signature "$T/sig" "$T/data"
}
sign_all() {
    local size
    for size in 256 384 512; do
        succeeds "$1RS$size" signs rsa RS$size sha$size
        succeeds "$1PS$size" signs rsa PS$size sha$size -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
    done
    succeeds "${1}ES256" signs p256 ES256 sha256
    succeeds "${1}ES384" signs p384 ES384 sha384
}
sign_all ''
for key in rsa p256; do
    hsm_agent csr $key --subject CN=tpm.example >"$T/csr"
    succeeds "a request of $key" openssl req -in "$T/csr" -verify -noout
done
for pair in RSA-OAEP:sha1 RSA-OAEP-256:sha256; do
    openssl pkeyutl -encrypt -pubin -inkey "$T/box.pem" -pkeyopt rsa_padding_mode:oaep -pkeyopt \
        "rsa_oaep_md:${pair#*:}" -in "$T/data" -out "$T/ct"
    is "${pair%:*}" "$(hsm_agent decrypt box --alg "${pair%:*}" -i "$T/ct")" hello
done
api POST /v1/keys/rsa/decrypt '{"algorithm":"RSA-OAEP-256","ciphertext":"AA"}'
problem 'a key for signatures decrypts nothing, though this token would' 422 key-cannot

ends_well a
start_agent a || done_testing
is 'after a restart the keys are there' "$(hsm_agent key list | grep -c ready)" 4
sign_all 'after a restart, '
child=$(child_pid a tpm)
kill -KILL "$child"
succeeds 'after the death of the token process it signs' signs rsa RS256 sha256
succeeds 'a key is deleted' hsm_agent key delete rsa --confirm rsa
ends_well a
done_testing
