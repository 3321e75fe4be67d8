#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A key that one person asks for and two others approve, and the transcript that the audit key signs.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || skip_all 'several users: that takes root and setpriv'
asker=4711 one=4712 two=4713 stranger=4714

make_agent a "end:[listen people]" "end:socket = $T/a/people.sock" 'end:mode = 0666' 'end:admin = yes' \
    "end:[listen plain]" "end:socket = $T/a/plain.sock" 'end:mode = 0666' \
    'end:[client asker]' "end:user = $asker" 'end:allow = bank-*:ceremony,show,csr' \
    'end:[client approvers]' "end:user = $one" "end:user = $two" 'end:allow = bank-*:approve' \
    'end:[client other]' "end:user = $stranger" 'end:allow = other:show'
fault_on a
faults a
chmod 0711 "$T" "$T/a"
install -m 0755 -d "$T/bin"
install -m 0755 "$bin/hsm-agent" "$T/bin/hsm-agent"

as() { # UID ARG...
    local uid=$1
    shift
    (cd / && exec setpriv --reuid "$uid" --regid "$uid" --clear-groups \
        env HSM_AGENT_SOCKET="$T/a/people.sock" "$T/bin/hsm-agent" "$@")
}
ask() { # KEY ARG...: the id of a new ceremony
    local key=$1
    shift
    as $asker --json key create "$key" --type ec:p256 --ceremony "$@" >"$T/body" && member id
}
phase() { # ID
    as $one --json ceremony show "$1" >"$T/body" && member phase
}
key_id() { # NAME
    api GET "/v1/keys/$1"
    member id
}
transcript() { # ID: its payload in $T/body
    as $one --json ceremony show "$1" >"$T/body" && member payload | unb64u >"$T/transcript" && mv "$T/transcript" "$T/body"
}

start_agent a || done_testing
fails 'without an audit key there are no ceremonies' 1 '*no key that could sign*audit-key*' \
    as $asker key create bank-0 --type ec:p256 --ceremony
stop_agent a
sed -i '/^\[agent\]/a audit-key = audit' "$T/a/agent.conf"
start_agent a || done_testing
fails 'nor with one that is not there' 1 "*no key 'audit'*key create audit*" as $asker key create bank-0 --type ec:p256 --ceremony
fails 'which a ceremony can not make' 1 "*audit key can't be made by a ceremony*" hsm_agent key create audit --type ec:p256 --ceremony
hsm_agent key create audit --type ec:p256 >/dev/null || not_ok 'the audit key is made'
hsm_agent key show audit --public pem -o "$T/audit.pem"
hsm_agent key create wrong --type ec:p256 >/dev/null
hsm_agent key show wrong --public pem -o "$T/wrong.pem"
chmod 0644 "$T"/*.pem

# --- Asked for

fails 'what no key can be is refused at once' 1 "*can't have all of these purposes*" \
    as $asker key create bank-1 --type ec:p256 --purpose decrypt --ceremony
fails 'a token that is not there' 1 "*no token 'nothere'*" as $asker key create bank-1 --type ec:p256 --token nothere --ceremony
fails 'a profile that is not there' 1 "*nothere*" as $asker key create bank-1 --type ec:p256 --profile nothere --ceremony
fails 'a name that is taken' 1 "*already*" hsm_agent key create wrong --type ec:p256 --ceremony
api POST /v1/keys/bank-1/ceremony '{"uri":"pkcs11:object=x"}'
problem 'a ceremony adopts nothing' 400 malformed /type
fails 'a key that the policy does not grant' 1 '*' as $asker key create other --type ec:p256 --ceremony
fails 'the right to ask is none to create' 1 '*grants create*' as $asker key create bank-1 --type ec:p256
status=$(curl -s -o "$T/body" -w '%{http_code}' --unix-socket "$T/a/plain.sock" http://localhost/v1/ceremonies)
is 'ceremonies are for administrators sockets' "$status $(member code)" '403 not-admin'

printf '{"subject":[{"C":"AE"},{"CN":"bank-1"}]}' >"$T/csr.json"
chmod 0644 "$T/csr.json"
id=$(ask bank-1 --purpose tls-server --environment prod --csr-request "$T/csr.json")
like 'a key is asked for' "$id" '20[0-9][0-9]*-*'
is 'it waits for two' "$(member phase) $(member approvals_missing) $(member requester.uid)" "pending 2 $asker"
is 'its file is private' "$(stat -c %a "$T/a/state/ceremonies/$id.json" "$T/a/state/ceremonies")" $'600\n700'
like 'approvers see it' "$(as $one ceremony list)" "ID*KEY*$id*bank-1*pending*2*$asker*"
unlike 'others do not' "$(as $stranger ceremony list)" "*$id*"
fails 'nor may they look' 1 "*no ceremony '$id', or none that you may know of*ceremony list*" as $stranger ceremony show "$id"
fails 'the name is kept' 1 "*to be made by the ceremony $id*" hsm_agent key create bank-1 --type ec:p256
fails 'also from another ceremony' 1 "*to be made by the ceremony $id*" as $asker key create bank-1 --type ec:p256 --ceremony
fails 'the key is not there' 1 '*no key*' hsm_agent key show bank-1

# --- Approved

fails 'who asked can not approve' 1 "*no rule*approve*" as $asker ceremony approve "$id" --yes
sed -i 's/^allow = bank-\*:ceremony,show,csr/&,approve/' "$T/a/agent.conf"
stop_agent a
start_agent a || done_testing
fails 'not even with the right to' 1 "*who asks for a ceremony*can't approve it*" as $asker ceremony approve "$id" --yes
fails 'without --yes nothing is approved' 2 '*nothing was approved*' as $one ceremony approve "$id"
like 'but shown' "$(<"$T/out")" "*bank-1*request*type ec:p256*request*environment prod*requester*uid $asker*missing*2*"
fails 'one that is not there' 1 '*no ceremony*, or none that you may know of*ceremony list*' as $one ceremony approve 20000101-000000000000 --yes
api POST "/v1/ceremonies/$id/approve" "{\"request_sha256\":\"$(printf 0%.0s {1..64})\"}"
problem 'who saw something else approves nothing' 409 conflict /request_sha256
cp "$T/a/agent.conf" "$T/a/always.conf"
sed -i "s/^allow = bank-\*:approve/&\nhours = $(date -u -d '+36 hours' +%a) 00:00-24:00/" "$T/a/agent.conf"
stop_agent a
start_agent a || done_testing
fails 'nobody approves at other hours than theirs' 1 '*grants approve*at other hours*' as $one ceremony approve "$id" --yes
cp "$T/a/always.conf" "$T/a/agent.conf"
stop_agent a
start_agent a || done_testing
succeeds 'the first approves' as $one ceremony approve "$id" --yes
like 'it lacks one' "$(as $two ceremony show "$id")" "*pending*approval*uid $one*missing*1*"
fails 'nobody approves twice' 1 "*have approved it already*another person*approve $id*" as $one ceremony approve "$id" --yes
fails 'it does not run with one' 1 "*lacks 1 of 2*another person*" as $one ceremony run "$id"
kill_agent a
start_agent a || done_testing
like 'a killed agent knows of the approval' "$(as $two ceremony show "$id")" "*pending*approval*uid $one*"
fails 'there is no transcript yet' 1 '*no transcript*' as $two ceremony show "$id" --verify "$T/audit.pem"
as $two ceremony approve "$id" --yes >"$T/out"
is 'the second approves' $? 0
like 'and it is done' "$(<"$T/out")" "*phase*done*approval*uid $one*approval*uid $two*"
like 'each approval is in the audit log, the last one too' \
    "$(hsm_agent audit show --operation approve --event use)" "*uid=$one*client=approvers*key=bank-1*object=$id*uid=$two*client=approvers*key=bank-1*object=$id*"
succeeds 'the key is there' hsm_agent key show bank-1
fails 'done is done' 1 "*has its approvals*ceremony show $id*" hsm_agent ceremony approve "$id" --yes
fails 'and stays' 1 '*transcript stays*' hsm_agent ceremony cancel "$id"

# --- The transcript

as $two ceremony show "$id" --verify "$T/audit.pem" >"$T/out"
is 'the transcript is the audit key s' $? 0
like 'which is said' "$(<"$T/out")" '*verified*signed by the key*'
hsm_agent key show audit --public jwk >"$T/audit.jwk"
succeeds 'also with a JWK' hsm_agent ceremony show "$id" --verify "$T/audit.jwk"
fails 'and nobody else s' 1 "*isn't signed by the key*" as $two ceremony show "$id" --verify "$T/wrong.pem"
printf '{"keys":[%s]}' "$(<"$T/audit.jwk")" >"$T/audit.jwks"
succeeds 'as a JWS it verifies too' sh -c "'$T/bin/hsm-agent' ceremony show '$id' -o - |
    '$T/bin/hsm-agent' verify jws --jwks '$T/audit.jwks'"
"$python" - "$T/a/state/ceremonies/$id.json" "$T" <<'END'
import base64, json, sys
def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def integer(data):
    data = data.lstrip(b"\0")
    data = b"\0" + data if data[0] & 0x80 else data
    return b"\x02" + bytes([len(data)]) + data
with open(sys.argv[1]) as file:
    jws = json.load(file)
raw = decoded(jws["signature"])
body = integer(raw[:32]) + integer(raw[32:])
open(sys.argv[2] + "/signature", "wb").write(b"\x30" + bytes([len(body)]) + body)
open(sys.argv[2] + "/signed", "w").write(jws["protected"] + "." + jws["payload"])
END
like 'the file itself is a JWS that OpenSSL verifies' \
    "$(openssl dgst -sha256 -verify "$T/audit.pem" -signature "$T/signature" "$T/signed")" 'Verified OK'
transcript "$id"
is 'it names ceremony and request' "$(member ceremony) $(member request.type) $(member request.environment)" "$id ec:p256 prod"
is 'who asked and approved' "$(member requester.uid) $(member approvals.0.uid) $(member approvals.1.uid)" "$asker $one $two"
is 'the attributes that the token shows' \
    "$(member key.replicas.0.attributes.CKA_SENSITIVE) $(member key.replicas.0.attributes.CKA_EXTRACTABLE) $(
        member key.replicas.0.attributes.CKA_NEVER_EXTRACTABLE) $(member key.replicas.0.attributes.CKA_SIGN) $(
        member key.replicas.0.attributes.CKA_DECRYPT)" 'true false true true false'
is 'token and module' "$(member key.replicas.0.token) $(member key.replicas.0.serial) $(member key.replicas.0.module.sha256)" \
    "main $(<"$T/a/main/serial") $(sha256sum "$fault_module" | cut -d' ' -f1)"
is 'the configuration' "$(member agent.policy_sha256)" "$("$bin/hsm-agentd" -c "$T/a/agent.conf" --dump | sha256sum | cut -d' ' -f1)"
member key.public_key >"$T/key.pem"
is 'the public key' "$(openssl pkey -pubin -in "$T/key.pem" -outform DER | sha256sum)" \
    "$(hsm_agent key show bank-1 --public der -o - | sha256sum)"
member csr >"$T/key.csr"
is 'the certificate request is by it' "$(openssl req -in "$T/key.csr" -noout -verify -pubkey 2>/dev/null)" "$(<"$T/key.pem")"

# --- What goes wrong

id=$(ask bank-2)
as $one ceremony approve "$id" --yes >/dev/null
faults a 'C_GenerateKeyPair error CKR_FUNCTION_FAILED'
fails 'a token that can not make the key' 1 "*approved, but not done yet*CKR_FUNCTION_FAILED*ceremony run $id*" as $two ceremony approve "$id" --yes
is 'leaves an approved ceremony' "$(phase "$id")" making
fails 'and no name' 1 "*to be made by the ceremony*" hsm_agent key create bank-2 --type ec:p256
faults a
succeeds 'that goes on when it can' as $one ceremony run "$id"
is 'to its end' "$(phase "$id")" done
succeeds 'where running it is no harm' as $one ceremony run "$id"

id=$(ask bank-3)
as $one ceremony approve "$id" --yes >/dev/null
faults a 'C_Sign error CKR_FUNCTION_FAILED'
fails 'an audit key that can not sign' 1 "*transcript isn't signed*" as $two ceremony approve "$id" --yes
made=$(key_id bank-3)
fails 'leaves a ceremony that has made its key' 1 "*has made the key 'bank-3'*" as $one ceremony cancel "$id"
kill_agent a
faults a
start_agent a || done_testing
succeeds 'one person rotates the key meanwhile' hsm_agent key rotate bank-3 --activate-after 0
succeeds 'and goes on after a kill' as $two ceremony run "$id"
is 'with the same key' "$(key_id 'bank-3?version=1')" "$made"
transcript "$id"
is 'of which the transcript tells' "$(member key.version) $(member key.replicas.0.id)" "1 $made"
succeeds 'and a transcript' as $two ceremony show "$id" --verify "$T/audit.pem"

id=$(ask bank-4)
as $one ceremony approve "$id" --yes >/dev/null
faults a 'C_GenerateKeyPair hold'
as $two ceremony approve "$id" --yes >/dev/null 2>&1 &
await 20 sh -c "[ \"\$('$bin/tests/fault/faultctl' fired '$T/a/faults' C_GenerateKeyPair)\" -gt 0 ]" || not_ok 'the key is being made'
kill_agent a
wait $!
faults a
start_agent a || done_testing
is 'a kill while the key is made' "$(phase "$id")" making
succeeds 'is gone on from' as $two ceremony run "$id"
succeeds 'to a key' hsm_agent sign bank-4 -i "$T/audit.pem" -o "$T/signature"
succeeds 'and a transcript of it' as $two ceremony show "$id" --verify "$T/audit.pem"

printf '{"subject":[{"C":"Emirates"}]}' >"$T/csr.json"
id=$(ask bank-5 --csr-request "$T/csr.json")
as $one ceremony approve "$id" --yes >/dev/null
succeeds 'a certificate request that can not be' as $two ceremony approve "$id" --yes
transcript "$id"
like 'is told in the transcript' "$(member csr_refused)" '?*'
"$python" -c 'print("{\"type\":\"ec:p256\",\"csr\":{\"x\":[" + ",".join("1" * 30000) + "]}}")' >"$T/long.json"
api POST /v1/keys/bank-6/ceremony "$(<"$T/long.json")"
problem 'one that nobody could read through is too large' 413 too-large
printf '[1]' >"$T/csr.json"
fails 'one that is no request at all is refused' 1 '*"csr" is an object*' \
    as $asker key create bank-6 --type ec:p256 --ceremony --csr-request "$T/csr.json"
fails 'and one without a ceremony' 2 '*--csr-request is for --ceremony*' \
    hsm_agent key create bank-6 --type ec:p256 --csr-request "$T/csr.json"

# --- Called off

id=$(ask bank-7)
as $one ceremony cancel "$id" >"$T/out"
is 'a ceremony is called off' "$? $(<"$T/out")" "0 cancelled $id"
fails 'and gone' 1 '*no ceremony*' as $one ceremony show "$id"
succeeds 'its name is free' hsm_agent key create bank-7 --type ec:p256
id=$(ask bank-8)
as $one ceremony approve "$id" --yes >/dev/null
echo '{"format":1' >"$T/a/state/ceremonies/20260101-damaged.json"
like 'a damaged file hides no other' "$(as $one ceremony list)" "*$id*"
fails 'and is named' 1 '*20260101-damaged.json*' hsm_agent ceremony show 20260101-damaged
rm "$T/a/state/ceremonies/20260101-damaged.json"
stop_agent a
sed -i '/^audit-key/a ceremony-self-approval = yes' "$T/a/agent.conf"
start_agent a || done_testing
succeeds 'where the site permits it, who asked may be the second' as $asker ceremony approve "$id" --yes
is 'and it is done' "$(phase "$id")" done
is 'the log has each step' "$(grep -c " ceremony-requested \| ceremony-approved \| ceremony-done \| ceremony-cancelled " "$T/a/log")" \
    "$(grep -c " ceremony-" "$T/a/log" | { read -r n; echo $((n - $(grep -c ' ceremony-cut-off ' "$T/a/log"))); })"
ends_well a
done_testing
