#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Decryption of what openssl encrypted, and that nobody learns why a ciphertext is bad; key agreement.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:software-oaep = yes'     # as in hsm-agent dev
make_agent b 'agent:rsa1_5-decrypt = yes'    # the other way round
for name in a b; do
    start_agent $name || done_testing
    for size in 2048 3072; do
        hsm_agent key create r$size --type rsa:$size --purpose decrypt >/dev/null || not_ok "a key of $size bits is made"
        hsm_agent key show r$size --public pem >"$T/$name/r$size.pem"
    done
done

encrypt() { # AGENT KEY ALGORITHM [LABEL]: of standard input
    local options=(-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1)
    case $3 in
    RSA-OAEP-256) options=(-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256) ;;
    RSA1_5) options=(-pkeyopt rsa_padding_mode:pkcs1) ;;
    esac
    [ $# -lt 4 ] || options+=(-pkeyopt "rsa_oaep_label:$(printf '%s' "$4" | od -An -tx1 | tr -d ' \n')")
    openssl pkeyutl -encrypt -pubin -inkey "$T/$1/$2.pem" "${options[@]}"
}

decrypt() { # KEY ALGORITHM CIPHERTEXT-FILE [LABEL]
    local label=
    [ $# -lt 4 ] || label=",\"label\":\"$(printf '%s' "$4" | b64u)\""
    api POST "/v1/keys/$1/decrypt" "{\"algorithm\":\"$2\",\"ciphertext\":\"$(b64u <"$3")\"$label}"
}

there_and_back() { # AGENT KEY ALGORITHM PLAINTEXT-FILE [LABEL]
    encrypt "$1" "$2" "$3" "${@:5}" <"$4" >"$T/ct" || return
    decrypt "$2" "$3" "$T/ct" "${@:5}"
    [ "$status $(field key) $(field version) $(field algorithm) $(field token)" = "200 $2 1 $3 main" ] ||
        { echo "$status $body"; return 1; }
    field plaintext | unb64u | cmp - "$4"
}

printf 'a secret\0of some bytes' >"$T/plain"
: >"$T/none"
head -c 190 /dev/urandom >"$T/p190"    # the most that OAEP with SHA-256 holds in 2048 bits
head -c 214 /dev/urandom >"$T/p214"    # and with SHA-1
head -c 245 /dev/urandom >"$T/p245"    # and PKCS #1 v1.5

use_agent a
for key in r2048 r3072; do
    for alg in RSA-OAEP RSA-OAEP-256; do
        succeeds "$alg with $key" there_and_back a $key $alg "$T/plain"
        succeeds "$alg with $key and a label" there_and_back a $key $alg "$T/plain" 'label of some kind'
        succeeds "$alg with $key of an empty plaintext" there_and_back a $key $alg "$T/none"
    done
done
succeeds 'RSA-OAEP of all that fits' there_and_back a r2048 RSA-OAEP "$T/p214"
succeeds 'RSA-OAEP-256 of all that fits' there_and_back a r2048 RSA-OAEP-256 "$T/p190"
many() {
    local i
    for i in $(seq 30); do
        there_and_back a r2048 RSA-OAEP-256 "$T/plain" || return
    done
}
succeeds 'thirty times, whatever zeros a block begins with' many

encrypt a r2048 RSA-OAEP-256 <"$T/plain" >"$T/ct"
is 'hsm-agent decrypt, RSA-OAEP-256 by itself, through pipes' \
    "$(hsm_agent decrypt r2048 <"$T/ct" | sha256sum)" "$(sha256sum <"$T/plain")"
printf x >"$T/label"
encrypt a r2048 RSA-OAEP x <"$T/plain" >"$T/ct"
succeeds 'hsm-agent decrypt with a label and files' \
    hsm_agent decrypt r2048 --alg RSA-OAEP --label-file "$T/label" -i "$T/ct" -o "$T/got"
is 'gives the plaintext' "$(sha256sum <"$T/got")" "$(sha256sum <"$T/plain")"
is 'in a private file' "$(stat -c %a "$T/got")" 600

# --- RSA1_5 and OAEP in software are for those who ask for them

encrypt a r2048 RSA1_5 <"$T/plain" >"$T/ct"
decrypt r2048 RSA1_5 "$T/ct"
problem 'RSA1_5 is off' 422 key-cannot
like 'and the hint says which option turns it on' "$(field hint)" '*rsa1_5-decrypt*'
api GET /v1/keys/r2048
unlike 'nor is it among the algorithms of the key' "$(member algorithms)" '*RSA1_5*'
use_agent b
succeeds 'RSA1_5 works where it is on' there_and_back b r2048 RSA1_5 "$T/plain"
succeeds 'RSA1_5 of all that fits' there_and_back b r2048 RSA1_5 "$T/p245"
api GET /v1/keys/r2048
like 'there the key has it' "$(member algorithms)" '*RSA1_5*'
encrypt b r2048 RSA-OAEP-256 <"$T/plain" >"$T/ct"
decrypt r2048 RSA-OAEP-256 "$T/ct"
problem 'without software-oaep SoftHSM can not do RSA-OAEP-256' 422 key-cannot
like 'and the hint names the option' "$(field hint)" '*software-oaep*'
succeeds 'RSA-OAEP it does by itself' there_and_back b r2048 RSA-OAEP "$T/plain"
api POST /v1/keys/r2048/decrypt '{"algorithm":"RSA1_5","ciphertext":"aGk","label":"aGk"}'
problem 'RSA1_5 takes no label' 400 malformed /label

# --- A bad ciphertext is a bad ciphertext, whatever is wrong with it

modulus_of() { # AGENT KEY: in hexadecimal
    openssl rsa -pubin -in "$T/$1/$2.pem" -noout -modulus | sed 's/.*=//'
}

bad_ciphertexts() { # AGENT ALGORITHM: files $T/bad/*, each of another class
    local n zeros first last other=RSA-OAEP
    rm -rf "$T/bad"
    mkdir "$T/bad"
    [ "$2" != RSA-OAEP ] || other=RSA-OAEP-256
    n=$(modulus_of "$1" r2048)
    zeros=$(printf '%0512d' 0)
    openssl genrsa -out "$T/other.key" 2048 2>/dev/null
    mkdir -p "$T/other"
    openssl rsa -in "$T/other.key" -pubout -out "$T/other/r2048.pem" 2>/dev/null
    encrypt "$1" r2048 "$2" <"$T/plain" >"$T/ct"
    tobytes <<<"${n:0:2}$(openssl rand -hex 255)" | sed 's/^./\x01/' >"$T/bad/random"
    first=$(head -c 1 "$T/ct" | od -An -tu1)
    { printf '%b' "\\x$(printf %02x $((first ^ 1)))"; tail -c +2 "$T/ct"; } >"$T/bad/first-byte"
    last=$(tail -c 1 "$T/ct" | od -An -tu1)
    { head -c 255 "$T/ct"; printf '%b' "\\x$(printf %02x $((last ^ 1)))"; } >"$T/bad/last-bit"
    tobytes <<<"$zeros" >"$T/bad/zero"
    tobytes <<<"${zeros:1}1" >"$T/bad/one"
    tobytes <<<"$n" >"$T/bad/modulus"
    tobytes <<<"$(tr 0 F <<<"$zeros")" >"$T/bad/over-modulus"
    head -c 255 "$T/ct" >"$T/bad/short"
    { cat "$T/ct"; printf x; } >"$T/bad/long"
    printf x >"$T/bad/one-byte"
    : >"$T/bad/empty"
    encrypt other r2048 "$2" <"$T/plain" >"$T/bad/other-key"
    if [ "$2" = RSA1_5 ]; then
        encrypt "$1" r2048 RSA-OAEP <"$T/plain" >"$T/bad/other-padding"
        # Right but for the block type, and right but for eight bytes of padding.
        pad_by_hand "$1" '0001' "$(printf 'ff%.0s' {1..100})" >"$T/bad/block-type"
        pad_by_hand "$1" '0002' 'ffffffffffff' >"$T/bad/short-padding"
    else
        encrypt "$1" r2048 "$other" <"$T/plain" >"$T/bad/other-hash"
        encrypt "$1" r2048 "$2" label <"$T/plain" >"$T/bad/other-label"
        encrypt "$1" r2048 RSA1_5 <"$T/plain" >"$T/bad/other-padding"
        # Decrypts to a block that does not begin with a zero.
        pad_by_hand "$1" '01ff' "$(printf 'ff%.0s' {1..100})" >"$T/bad/not-zero"
    fi
}

tobytes() { # hexadecimal text from standard input
    tr a-f A-F | basenc -d --base16
}

pad_by_hand() { # AGENT FIRST-BYTES PADDING: a block of these, a zero and a message, encrypted as it is
    local rest
    rest=$((512 - ${#2} - ${#3} - 2))
    tobytes <<<"$2${3}00$(printf "%0${rest}d" 0 | tr 0 A)" |
        openssl pkeyutl -encrypt -pubin -inkey "$T/$1/r2048.pem" -pkeyopt rsa_padding_mode:none
}

one_answer() { # AGENT ALGORITHM
    local file wanted=
    use_agent "$1"
    bad_ciphertexts "$1" "$2"
    for file in "$T"/bad/*; do
        decrypt r2048 "$2" "$file"
        : "${wanted:=$status $body}"
        is "$2: ${file##*/} has the one answer" "$status $body" "$wanted"
    done
    # shellcheck disable=SC2012
    is "$2: at least eight classes were tried" "$(($(ls "$T/bad" | wc -l) >= 8))" 1
    like "$2: which is" "$wanted" '422 {*"code":"decryption-failed"*}'
    unlike "$2: and tells nothing more" "$wanted" '*pkcs11*'
    unlike "$2: not even a number" "$wanted" '*request_id*'
    encrypt "$1" r2048 "$2" <"$T/plain" >"$T/ct"
    decrypt r2048 "$2" "$T/ct"
    is "$2: the key is as good as before" "$status" 200
}
one_answer a RSA-OAEP
one_answer a RSA-OAEP-256
one_answer b RSA1_5

# --- Key agreement

use_agent a
declare -A curves=([p256]=prime256v1 [p384]=secp384r1 [p521]=secp521r1)
agreed() { # CURVE FORM: the secret is that which openssl derives
    local peer
    openssl pkeyutl -derive -inkey "$T/$1.key" -peerkey "$T/$1.pem" >"$T/theirs" || return
    case $2 in
    pem) peer=$(quoted "$T/$1.peer") ;;
    jwk) peer=$("$python" "$flow/jwk.py" "$T/$1.peer") ;;
    esac
    api POST "/v1/keys/d$1/derive" "{\"algorithm\":\"ECDH\",\"peer\":$peer}"
    [ "$status $(field key) $(field algorithm)" = "200 d$1 ECDH" ] || { echo "$status $body"; return 1; }
    field secret | unb64u | cmp - "$T/theirs" || return
    hsm_agent derive "d$1" --peer "$T/$1.peer" | cmp - "$T/theirs"
}
for curve in p256 p384 p521; do
    hsm_agent key create d$curve --type ec:$curve --purpose derive >/dev/null || not_ok "a key on $curve is made"
    hsm_agent key show d$curve --public pem >"$T/$curve.pem"
    openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${curves[$curve]}" -out "$T/$curve.key"
    openssl pkey -in "$T/$curve.key" -pubout -out "$T/$curve.peer"
    succeeds "ECDH on $curve with a peer as PEM" agreed $curve pem
    succeeds "ECDH on $curve with a peer as JWK" agreed $curve jwk
done
# A secret that begins with zeros is as long as any.
zeros() {
    local i
    for i in $(seq 30); do
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp521r1 -out "$T/p521.key"
        openssl pkey -in "$T/p521.key" -pubout -out "$T/p521.peer"
        agreed p521 pem || return
    done
}
succeeds 'thirty times with new peers' zeros

refused_peer() { # NAME STATUS CODE PEER [POINTER]
    api POST /v1/keys/dp256/derive "{\"algorithm\":\"ECDH\",\"peer\":$4}"
    problem "$1" "$2" "$3" ${5+"$5"}
}
refused_peer 'a peer on another curve' 422 key-cannot "$(quoted "$T/p384.peer")"
refused_peer 'a peer that is no key' 400 malformed '"hello"' /peer
refused_peer 'a peer that is a number' 400 malformed 5 /peer
refused_peer 'an RSA key' 422 key-cannot "$(quoted "$T/a/r2048.pem")"
one=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE
refused_peer 'a point that is not on the curve' 400 malformed \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"$one\",\"y\":\"$one\"}" /peer
refused_peer 'a private JWK' 400 malformed \
    "$("$python" "$flow/jwk.py" "$T/p256.peer" | sed "s/}\$/,\"d\":\"$one\"}/")" /peer
hsm_agent key create signer --type ec:p256 >/dev/null
api POST /v1/keys/signer/derive "{\"algorithm\":\"ECDH\",\"peer\":$(quoted "$T/p256.peer")}"
problem 'a key that was made to sign derives nothing' 422 key-cannot
api POST /v1/keys/dp256/decrypt '{"algorithm":"RSA-OAEP","ciphertext":"aGk"}'
problem 'nor does a key on a curve decrypt' 422 key-cannot
api POST /v1/keys/r2048/decrypt '{"algorithm":"RS256","ciphertext":"aGk"}'
problem 'nor a signature algorithm' 400 malformed /algorithm

ends_well a
ends_well b
done_testing
