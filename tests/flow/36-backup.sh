#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Backups: a key leaves its token wrapped under a key encryption key, and comes back in another token, on another
# machine, as the same key; none leaves that wasn't made for it, and what was altered doesn't come back.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v pkcs11-tool >/dev/null || skip_all 'pkcs11-tool looks into the tokens, and is not there'

make_agent a 'token:sessions = 4'
make_token "$T/a/spare" spare
token_section "$T/a/spare" spare >>"$T/a/agent.conf"
start_agent a || done_testing

tool() { # TOKEN ARG...
    local token=$1
    shift
    SOFTHSM2_CONF=$T/a/$token/softhsm2.conf pkcs11-tool --module "$module" --token-label "$token" --login \
        --pin "$(<"$T/a/$token/pin")" "$@" 2>&1
}
access() { # TOKEN LABEL
    tool "$1" --list-objects | awk -v "label=$2" '
        /^[A-Z]/ { is = 0; public = /^Public/ }
        $1 == "label:" { is = !public && $2 == label }
        $1 == "Access:" && is { sub(/^ *Access: */, ""); print }'
}
printf 'sign this' >"$T/data"
signs_as() { # NAME KEY PUBLIC-FILE [HASH]
    hsm_agent sign "$2" -i "$T/data" -o "$T/signature" 2>"$T/err"
    succeeds "$1" openssl dgst "${4:--sha256}" -verify "$3" -signature "$T/signature" "$T/data"
}

# --- The key encryption key

api PUT /v1/keys/kek '{"type":"aes:256","tokens":["main","spare"]}'
is 'a key encryption key is made in two tokens' "$status $(field type) $(member purposes.0) $(member replicas.0.state) \
$(member replicas.1.state)" '201 aes:256 wrap ready ready'
unlike 'it has no public key' "$body" '*public_key*'
unlike 'so no certificate is installed for it' "$body" '*"install"*'
like 'and no algorithm' "$body" '*"algorithms":\[\]*'
for token in main spare; do
    like "it can't leave $token" "$(access $token kek)" '*sensitive*'
    unlike 'by nothing' "$(access $token kek)" '*extractable*'
    is "it wraps and does nothing else ($token)" "$(tool $token --list-objects --type secrkey | sed -n 's/^  Usage: *//p')" 'wrap, unwrap'
done
api PUT /v1/keys/kek2 '{"type":"aes:256","token":"main","purposes":["wrap"]}'
is 'another in one' "$status $(field state)" '201 ready'
for request in '"purposes":["sign"]' '"backup":true'; do
    api PUT /v1/keys/none "{\"type\":\"aes:256\",\"token\":\"main\",$request}"
    is "none can be made with $request" "$status $(field code)" '422 key-cannot'
done
api PUT /v1/keys/none '{"type":"hmac:256","token":"main","backup":true}'
is 'nor an HMAC key for backups' "$status $(field code)" '422 key-cannot'
api POST /v1/keys/kek/sign '{"algorithm":"RS256","data":"aGk"}'
is 'it signs nothing' "$status $(field code)" '422 key-cannot'
api POST /v1/keys/kek/mac '{"data":"aGk"}'
is 'and makes no codes' "$status $(field code)" '422 key-cannot'

# --- Keys, and their backups

for type in ec:p256 ec:p384 ec:p521 rsa:2048 rsa:3072; do
    name=${type/:/-}
    profile=(--profile mhhs/client-signing)
    [[ $type != ec:p384 && $type != ec:p521 ]] || profile=()
    is "$type is made for backups" "$(hsm_agent key create "$name" --type $type --backup --token main --environment prod \
        --holder 'ACME Ltd' ${profile[@]+"${profile[@]}"} | sed -n 's/^state *//p')" ready
    is "it may leave the token wrapped ($type)" "$(access main "$name")" 'sensitive, always sensitive, extractable, local'
    hsm_agent key show "$name" --public pem -o "$T/$name.pem"
    succeeds "it is wrapped ($type)" hsm_agent key backup "$name" --kek kek -o "$T/$name.backup"
done
like 'the audit log names both keys' "$(hsm_agent audit show --operation backup --last 1)" '*key=*object=kek*operation=backup*'
is 'the file is for its owner' "$(stat -c %a "$T/ec-p256.backup")" 600
like 'it says what it is' "$(tr -d ' \n' <"$T/ec-p256.backup")" \
    '{"format":"hsm-agent-backup/1",*"name":"ec-p256","version":1,"type":"ec:p256","purposes":\["sign"\],"environment":"prod","holder":"ACMELtd","profile":"mhhs/client-signing",*"kek":"kek",*"algorithm":"A256KWP","wrapped":*'
hsm_agent key create box --type rsa:2048 --purpose decrypt --backup --token main >"$T/out"
hsm_agent key show box --public pem -o "$T/box.pem"
succeeds 'a key that decrypts is wrapped' hsm_agent key backup box --kek kek -o "$T/box.backup"

hsm_agent key rotate box >/dev/null
hsm_agent key rotate kek2 >/dev/null
is 'a version that still decrypts is wrapped when it is named' \
    "$(hsm_agent key backup box --key-version 1 --kek kek | sed -n 's/.*"version": *\([0-9]*\).*/\1/p')" 1
is 'its number is not that of the key encryption key' \
    "$(hsm_agent key backup box --key-version 1 --kek kek2 | sed -n 's/.*"kek_id": *//p')" \
    "$(hsm_agent key backup box --kek kek2 | sed -n 's/.*"kek_id": *//p')"

# --- Back, in another token

for type in ec:p256 ec:p384 ec:p521 rsa:2048 rsa:3072; do
    name=${type/:/-}
    is "$type comes back in another token" "$(hsm_agent key restore "$T/$name.backup" --name "$name.b" --token spare)" \
        "restored $name.b, $type"
    is "its public key is the same ($type)" "$(hsm_agent key show "$name.b" --public pem)" "$(<"$T/$name.pem")"
    case $type in
    ec:p384) hash=-sha384 ;;
    ec:p521) hash=-sha512 ;;
    *) hash=-sha256 ;;
    esac
    signs_as "it signs ($type)" "$name.b" "$T/$name.pem" $hash
done
api GET /v1/keys/ec-p256.b
is 'what was said of it came along' "$(field environment) $(field holder) $(field profile) $(field backup) $(field token)" \
    'prod ACME Ltd mhhs/client-signing true spare'
is 'it may leave this token wrapped' "$(access spare ec-p256.b)" 'sensitive, extractable'
is 'into both tokens' "$(hsm_agent key restore "$T/box.backup" --name box.b --token main,spare)" 'restored box.b, rsa:2048'
openssl pkeyutl -encrypt -pubin -inkey "$T/box.pem" -pkeyopt rsa_padding_mode:oaep -in "$T/data" -out "$T/cipher"
is 'the key that decrypts does' "$(hsm_agent decrypt box.b --alg RSA-OAEP -i "$T/cipher")" 'sign this'
is 'a second backup is of the same key' "$(hsm_agent key backup ec-p256.b --kek kek | sed -n 's/.*"public_key": *//p')" \
    "$(sed -n 's/.*"public_key": *//p' "$T/ec-p256.backup")"

# --- For somebody else

printf 'once and never again' >"$T/once"
printf 'another one of these' >"$T/twice"
printf 'short' >"$T/short"
hsm_agent key export ec-p256 --password "file:$T/once" -o "$T/ec-p256.p12" 2>"$T/err"
is 'a key is exported' "$?" 0
is 'its file is for its owner' "$(stat -c %a "$T/ec-p256.p12")" 600
like 'it says that there is no certificate' "$(<"$T/err")" '*no installed certificate*'
is 'openssl reads the key' "$(openssl pkcs12 -in "$T/ec-p256.p12" -passin "file:$T/once" -nodes -nocerts 2>/dev/null |
    openssl pkey -pubout)" "$(<"$T/ec-p256.pem")"
like 'the encryption is of today' "$(openssl pkcs12 -in "$T/ec-p256.p12" -passin "file:$T/once" -info -noout 2>&1)" \
    '*sha256*PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256*'
fails 'the password is used up' 1 '*was used for another export*' \
    hsm_agent key export rsa-2048 --password "file:$T/once" -o "$T/no.p12"
is 'nothing was written' "$(ls "$T/no.p12" 2>/dev/null)" ''
fails 'a short one is refused' 1 '*fewer than 12 bytes*' \
    hsm_agent key export rsa-2048 --password "file:$T/short" -o "$T/no.p12"
openssl pkcs12 -in "$T/ec-p256.p12" -passin "file:$T/once" -nodes -nocerts -out "$T/ec-p256.key" 2>"$T/err"
openssl req -new -key "$T/ec-p256.key" -subj /CN=p256.example |
    openssl x509 -req -signkey "$T/ec-p256.key" -days 30 -extfile <(echo basicConstraints=CA:FALSE) -out "$T/ec-p256.crt" 2>"$T/err"
succeeds 'a certificate is installed' hsm_agent cert install ec-p256 "$T/ec-p256.crt"
succeeds 'the key with its certificate' hsm_agent key export ec-p256 --password "file:$T/twice" -o "$T/with.p12"
is 'which is in the file' "$(openssl pkcs12 -in "$T/with.p12" -passin "file:$T/twice" -nokeys 2>/dev/null | openssl x509)" \
    "$(openssl x509 -in "$T/ec-p256.crt")"
is 'import takes it back' "$(hsm_agent key import again "$T/with.p12" --password "file:$T/twice" --token main)" \
    'imported again, ec:p256, with its certificate'
is 'the passwords are kept as hashes' "$(grep -c . "$T/a/state/transport-passwords") \
$(grep -rlaF -e 'once and never again' -e 'another one of these' "$T/a/state" "$T/a/log")" '3 '
printf 'yet another one here' >"$T/third"
fails 'a key that was not made for it' 1 "*wasn't made for backups*" \
    hsm_agent key export again --password "file:$T/third" -o "$T/no.p12"
api POST /v1/keys/ec-p256/export "{\"recipient\":\"$(awk '{ printf "%s\\n", $0 }' "$T/ec-p256.pem")\"}"
problem 'keys are sealed for RSA' 422 key-cannot /recipient

# --- What stays inside

hsm_agent key create inside --type ec:p256 --token main >"$T/out"
fails 'a key that was not made for it stays' 1 "*can't leave its token: it wasn't made for backups*--backup*" \
    hsm_agent key backup inside --kek kek
ends_well a
sed -i 's/"purposes"/"backup": true, "purposes"/' "$T/a/state/keys/inside.json"
start_agent a || done_testing
fails 'whatever its file says' 1 "*can't leave the token*" hsm_agent key backup inside --kek kek
fails 'no other key wraps' 1 "*'inside' is no key encryption key*" hsm_agent key backup ec-p256 --kek inside
fails 'nor one that is not in the token' 1 "*no token that is ready has both*" hsm_agent key backup ec-p256.b --kek kek2
fails 'nor one that is not there' 1 "*there is no key 'nobody'*" hsm_agent key backup ec-p256 --kek nobody
fails 'a key encryption key has no backup' 1 "*wasn't made for backups*" hsm_agent key backup kek --kek kek

# --- Disabled

disabled() { # KEY NAME ARG...
    local key=$1 name=$2
    shift 2
    hsm_agent key disable "$key" >/dev/null
    fails "$name" 1 "*of '$key' is disabled*" "$@"
    hsm_agent key enable "$key" >/dev/null
}
disabled ec-p256 'a disabled key is not wrapped' hsm_agent key backup ec-p256 --kek kek
disabled ec-p256 'nor exported' hsm_agent key export ec-p256 --password "file:$T/third" -o "$T/no.p12"
disabled kek 'a disabled key encryption key wraps nothing' hsm_agent key backup ec-p256 --kek kek
disabled kek 'and brings nothing back' hsm_agent key restore "$T/ec-p256.backup" --name barred --token spare
hsm_agent key delete ec-p256 --confirm ec-p256 --after 30d >/dev/null
fails 'nor is one that is to be deleted' 1 '*is to be deleted at*' hsm_agent key backup ec-p256 --kek kek
hsm_agent key delete ec-p256 --cancel >/dev/null
succeeds 'what is enabled is' hsm_agent key backup ec-p256 --kek kek -o "$T/ec-p256.backup"

# --- Versions

hsm_agent key rotate ec-p384 >"$T/out"
api POST '/v1/keys/ec-p384/backup?version=2' '{"kek":"kek"}'
is 'another version than the active one is wrapped' "$status $(field version)" '200 2'
is 'by a key encryption key that has no such version' "$(field kek)" kek
hsm_agent key rotate ec-p521.b --activate-after 0 >"$T/out"
api GET /v1/keys/ec-p521.b
is 'a key that came back is rotated like others' "$(field version) $(field state)" '2 ready'

# --- Altered

alter() { # MEMBER PYTHON-EXPRESSION of v
    "$python" -c '
import json, sys
backup = json.load(open(sys.argv[1]))
v = backup.get(sys.argv[2])
backup[sys.argv[2]] = eval(sys.argv[3])
json.dump(backup, sys.stdout)' "$T/ec-p256.backup" "$1" "$2" >"$T/altered.backup"
}
later='v[:-2] + ("8Z" if v[-2] == "9" else "9Z")'
flip='v[:10] + ("A" if v[10] != "A" else "B") + v[11:]'
before=$(tool spare --list-objects | grep -c 'Key Object')
for case in "made:$later" "name:'other'" 'version:2' "purposes:['csr']" "environment:'dev'" 'environment:None' \
    "holder:'ACME Lt'" "profile:'mhhs/signing'" "created:$later" "kek:'kez'" "wrapped:$flip" "tag:$flip" \
    'wrapped:v[:-4]' 'wrapped:""'; do
    alter "${case%%:*}" "${case#*:}"
    [ "${case#*:}" != None ] || sed -i 's/"environment": null, //' "$T/altered.backup"
    fails "altered: $case" 1 '*' hsm_agent key restore "$T/altered.backup" --name altered --token spare
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/stranger.key"
alter public_key "'$(openssl pkey -in "$T/stranger.key" -pubout -outform DER | b64u)'"
fails 'altered: another public key' 1 '*was altered*' hsm_agent key restore "$T/altered.backup" --name altered --token spare
alter kek_id "'00' + v[2:]"
fails 'of a key encryption key that is not here' 1 "*isn't here*adopt*" \
    hsm_agent key restore "$T/altered.backup" --name altered --token spare
alter format "'hsm-agent-backup/2'"
fails 'of another format' 1 '*reads hsm-agent-backup/1*' hsm_agent key restore "$T/altered.backup" --name altered --token spare
alter more 1
fails 'with something more' 1 '*no member "more"*' hsm_agent key restore "$T/altered.backup" --name altered --token spare
head -c 300 "$T/ec-p256.backup" >"$T/altered.backup"
fails 'cut off' 1 '*is no backup*' hsm_agent key restore "$T/altered.backup" --name altered --token spare
is 'nothing is left of all that' "$(tool spare --list-objects | grep -c 'Key Object') $(ls "$T/a/state/keys" | grep -c altered)" \
    "$before 0"
fails 'the name is taken' 1 "*there is a key 'ec-p256' already*" hsm_agent key restore "$T/ec-p256.backup" --token spare
hsm_agent key backup ec-p256 --kek kek2 -o "$T/other.backup"
fails 'a token without the key encryption key' 1 "*'spare' has no key encryption key 'kek2'*" \
    hsm_agent key restore "$T/other.backup" --name altered --token spare

# --- Another machine

ends_well a
mkdir -p "$T/b"
sed "s!$T/a/state!$T/b/state!; s!$T/a/agent.sock!$T/b/agent.sock!; /^\[token main\]/,/^write =/d" "$T/a/agent.conf" |
    sed '/^sessions = 4/d' >"$T/b/agent.conf"
start_agent b || done_testing
SOFTHSM2_CONF=$T/a/spare/softhsm2.conf pkcs11-tool --module "$module" --token-label spare --login --pin "$(<"$T/a/spare/pin")" \
    --keygen --key-type AES:16 --label short --id 5051 --usage-wrap >"$T/out" 2>&1 || diag "$(<"$T/out")"
api PUT /v1/keys/short '{"uri":"pkcs11:type=secret-key;object=short"}'
problem 'a shorter key is none of aes:256' 422 key-cannot
like 'for that reason' "$body" '*16 bytes*'
is 'another agent has the other token alone' "$(hsm_agent tokens --json | grep -o '"name":"[a-z]*"')" '"name":"spare"'
fails 'it does not know the key encryption key' 1 "*'kek' at that time, isn't here*pkcs11:type=secret-key;object=kek*" \
    hsm_agent key restore "$T/rsa-3072.backup"
api PUT /v1/keys/found '{"uri":"pkcs11:type=secret-key;object=kek"}'
is 'which it adopts' "$status $(field type) $(field state) $(field origin) $(member purposes.0)" '201 aes:256 ready adopted wrap'
is 'then the key comes back by its own name' "$(hsm_agent key restore "$T/rsa-3072.backup")" 'restored rsa-3072, rsa:3072'
is 'and is the same' "$(hsm_agent key show rsa-3072 --public pem)" "$(<"$T/rsa-3072.pem")"
ends_well b
start_agent b || done_testing
signs_as 'after a restart too' rsa-3072 "$T/rsa-3072.pem"

# --- Who may

ends_well b
sed -i 's!^allow = .*!allow = *:show,sign,create\nallow = found:backup\nallow = rsa-3072:backup!' "$T/b/agent.conf"
start_agent b || done_testing
succeeds 'who may for both keys' hsm_agent key backup rsa-3072 --kek found -o "$T/again.backup"
fails 'may not restore by that' 1 '*grants restore*' hsm_agent key restore "$T/again.backup" --name other
ends_well b
sed -i '/found:backup/d' "$T/b/agent.conf"
start_agent b || done_testing
fails 'who may not for the key encryption key' 1 "*grants backup on 'found'*" hsm_agent key backup rsa-3072 --kek found
ends_well b
done_testing
