#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Signatures: every algorithm with every type of key, over data and over a digest, in each form, verified by openssl;
# batches; published examples.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
start_agent a || done_testing

printf 'the message\0with a zero byte\n' >"$T/data"
data=$(b64u <"$T/data")
declare -A digest
for size in 256 384 512; do
    openssl dgst "-sha$size" -binary "$T/data" >"$T/digest$size"
    digest[$size]=$(b64u <"$T/digest$size")
done

verify() { # ALGORITHM KEY: $T/sig over $T/data, as openssl sees it; the options of PSS are those of RFC 7518
    local size=${1:2} pss=()
    if [ "$1" = Ed25519 ]; then
        openssl pkeyutl -verify -pubin -inkey "$T/$2.pem" -rawin -in "$T/data" -sigfile "$T/sig"
        return
    fi
    if [[ $1 == PS* ]]; then
        pss=(-sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$((size / 8))" -sigopt "rsa_mgf1_md:sha$size")
    fi
    openssl dgst "-sha$size" -verify "$T/$2.pem" ${pss[@]+"${pss[@]}"} -signature "$T/sig" "$T/data"
}

raw_to_der() { # from standard input
    "$python" -c '
import sys
raw = sys.stdin.buffer.read()
def integer(value):
    value = value.lstrip(b"\0")
    value = (b"\0" if not value or value[0] & 128 else b"") + value
    return bytes([2, len(value)]) + value
half = len(raw) // 2
body = integer(raw[:half]) + integer(raw[half:])
sys.stdout.buffer.write(b"\x30" + (bytes([len(body)]) if len(body) < 128 else bytes([129, len(body)])) + body)'
}

signed() { # KEY ALGORITHM data|digest FORMAT: asks, checks what the answer echoes, and the signature
    local size=${2:2} input
    input="\"data\":\"$data\""
    [ "$3" = data ] || input="\"digest\":\"${digest[$size]}\""
    api POST "/v1/keys/$1/sign" "{\"algorithm\":\"$2\",$input,\"format\":\"$4\"}"
    [ "$status" = 200 ] || { echo "$body"; return 1; }
    [ "$(field key) $(field version) $(field algorithm) $(field token) $(field format)" = "$1 1 $2 main $4" ] ||
        { echo "$body"; return 1; }
    field signature | unb64u >"$T/sig"
    if [[ $2 == ES* && $4 != der ]]; then
        local bytes=$(((${types[$1]#ec:p} + 7) / 8))
        [ "$(stat -c %s "$T/sig")" = $((2 * bytes)) ] || { echo "a length of $(stat -c %s "$T/sig")"; return 1; }
        raw_to_der <"$T/sig" >"$T/sig.der"
        mv "$T/sig.der" "$T/sig"
    fi
    verify "$2" "$1"
}

declare -A types=([r2]=rsa:2048 [r3]=rsa:3072 [r4]=rsa:4096 [p256]=ec:p256 [p384]=ec:p384 [p521]=ec:p521 [ed]=ed25519)
for key in r2 r3 r4 p256 p384 p521 ed; do
    hsm_agent key create "$key" --type "${types[$key]}" >/dev/null || not_ok "the key $key is made"
    hsm_agent key show "$key" --public pem >"$T/$key.pem"
done

for key in r2 r3 r4; do
    for alg in RS256 RS384 RS512 PS256 PS384 PS512; do
        for input in data digest; do
            succeeds "${types[$key]} $alg over $input" signed $key $alg $input der
        done
    done
done
for pair in p256:ES256 p384:ES384 p521:ES512; do
    for input in data digest; do
        for format in der raw jose; do
            succeeds "${types[${pair%:*}]} ${pair#*:} over $input as $format" \
                signed "${pair%:*}" "${pair#*:}" $input $format
        done
    done
done
for format in der raw jose; do
    succeeds "ed25519 over data as $format" signed ed Ed25519 data $format
done

# r and s have leading zeros now and then; their lengths in DER differ then.
many_raw() {
    local i
    for i in $(seq 40); do
        signed p521 ES512 digest raw || return
    done
}
succeeds 'forty raw signatures with P-521 are all of one length' many_raw

# --- The command line: binary in and out

for key in r2:PS256 p256:ES256 ed:Ed25519; do
    hsm_agent sign "${key%:*}" --alg "${key#*:}" <"$T/data" >"$T/sig"
    succeeds "hsm-agent sign, ${key#*:} through pipes" verify "${key#*:}" "${key%:*}"
done
hsm_agent sign r2 --alg RS384 --digest -i "$T/digest384" -o "$T/sig"
succeeds 'hsm-agent sign --digest, RS384 with files' verify RS384 r2
hsm_agent sign p256 --alg ES256 --format jose -i "$T/data" | unb64u | raw_to_der >"$T/sig"
succeeds 'hsm-agent sign --format jose is base64url text' verify ES256 p256
hsm_agent sign p256 -i "$T/data" -o "$T/sig" 2>"$T/err"
succeeds 'without --alg the key has its own' verify ES256 p256
like 'which is said' "$(<"$T/err")" '*ES256*'

# --- What can't be signed

api POST /v1/keys/r2/sign "{\"algorithm\":\"ES256\",\"data\":\"$data\"}"
problem 'an algorithm of another type of key' 422 key-cannot
api POST /v1/keys/p256/sign "{\"algorithm\":\"ES384\",\"data\":\"$data\"}"
problem 'an algorithm of another curve' 422 key-cannot
api POST /v1/keys/r2/sign "{\"algorithm\":\"RS512\",\"digest\":\"${digest[256]}\"}"
problem 'a digest of another hash' 400 malformed /digest
api POST /v1/keys/ed/sign "{\"algorithm\":\"Ed25519\",\"digest\":\"${digest[256]}\"}"
problem 'Ed25519 signs no digest' 422 key-cannot
api POST /v1/keys/r2/sign "{\"algorithm\":\"RS256\",\"data\":\"$data\",\"version\":2}"
problem 'a version that is not there' 422 key-cannot
hsm_agent key create dec --type rsa:2048 --purpose decrypt >/dev/null
api POST /v1/keys/dec/sign "{\"algorithm\":\"RS256\",\"data\":\"$data\"}"
problem 'a key that was made to decrypt' 422 key-cannot
api POST /v1/keys/r2/sign '{"algorithm":"RS256","data":""}'
is 'no data at all is data, too' "$status" 200
: >"$T/empty"
field signature | unb64u >"$T/sig"
succeeds 'and its signature verifies' openssl dgst -sha256 -verify "$T/r2.pem" -signature "$T/sig" "$T/empty"
head -c 190000 /dev/urandom >"$T/large"
hsm_agent sign r2 --alg RS256 -i "$T/large" -o "$T/sig"
succeeds '190,000 bytes are signed in one request' \
    openssl dgst -sha256 -verify "$T/r2.pem" -signature "$T/sig" "$T/large"
cp "$T/large" "$T/data"
hsm_agent sign ed --alg Ed25519 -i "$T/large" -o "$T/sig"
succeeds 'also where the token hashes' verify Ed25519 ed
head -c 300000 /dev/zero >"$T/larger"
fails 'more is refused with a remedy' 1 '*openssl dgst -sha256*--digest*' \
    hsm_agent sign r2 --alg RS256 -i "$T/larger" -o "$T/sig"

# --- Batches, and examples that others published

part 'the batches' "$python" "$flow/batch.py" "$socket"

"$python" "$flow/examples.py" "$T" >"$T/examples" || not_ok 'the published keys are written'
while read -r name id algorithm input signature; do
    SOFTHSM2_CONF=$T/a/main/softhsm2.conf softhsm2-util --import "$T/$name.pem" --token main \
        --label "$name" --id "$id" --pin "$(<"$T/a/main/pin")" >"$T/out" 2>&1 || not_ok "$name is imported" "$(<"$T/out")"
    hsm_agent key adopt "$name" "pkcs11:id=%$id" >/dev/null
    data=$(printf '%s' "$input" | b64u)
    api POST "/v1/keys/$name/sign" "{\"algorithm\":\"$algorithm\",\"data\":\"$data\",\"format\":\"jose\"}"
    is "the signature is that of $name" "$(field signature)" "$signature"
done <"$T/examples"

ends_well a
done_testing
