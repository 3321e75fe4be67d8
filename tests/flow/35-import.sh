#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Keys from files: PKCS#12, PKCS#8 and PEM of every kind go into the token, are used there and never come out; what is
# weak, damaged or no key at all is refused with the reason, and nothing is left of it.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v pkcs11-tool >/dev/null || skip_all 'pkcs11-tool looks into the token, and is not there'

make_agent a 'token:sessions = 4'
daemon_args=(--debug)
start_agent a || done_testing

files=$T/files
mkdir "$files"
cd "$files" || exit 99
printf 'correct horse' >password
printf 'wrong horse' >wrong
: >empty

# --- Files, all made by openssl

chain() { # NAME KEY: a certificate of it under an issuer under a root, in NAME.pem
    openssl req -new -key "$2" -subj "/CN=$1.example" | openssl x509 -req -days 30 -CA issuer.pem -CAkey issuer.key \
        -extfile <(echo basicConstraints=CA:FALSE) -out "$1.pem"
}
{
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out root.key
    openssl req -x509 -key root.key -subj '/CN=Root' -days 30 -out root.pem
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out issuer.key
    openssl req -x509 -key issuer.key -subj '/CN=Issuer' -days 30 -CA root.pem -CAkey root.key -out issuer.pem
    for bits in 1024 2048 2304 3072; do
        openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits" -out "rsa$bits.key"
    done
    for curve in P-256 P-384 P-521; do
        openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" -out "${curve/-/}.key"
    done
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out k1.key
    openssl genpkey -algorithm X25519 -out x25519.key
    openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out pss.key
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3 -out primes.key
    chain modern rsa2048.key
    chain ec P256.key
    chain weak rsa1024.key
    openssl pkcs12 -export -inkey rsa2048.key -in modern.pem -passout file:password -out modern.p12
    openssl pkcs12 -export -legacy -inkey rsa2048.key -in modern.pem -passout file:password -out legacy.p12
    openssl pkcs12 -export -legacy -inkey rsa2048.key -in modern.pem -certfile root.pem -passout file:password \
        -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-3DES -out rc2.p12
    openssl pkcs12 -export -inkey P256.key -in ec.pem -passout file:password -out ec.p12
    openssl pkcs12 -export -inkey P256.key -in ec.pem -passout pass: -out nothing.p12
    openssl pkcs12 -export -inkey rsa3072.key -nocerts -passout file:password -out bare.p12
    cat root.pem issuer.pem >certs.pem
    openssl pkcs12 -export -inkey rsa2048.key -in modern.pem -certfile certs.pem -passout file:password -out chain.p12
    openssl pkcs12 -export -inkey rsa1024.key -in weak.pem -passout file:password -out weak.p12
    openssl pkcs12 -export -nokeys -in modern.pem -passout file:password -out certs.p12
    head -c 1000 modern.p12 >truncated.p12
    openssl pkcs8 -topk8 -in P384.key -outform DER -nocrypt -out p8.der
    openssl pkcs8 -topk8 -in P384.key -v2 aes-256-cbc -passout file:password -out p8-modern.pem
    openssl pkcs8 -topk8 -in P384.key -outform DER -v2 aes-256-cbc -passout file:password -out p8-modern.der
    openssl pkcs8 -topk8 -in P384.key -v1 PBE-MD5-DES -provider legacy -provider default -passout file:password -out p8-legacy.pem
    openssl rsa -in rsa2048.key -traditional -out pkcs1.pem
    openssl rsa -in rsa2048.key -traditional -outform DER -out pkcs1.der
    openssl rsa -in rsa2048.key -traditional -des3 -passout file:password -out pkcs1-des.pem
    openssl ec -in P521.key -out sec1.pem
    { openssl ecparam -name P-521; cat sec1.pem ec.pem; } >sec1-all.pem
    openssl ec -in P521.key -outform DER -out sec1.der
    head -n 5 rsa2048.key >truncated.pem
    head -c 600 pkcs1.der >truncated.der
    cat P256.key P384.key >two.pem
    openssl x509 -in modern.pem -outform DER -out cert.der
    openssl pkey -in rsa2048.key -pubout -out public.pem
    head -c 2000 /dev/urandom >noise
} >made.log 2>&1 || diag "$(cat made.log)"
cd "$bin" || exit 99

public() { # FILE of a private key in PEM
    openssl pkey -in "$files/$1" -pubout
}
proof=0
imports() { # NAME FILE KEY-FILE [OPTION]...: imported and used
    local name=$1 file=$files/$2 of=$3 alg=
    shift 3
    proof=$((proof + 1))
    like "$name is imported" "$(hsm_agent key import "k$proof" "$file" "$@" 2>&1)" "imported k$proof, *"
    hsm_agent key show "k$proof" --public pem >"$T/public" 2>"$T/err"
    is "its public key is that of $name" "$(<"$T/public")" "$(public "$of")"
    printf 'sign this' >"$T/data"
    hsm_agent sign "k$proof" -i "$T/data" -o "$T/signature" 2>"$T/err"
    succeeds "openssl verifies its signature ($name)" openssl dgst ${alg:-"$(hash_of "$of")"} -verify <(public "$of") \
        -signature "$T/signature" "$T/data"
}
hash_of() {
    case $1 in
    P384.key) echo -sha384 ;;
    P521.key) echo -sha512 ;;
    *) echo -sha256 ;;
    esac
}

# --- What is taken

with=(--password "file:$files/password")
imports 'a modern PKCS#12 file' modern.p12 rsa2048.key "${with[@]}"
api GET /v1/keys/k1
is 'and says so' "$(field origin) $(field state) $(field type) $(member purposes.0)" 'imported ready rsa:2048 sign'
imports 'a PKCS#12 file in the old encryption' legacy.p12 rsa2048.key "${with[@]}"
imports 'one with RC2' rc2.p12 rsa2048.key "${with[@]}"
imports 'one with a key of P-256' ec.p12 P256.key "${with[@]}"
imports 'one with a chain' chain.p12 rsa2048.key "${with[@]}"
imports 'one without certificates' bare.p12 rsa3072.key "${with[@]}"
imports 'one with an empty password' nothing.p12 P256.key --password "file:$files/empty"
imports 'a plain PKCS#8 file' P256.key P256.key
imports 'one in DER' p8.der P384.key
imports 'an encrypted one' p8-modern.pem P384.key "${with[@]}"
imports 'an encrypted one in DER' p8-modern.der P384.key "${with[@]}"
imports 'one encrypted by PKCS#5 1.5' p8-legacy.pem P384.key "${with[@]}"
imports 'a PKCS#1 file' pkcs1.pem rsa2048.key
imports 'one in DER' pkcs1.der rsa2048.key
imports 'one that OpenSSL encrypted in its old way' pkcs1-des.pem rsa2048.key "${with[@]}"
imports 'a SEC 1 file' sec1.pem P521.key
imports 'one in DER' sec1.der P521.key
imports 'one among other things' sec1-all.pem P521.key
for key in 1 2 3 4 5; do
    hsm_agent cert show k$key --pem >"$T/shown" 2>"$T/err"
    is "its own certificate is installed (k$key)" "$(openssl x509 -in "$T/shown" -noout -fingerprint)" \
        "$(openssl x509 -in "$files/$([ $key = 4 ] && echo ec || echo modern).pem" -noout -fingerprint)"
done
is 'its issuer with it' "$(hsm_agent cert show k5 --pem | grep -c BEGIN)" 2
fails 'a key without one has none' 1 '*' hsm_agent cert show k8 --pem
is 'it may be left out' "$(hsm_agent key import bare "$files/modern.p12" "${with[@]}" --no-certificates)" 'imported bare, rsa:2048'
fails 'then there is none' 1 '*' hsm_agent cert show bare --pem
is 'a file from stdin' "$(hsm_agent key import stdin - <"$files/P256.key")" 'imported stdin, ec:p256'
mkdir "$T/credentials"
cp "$files/password" "$T/credentials/transport"
is 'a password from a credential' "$(CREDENTIALS_DIRECTORY=$T/credentials hsm_agent key import credential \
    "$files/ec.p12" --password credential:transport)" 'imported credential, ec:p256, with its certificate'

# --- In the token

is 'no private key can leave it' "$(pkcs11_tool a --list-objects --type privkey 2>/dev/null | grep Access: | sort -u)" \
    '  Access:     sensitive'
is 'each is for signatures alone' "$(pkcs11_tool a --list-objects --type privkey 2>/dev/null | grep Usage: | sort -u)" \
    '  Usage:      sign'
is 'a key for other purposes' "$(hsm_agent key import box "$files/rsa2048.key" --purpose decrypt)" 'imported box, rsa:2048'
openssl pkeyutl -encrypt -pubin -inkey <(public rsa2048.key) -pkeyopt rsa_padding_mode:oaep -in "$T/data" -out "$T/cipher"
is 'decrypts' "$(hsm_agent decrypt box --alg RSA-OAEP -i "$T/cipher")" 'sign this'
fails 'and signs nothing' 1 '*' hsm_agent sign box -i "$T/data"
api POST /v1/keys/raw/import "{\"private_key\":\"$(b64u <"$files/p8.der")\"}"
is 'a request' "$status $(field type)" '201 ec:p384'
ends_well a
start_agent a || done_testing
hsm_agent key rotate raw --activate-after 0 >"$T/out" 2>&1
api GET /v1/keys/raw
is 'the next version of an imported key is made in the token' "$(field version) $(field origin)" '2 created'
hsm_agent key delete raw --key-version 2 --confirm raw >"$T/out" 2>&1
is 'a restart finds them' "$(hsm_agent key list | grep -c ' ready ')" 23

# --- What is refused

before=$(pkcs11_tool a --list-objects 2>/dev/null | grep -c 'Key Object')
refuses() { # NAME FILE PATTERN [OPTION]...
    local name=$1 file=$files/$2 pattern=$3
    shift 3
    fails "$name is refused" 1 "$pattern" hsm_agent key import refused "$file" "$@"
}
refuses 'a wrong password' modern.p12 "*modern.p12: the password doesn't open it*" --password "file:$files/wrong"
refuses 'a wrong password of an old file' legacy.p12 "*the password doesn't open it*" --password "file:$files/wrong"
refuses 'a wrong password of PKCS#8' p8-modern.pem "*the password doesn't open it*" --password "file:$files/wrong"
refuses 'a wrong password of PEM' pkcs1-des.pem "*the password doesn't open it*" --password "file:$files/wrong"
refuses 'an empty password that is wrong' modern.p12 "*the password doesn't open it*" --password "file:$files/empty"
refuses 'a truncated PKCS#12 file' truncated.p12 '*truncated.p12: it is cut off*' "${with[@]}"
refuses 'a truncated PEM file' truncated.pem '*it is cut off*'
refuses 'a truncated DER file' truncated.der '*it is cut off*'
refuses 'RSA with 1024 bits' weak.p12 '*1024 bits*2048*' "${with[@]}"
refuses 'the same in PEM' rsa1024.key '*1024 bits*2048*'
refuses 'RSA of a size that none asks for' rsa2304.key '*2304 bits*'
refuses 'RSA with three primes' primes.key '*more than two primes*'
refuses 'a certificate' modern.pem '*no private key*'
refuses 'a certificate in DER' cert.der '*no private key*'
refuses 'a PKCS#12 file without a key' certs.p12 '*no private key*' "${with[@]}"
refuses 'a public key' public.pem '*no private key*'
refuses 'noise' noise '*no private key*'
refuses 'an empty file' empty '*it is empty*'
refuses 'two keys' two.pem '*2 private keys*'
refuses 'another curve' k1.key '*curve*'
refuses 'a key that signs nothing' x25519.key '*X25519*'
refuses 'a key for PSS alone' pss.key '*RSA-PSS*'
refuses 'a file that is not there' none.p12 '*none.p12*'
refuses 'a purpose that the key cannot have' P256.key "*can't have all of these purposes*" --purpose decrypt
fails 'a file to be wiped that is not there' 1 "*can't open*No such file*" hsm_agent key import none "$T/nothing.pem" --wipe
fails 'a password on the command line' 2 "*takes a source, not a password*" \
    hsm_agent key import refused "$files/modern.p12" --password 'correct horse'
unlike 'and it is not repeated' "$(<"$T/err")" '*correct horse*'
chmod 644 "$files/wrong"
refuses 'a password that others can read' modern.p12 '*' --password "file:$files/wrong"
fails 'no terminal to ask at' 1 '*no terminal*--password file:PATH*' setsid "$bin/hsm-agent" key import refused "$files/modern.p12"
fails 'a name that is taken' 1 "*there is a key 'k1' already*" hsm_agent key import k1 "$files/P256.key"
api POST /v1/keys/raw2/import "{\"private_key\":\"$(b64u <"$files/noise")\"}"
problem 'a request without a key' 400 malformed /private_key
openssl pkcs8 -topk8 -nocrypt -in "$files/rsa1024.key" -outform DER -out "$T/weak.der"
api POST /v1/keys/raw2/import "{\"private_key\":\"$(b64u <"$T/weak.der")\"}"
problem 'a request with a weak key' 422 key-cannot /private_key
{ cat "$files/p8.der"; echo; } >"$T/longer.der"
api POST /v1/keys/raw2/import "{\"private_key\":\"$(b64u <"$T/longer.der")\"}"
problem 'one with something after the key' 400 malformed /private_key
"$python" - "$files/p8.der" "$T/torn.der" <<'PY'
import sys
der = bytearray(open(sys.argv[1], "rb").read())
der[-20] ^= 1  # in the public point
open(sys.argv[2], "wb").write(der)
PY
api POST /v1/keys/raw2/import "{\"private_key\":\"$(b64u <"$T/torn.der")\"}"
problem 'one whose halves are not of one key' 400 malformed /private_key
is 'nothing is left of all that' "$(pkcs11_tool a --list-objects 2>/dev/null | grep -c 'Key Object') \
$(ls "$T/a/state/keys" | grep -c 'refused\|raw2')" "$before 0"

# --- Wiping

cp "$files/P256.key" "$T/source"
ln "$T/source" "$T/witness"
fails 'a file with two names is not wiped' 2 '*under one name*' hsm_agent key import wiped "$T/source" --wipe
fails 'and nothing is imported' 1 '*no key*' hsm_agent key show wiped
rm "$T/witness"
fails 'stdin is not wiped' 2 '*stdin*' hsm_agent key import wiped - --wipe <"$T/source"
fails 'a key that is refused is not wiped' 1 '*already*' hsm_agent key import k1 "$T/source" --wipe
is 'its file is as it was' "$(<"$T/source")" "$(<"$files/P256.key")"
exec 8<"$T/source"
is 'a file is wiped' "$(hsm_agent key import wiped "$T/source" --wipe)" "imported wiped, ec:p256
wiped $T/source"
is 'it is gone' "$(ls "$T/source" 2>/dev/null)" ''
is 'and what it held is overwritten' "$(grep -ac 'PRIVATE KEY' <&8)" 0
exec 8<&-

# --- A prompt

"$python" - "$bin/hsm-agent" "$files/ec.p12" >"$T/prompt" 2>&1 <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "key", "import", "typed", sys.argv[2]])
seen = b""
while b"Password" not in seen or not seen.endswith(b": "):
    seen += os.read(fd, 1024)
os.write(fd, b"correct horse\n")
try:
    while chunk := os.read(fd, 1024):
        seen += chunk
except OSError:
    pass
print(seen.decode().replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
is 'a password is asked for' "$?" 0
like 'and not shown' "$(<"$T/prompt")" "Password of $files/ec.p12: *imported typed, ec:p256, with its certificate*"
unlike 'not at all' "$(<"$T/prompt")" '*horse*'

"$python" "$flow/at_terminal.py" "Password of $files/ec.p12: " ^C -- "$bin/hsm-agent" key import left "$files/ec.p12" >"$T/screen"
is 'Ctrl-C ends it, and the terminal echoes again' $? 1
like 'with a word' "$(<"$T/screen")" '*ended while a password was asked for; nothing was done*'

# --- Two tokens

ends_well a
make_token "$T/a/b" b
token_section "$T/a/b" b >>"$T/a/agent.conf"
start_agent a || done_testing
is 'a key into two tokens' "$(hsm_agent key import both "$files/P256.key" --token main,b --environment prod --holder ACME)" \
    'imported both, ec:p256'
api GET /v1/keys/both
is 'is in both, with what was said of it' "$(member replicas.0.state) $(member replicas.1.state) $(field environment) $(field holder)" \
    'ready ready prod ACME'
fails 'of two tokens, one is named' 1 '*more than one token*' hsm_agent key import neither "$files/P256.key"

# --- Who may

ends_well a
sed -i 's!^allow = .*!allow = *:show,create,sign!' "$T/a/agent.conf"
start_agent a || done_testing
fails 'without the operation, nothing is imported' 1 '*grants import*allow = other:import*' \
    hsm_agent key import other "$files/P256.key"
ends_well a
sed -i 's!^allow = .*!allow = *:*!; s!^admin = yes!admin = no!' "$T/a/agent.conf"
start_agent a || done_testing
fails 'nor on a socket that is not for administrators' 1 "*administrators' sockets*" \
    hsm_agent key import other "$files/P256.key"

# --- The secret

private=$(openssl pkey -in "$files/P256.key" -noout -text | sed -n '/priv:/,/pub:/p' | grep '^ ' | tr -d ' :\n')
is 'nothing of a private key is in the log or the state' \
    "$(grep -rlaF -e "$private" -e "$(xxd -r -p <<<"$private" | head -c 16 | base64 | head -c 18)" "$T/a/state" "$T/a/log")" ''
ends_well a
done_testing
