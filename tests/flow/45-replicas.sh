#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One key in two tokens: adopted, proved, asked by turns, and not missed when one of the tokens fails.
# REPLICA_SECONDS: how long the load with kills goes on at least.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v softhsm2-util >/dev/null || skip_all 'softhsm2-util imports the keys, and is not there'

make_agent a 'token:deadline-ms = 2000' 'token:sessions = 4'
make_token "$T/a/b" b
{
    token_section "$T/a/b" b
    echo 'deadline-ms = 2000'
    echo 'sessions = 4'
} >>"$T/a/agent.conf"
fault_on a b

import() { # TOKEN LABEL ID PEM: the same key pair can be put into both tokens
    SOFTHSM2_CONF=$T/a/$1/softhsm2.conf softhsm2-util --module "$module" --import "$4" --token "$1" --label "$2" \
        --id "$3" --pin "$(<"$T/a/$1/pin")" --force >"$T/import" 2>&1 || not_ok "a key is imported" "$(<"$T/import")"
}
tool() { # TOKEN ARG...
    local token=$1
    shift
    SOFTHSM2_CONF=$T/a/$token/softhsm2.conf pkcs11-tool --module "$module" --token-label "$token" --login \
        --pin "$(<"$T/a/$token/pin")" "$@" 2>&1
}
for name in rsa box; do
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$T/$name.pem" 2>/dev/null
done
for name in p256 agree other; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/$name.pem" 2>/dev/null
done
id=10
for name in rsa box p256; do
    id=$((id + 1))
    import main $name $id "$T/$name.pem"
    import b $name a1$id "$T/$name.pem"
done
for name in p256 agree; do
    openssl pkey -in "$T/$name.pem" -outform DER -out "$T/$name.key"
    openssl pkey -in "$T/$name.pem" -pubout -outform DER -out "$T/$name.pub"
done
for token in main b; do
    tool $token --write-object "$T/agree.key" --type privkey --id 14 --label agree --usage-derive >/dev/null
    tool $token --write-object "$T/agree.pub" --type pubkey --id 14 --label agree --usage-derive >/dev/null
done
# What has one label in both tokens, and isn't one key.
import main differs 21 "$T/p256.pem"
import b differs 21 "$T/other.pem"
import main twins 22 "$T/p256.pem"
import b twins 22 "$T/p256.pem"
import b twins 22 "$T/other.pem"
# The private key of one with the public key of another, which a private EC key can't contradict.
import main liar 23 "$T/p256.pem"
import b liar 23 "$T/other.pem"
tool b --delete-object --type pubkey --id 23 >/dev/null
tool b --write-object "$T/p256.pub" --type pubkey --id 23 --label liar >/dev/null
start_agent a || done_testing

# --- Adoption

succeeds 'one URI for two tokens adopts a pair' hsm_agent key adopt rsa 'pkcs11:object=rsa' --token main,b
succeeds 'two URIs that name their tokens do' hsm_agent key adopt p256 'pkcs11:token=main;object=p256' \
    'pkcs11:token=b;object=p256'
succeeds 'a URI and a token for each do' hsm_agent key adopt agree 'pkcs11:object=agree' 'pkcs11:id=%14' \
    --purpose derive --token main,b
api PUT /v1/keys/box '{"replicas":[{"uri":"pkcs11:object=box","token":"main"},{"uri":"pkcs11:object=box","token":"b"}],
    "purposes":["decrypt"]}'
is 'a request does' "$status $(member replicas.0.state) $(member replicas.1.state)" '201 ready ready'
for name in rsa p256; do
    api GET /v1/keys/$name
    is "$name is ready in both" "$(field origin) $(field state) $(member replicas.0.token) $(member replicas.0.state) \
$(member replicas.1.token) $(member replicas.1.state)" 'adopted ready main ready b ready'
done

api PUT /v1/keys/none '{"replicas":[{"uri":"pkcs11:object=differs","token":"main"},
    {"uri":"pkcs11:object=differs","token":"b"}]}'
problem 'two keys are no replicas of one' 409 conflict /replicas/1
like 'the one that differs is named' "$(field detail)" "*object=differs*token 'b'*another key*"
api PUT /v1/keys/none '{"replicas":[{"uri":"pkcs11:object=twins","token":"main"},
    {"uri":"pkcs11:object=twins","token":"b"}]}'
problem 'two objects that fit are refused' 409 ambiguous-key /replicas/1
like 'and both are named' "$(field detail)" '*object=twins*object=twins*'
api PUT /v1/keys/none '{"replicas":[{"uri":"pkcs11:object=liar","token":"main"},
    {"uri":"pkcs11:object=liar","token":"b"}]}'
problem 'a private key that belongs to another public key is refused' 409 conflict /replicas/1
like 'by its token' "$(field detail)" "*token 'b'*isn't that of the public key*"
api PUT /v1/keys/none '{"replicas":[{"uri":"pkcs11:object=rsa","token":"b"},{"uri":"pkcs11:object=rsa","token":"b"}]}'
problem 'two replicas in one token are refused' 400 malformed /replicas/1
api PUT /v1/keys/none '{"replicas":[{"uri":"pkcs11:object=rsa"}]}'
problem 'a URI that fits in two tokens has to say which' 409 ambiguous-key /replicas/0/uri
api PUT /v1/keys/none '{"replicas":[{"uri":"pkcs11:object=rsa","token":"c"}]}'
problem 'a token that is not there is refused' 400 malformed /replicas/0/token
api PUT /v1/keys/none '{"replicas":[]}'
problem 'no replicas are refused' 400 malformed /replicas
api PUT /v1/keys/none '{"type":"ec:p256","replicas":[{"uri":"pkcs11:object=rsa"}]}'
problem 'creation and adoption at once are refused' 400 malformed /type
fails 'nor are URIs and tokens of different number taken' 2 '*2 URIs, but 1 token*' \
    hsm_agent key adopt none pkcs11:object=a pkcs11:object=b --token main
api GET /v1/keys/none
problem 'nothing came of what was refused' 404 no-such-key

# --- Use, and what is shown

asked() { # KEY: which tokens answer ten requests
    local i
    for i in {1..10}; do
        api POST "/v1/keys/$1/sign" "{\"algorithm\":\"${2:-RS256}\",\"data\":\"aGk\"}"
        [ "$status" = 200 ] && field token && echo || echo "$status $(field code)"
    done | sort | uniq -c | sed 's/^ *//' | paste -sd ' '
}
is 'the tokens take turns' "$(asked rsa)" '5 b 5 main'
printf hello >"$T/data"
hsm_agent key show p256 --public pem >"$T/pem"
for i in 1 2; do
    hsm_agent sign p256 --alg ES256 -i "$T/data" -o "$T/sig"
    succeeds "a signature is right ($i)" openssl dgst -sha256 -verify "$T/pem" -signature "$T/sig" "$T/data"
    openssl pkeyutl -encrypt -inkey "$T/box.pem" -pkeyopt rsa_padding_mode:oaep -in "$T/data" -out "$T/cipher"
    is "a plaintext is right ($i)" "$(hsm_agent decrypt box --alg RSA-OAEP -i "$T/cipher")" hello
    openssl pkey -in "$T/other.pem" -pubout -out "$T/peer"
    openssl pkeyutl -derive -inkey "$T/agree.pem" -peerkey "$T/peer" -out "$T/wanted"
    succeeds "a shared secret is right ($i)" eval "hsm_agent derive agree --peer '$T/peer' | cmp - '$T/wanted'"
done
like 'key show has a line for each' "$(hsm_agent key show rsa)" $'*replica      main ready\nreplica      b ready*'
like 'key list names both' "$(hsm_agent key list | grep '^rsa ')" '* main,b *'
like 'status has a table of them' "$(hsm_agent status)" $'*KEY *TOKEN *STATE*\np256 *main *ready*\nrsa *b *ready*'
api GET /v1/tokens
is 'a token counts its keys' "$(member tokens.0.keys) $(member tokens.1.keys)" \
    '{"ready": 4, "trouble": 0} {"ready": 4, "trouble": 0}'

# --- Killed and stopped under load

part 'the load ends well' "$python" "$flow/replicas.py" "$socket" "$T/a/log" rsa "${REPLICA_SECONDS:-3}" 32 main b

# --- A token taken away and brought back

state_of() { # TOKEN
    api GET /v1/keys/rsa
    [ "$(member replicas.0.token)" = "$1" ] && member replicas.0.state || member replicas.1.state
}
is_state() { # TOKEN STATE
    [ "$(state_of "$1")" = "$2" ]
}
mv "$T/a/b/tokens" "$T/a/b/away"
mkdir "$T/a/b/tokens"
kill -KILL "$(child_pid a b)"
is 'no request fails when a token goes' "$(asked rsa | grep -o '[0-9]* [0-9]* .*')" ''
succeeds 'its replica is down' await 20 is_state b token-down
api GET /v1/keys/rsa
is 'the key is ready all the same' "$(field state)" ready
like 'and the replica says why' "$(member replicas.1.state_detail)" "token 'b'*"
is 'the other does it all' "$(asked rsa)" '10 main'
api DELETE '/v1/keys/rsa?objects=destroy'
problem 'the key can not be destroyed meanwhile' 503 token-unavailable
rmdir "$T/a/b/tokens"
mv "$T/a/b/away" "$T/a/b/tokens"
succeeds 'back again it is used again' await 30 is_state b ready
is 'by turns' "$(asked rsa)" '5 b 5 main'

# --- A token that answers with errors

for error in CKR_DEVICE_ERROR CKR_FUNCTION_FAILED CKR_TOKEN_NOT_PRESENT; do
    faults a/b "C_Sign error $error"
    is "no request fails of $error" "$(asked rsa)" '10 main'
    faults a/b
    succeeds "and it is over with it" await 20 eval 'asked rsa | grep -q b'
done

# --- What a later start finds

like 'the file has both' "$(tr -d ' \n' <"$T/a/state/keys/rsa.json")" \
    '*"format":2*"replicas":\[{"token":"main","id":"11"},{"token":"b","id":"a111"}\]*'
hsm_agent key create single --type ec:p256 --token main >/dev/null
like 'that of a key in one token is as it always was' "$(tr -d ' \n' <"$T/a/state/keys/single.json")" \
    '*"format":1*"token":"main","id":"*'
ends_well a
tool b --delete-object --type privkey --id a111 >/dev/null
tool b --delete-object --type pubkey --id a111 >/dev/null
import b rsa a111 "$T/box.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/third.pem" 2>/dev/null
import b intruder a113 "$T/third.pem"
start_agent a || done_testing
api GET /v1/keys/single
is 'the key in one token is there' "$(field state)" ready
api GET /v1/keys/rsa
is 'a replica that became another key is not it' "$(field state) $(member replicas.0.state) $(member replicas.1.state)" \
    'ready ready missing'
like 'and says so' "$(member replicas.1.state_detail)" '*another key*'
like 'the log names it' "$(grep key-unusable "$T/a/log" | grep key=rsa)" '*token=b*another key*'
is 'it is never asked' "$(asked rsa)" '10 main'
api GET /v1/keys/p256
is 'an ambiguous one neither' "$(field state) $(member replicas.1.state) $(asked p256 ES256)" 'ready ambiguous 10 main'
api DELETE '/v1/keys/p256?objects=destroy'
problem 'nor is it destroyed' 409 ambiguous-key

# --- Deletion

is 'a pair is forgotten' "$(hsm_agent key delete agree --confirm agree)" 'deleted agree, its objects in the token are kept'
is 'its objects stay' "$(tool main --list-objects --type privkey | grep -c 'label: *agree$')\
$(tool b --list-objects --type privkey | grep -c 'label: *agree$')" 11
like 'a pair is destroyed' "$(hsm_agent key delete box --confirm box --destroy-objects)" '*destroyed*'
is 'in both tokens' "$(tool main --list-objects | grep -c 'label: *box$') $(tool b --list-objects | grep -c 'label: *box$')" \
    '0 0'
api GET /v1/keys/box
problem 'and gone' 404 no-such-key
ends_well a
done_testing
