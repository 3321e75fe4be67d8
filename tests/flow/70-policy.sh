#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may do what with which key: what no rule grants is denied, and what one may not know of isn't there.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a 'token:software-oaep = yes'
start_agent a || done_testing
for key in sig-1:ec:p256 sig-2:ec:p256 rsa:rsa:2048 dig:ec:p256 req:ec:p256 hidden:ec:p256 shown:ec:p256; do
    hsm_agent key create "${key%%:*}" --type "${key#*:}" >/dev/null || not_ok "${key%%:*} is made"
done
hsm_agent key create dec --type rsa:2048 --purpose decrypt >/dev/null
hsm_agent key create dh1 --type ec:p256 --purpose derive >/dev/null
hsm_agent key show dec --public pem >"$T/dec.pem"
hsm_agent key show dh1 --public pem >"$T/dh1.pem"
ends_well a

rules() { # LINE...: a normal and an admin socket, and these lines as the policy
    {
        sed -n '/^\[agent\]/,/^\[listen/p' "$T/a/agent.conf" | sed '$d'
        printf '[listen agent]\nsocket = %s\nmode = 0666\n' "$T/a/agent.sock"
        printf '[listen admin]\nsocket = %s\nmode = 0666\nadmin = yes\n' "$T/a/admin.sock"
        token_section "$T/a/main" main
        echo 'software-oaep = yes'
        printf '%s\n' "$@"
    } >"$T/a/policy.conf"
    mv "$T/a/policy.conf" "$T/a/agent.conf"
    start_agent a || done_testing
}
admin() {
    local kept=$socket
    socket=$T/a/admin.sock
    api "$@"
    socket=$kept
}
me=$(id -u)
ES256='{"algorithm":"ES256","data":"aGk"}'
DIGEST='{"algorithm":"ES256","digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'

# --- Nobody is mentioned

rules '[client other]' "user = $((me + 4711))" 'allow = *:*'
api GET /v1/keys
is 'who is not mentioned sees no key' "$status $body" '200 {"keys":[]}'
api GET /v1/keys/sig-1
problem 'nor one by name' 404 no-such-key
api POST /v1/keys/sig-1/sign "$ES256"
problem 'and signs with none' 404 no-such-key
admin PUT /v1/keys/new '{"type":"ec:p256"}'
problem 'not even on the socket of administrators are keys made' 404 no-such-key
like 'what would have to be granted is said' "$body" '*allow = *:create*'
api GET /v1/whoami
is 'whoami says that no section applies' "$(member clients)" '[]'
like 'so does the command line' "$(hsm_agent whoami)" '*none*'
like 'the log has the refusal' "$(<"$T/a/log")" "*refused key=sig-1 operation=sign algorithm=ES256 uid=$me*"
ends_well a

# --- Rules

rules '[client one]' "user = $me" 'allow = sig-*:sign ES256' 'allow = rsa:show,sign PS256,RS256' \
    'allow = dig:sign-digest' 'allow = req:csr' 'allow = shown:show' \
    '[client two]' "user = $me" 'allow = dec:decrypt RSA-OAEP' 'allow = dh?:derive' 'allow = rsa:csr RS384' \
    '[client three]' "user = $me" "group = $(($(id -g) + 4711))" 'allow = hidden:*'

api GET /v1/keys
is 'those that a rule mentions are listed' "$("$python" -c 'import json, sys
print(*(k["name"] for k in json.load(open(sys.argv[1]))["keys"]))' "$T/body")" 'dec dh1 dig req rsa shown sig-1 sig-2'
api GET /v1/whoami
is 'whoami names the sections' "$(member clients)" '["one", "two"]'

api GET /v1/keys/hidden
problem 'a key that no rule mentions' 404 no-such-key
mentioned=$(sed 's/hidden/NAME/g; s/"request_id":"[^"]*"//' <<<"$body")
api GET /v1/keys/nothere
is 'has the answer of one that is not there' "$(sed 's/nothere/NAME/g; s/"request_id":"[^"]*"//' <<<"$body")" "$mentioned"
api POST /v1/keys/hidden/sign "$ES256"
mentioned=$(sed 's/hidden/NAME/g; s/"request_id":"[^"]*"//' <<<"$status $body")
api POST /v1/keys/nothere/sign "$ES256"
is 'for signatures, too' "$(sed 's/nothere/NAME/g; s/"request_id":"[^"]*"//' <<<"$status $body")" "$mentioned"
api POST /v1/keys/hidden/sign "{\"items\":[$ES256]}"
mentioned=$(sed 's/hidden/NAME/g; s/"request_id":"[^"]*"//' <<<"$status $body")
api POST /v1/keys/nothere/sign "{\"items\":[$ES256]}"
is 'and for batches' "$(sed 's/nothere/NAME/g; s/"request_id":"[^"]*"//' <<<"$status $body")" "$mentioned"

allowed() { # NAME KEY OPERATION BODY
    api POST "/v1/keys/$2/$3" "$4"
    is "allowed: $1" "$status" 200
}
forbidden() { # NAME KEY OPERATION BODY WORDS
    api POST "/v1/keys/$2/$3" "$4"
    problem "forbidden: $1" 403 forbidden
    like 'with what would have to be granted' "$(field detail) $(field hint)" "$5"
}
allowed 'sign by a pattern' sig-1 sign "$ES256"
allowed 'sign by a pattern, the other' sig-2 sign "$ES256"
forbidden 'a digest where only data are granted' sig-1 sign "$DIGEST" '*sign-digest*'
allowed 'a digest where that is granted' dig sign "$DIGEST"
forbidden 'data where only digests are granted' dig sign "$ES256" '*one*sign*dig:sign*'
allowed 'an algorithm that is named' rsa sign '{"algorithm":"PS256","data":"aGk"}'
forbidden 'an algorithm that is not' rsa sign '{"algorithm":"PS384","data":"aGk"}' '*PS384*'
forbidden 'an operation with a rule of another section for another algorithm' rsa csr \
    '{"subject":[],"algorithm":"RS256"}' '*csr*RS256*'
allowed 'the rule of the other section' rsa csr '{"subject":[],"algorithm":"RS384"}'
allowed 'a request' req csr '{"subject":[]}'
forbidden 'a signature with a key for requests' req sign "$ES256" '*sign*'
forbidden 'a request with a key for signatures' sig-1 csr '{"subject":[]}' '*csr*'
forbidden 'a signature with a key that is shown' shown sign "$ES256" '*sign*'
echo secret | openssl pkeyutl -encrypt -pubin -inkey "$T/dec.pem" -pkeyopt rsa_padding_mode:oaep >"$T/ct"
allowed 'decrypt' dec decrypt "{\"algorithm\":\"RSA-OAEP\",\"ciphertext\":\"$(b64u <"$T/ct")\"}"
forbidden 'decrypt with another algorithm' dec decrypt '{"algorithm":"RSA-OAEP-256","ciphertext":"aGk"}' '*RSA-OAEP-256*'
allowed 'derive by a pattern' dh1 derive "{\"algorithm\":\"ECDH\",\"peer\":$(quoted "$T/dh1.pem")}"
api POST /v1/keys/rsa/sign '{"items":[{"algorithm":"RS256","data":"aGk"},{"algorithm":"RS512","data":"aGk"}]}'
is 'in a batch the policy is asked for each item' \
    "$status $(member results.0.algorithm) $(member results.1.code) $(member results.1.status)" '200 RS256 forbidden 403'
api GET /v1/keys/rsa
is 'a key tells what one may do with it' "$(member operations)" '["show", "sign", "csr"]'
api GET /v1/keys/sig-1
is 'who may use a key may see it' "$status $(member operations)" '200 ["sign"]'
ends_well a

# --- Administrators

rules '[client ops]' "user = $me" 'allow = new-*:create,delete' 'allow = sig-1:show'
api PUT /v1/keys/new-1 '{"type":"ec:p256"}'
problem 'no key is made on a normal socket' 403 not-admin
api DELETE /v1/keys/new-1
problem 'nor deleted' 403 not-admin
admin PUT /v1/keys/new-1 '{"type":"ec:p256"}'
is 'on that of administrators one is, by the rule' "$status" 201
admin PUT /v1/keys/other '{"type":"ec:p256"}'
problem 'by another name it is not' 404 no-such-key
admin PUT /v1/keys/new-2 '{"uri":"pkcs11:object=sig-1"}'
problem 'to adopt is another right' 403 forbidden
admin POST /v1/keys/new-1/sign "$ES256"
problem 'who makes a key may not sign with it for that' 403 forbidden
admin DELETE /v1/keys/sig-1
problem 'nor delete another' 403 forbidden
admin DELETE /v1/keys/new-1
is 'but this one' "$status" 200
admin GET /v1/whoami
is 'the socket is known to whoami' "$(field admin) $(field listen)" 'true admin'
api GET /v1/whoami
is 'so is the other' "$(field admin) $(field listen)" 'false agent'
ends_well a

# --- Another user

if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
    skip 'rules for another user and group' 'needs root and setpriv'
    done_testing
fi
other=4711
rules '[client by-user]' "user = $other" 'allow = sig-1:sign' \
    '[client by-group]' "group = $((other + 1))" 'allow = sig-2:sign' \
    '[client by-both]' "user = $other" "group = $((other + 2))" 'allow = rsa:sign' \
    '[client root]' 'user = 0' 'allow = hidden:show'
chmod 0711 "$T" "$T/a"
as() { # UID GID GROUPS (comma list or none) COMMAND...
    local groups=--clear-groups
    [ "$3" = none ] || groups="--groups=$3"
    setpriv --reuid "$1" --regid "$2" "$groups" "${@:4}"
}
names_for() { # UID GID GROUPS
    as "$1" "$2" "$3" curl -s -m 60 --unix-socket "$socket" http://localhost/v1/keys |
        "$python" -c 'import json, sys; print(*(k["name"] for k in json.load(sys.stdin)["keys"]))'
}
is 'a user has the rules of a user' "$(names_for $other $other none)" sig-1
is 'a group those of a group' "$(names_for $((other + 9)) $((other + 1)) none)" sig-2
is 'as a supplementary group, too' "$(names_for $((other + 9)) $other $((other + 1)))" sig-2
is 'who is both has the rules of both' "$(names_for $other $((other + 2)) $((other + 1)))" 'rsa sig-1 sig-2'
is 'user and group in one section must both fit' "$(names_for $((other + 9)) $((other + 2)) none)" ''
is 'root has no more than its rules' "$(names_for 0 0 none)" hidden
as $other $other $((other + 1)) curl -s --unix-socket "$socket" http://localhost/v1/whoami >"$T/body"
is 'whoami tells who they are' "$(member uid) $(member gid) $(member groups) $(member clients)" \
    "$other $other [$((other + 1))] [\"by-user\", \"by-group\"]"
is 'identity is that of the connection, not of a later user' \
    "$("$python" -c '
import json, os, sys
sys.path.insert(0, sys.argv[2])
from agentlib import Agent
agent = Agent(sys.argv[1])
agent.connect()
os.setuid(4711)
print(*(k["name"] for k in agent.call("GET", "/v1/keys")[1]["keys"]))' "$socket" "$flow")" hidden
ends_well a
done_testing
