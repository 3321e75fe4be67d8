#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The daemon under valgrind: every endpoint, every kind of refusal, a token process that dies; no error and no leak.
# `make check-valgrind` runs it; the memory of the token's process is its own matter, and it isn't traced.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v valgrind >/dev/null || skip_all "valgrind isn't installed"
[ $sanitized = no ] || skip_all "what a sanitizer is built into doesn't run under valgrind"

make_agent a 'agent:sandbox = no' 'agent:connections = 64' 'agent:rsa1_5-decrypt = yes' 'token:software-oaep = yes' \
    'token:deadline-ms = 30000'
printf '[listen plain]\nsocket = %s\nmode = 0600\n' "$T/a/plain.sock" >>"$T/a/agent.conf"

# A configuration full of mistakes, and one without.
# shellcheck disable=SC2054
memcheck=(valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible
    --errors-for-leak-kinds=definite,indirect --error-exitcode=99 --child-silent-after-fork=yes)
for file in "${srcdir:-.}"/tests/config/*.conf; do
    sed 's/^\(user\|group\) = .*/\1 = 0/' "$file" >"$T/mistakes.conf"
    "${memcheck[@]}" "--log-file=$T/memcheck" "$bin/hsm-agentd" --check -c "$T/mistakes.conf" >/dev/null 2>&1
    like "--check of ${file##*/}" "$? $(<"$T/memcheck")" '[01] '
done
"${memcheck[@]}" "--log-file=$T/memcheck" "$bin/hsm-agentd" --dump -c "$T/a/agent.conf" >"$T/dump"
is '--dump' "$?" 0

wrapper=("${memcheck[@]}" "--log-file=$T/memcheck")
unset 'wrapper[1]'    # with the summary
daemon_args=(--debug)
start_agent a || done_testing
like 'it found hsm-agent-token though /proc/self/exe is valgrind' "$(child_pid a)" '[1-9]*'

# --- Everything that works

succeeds 'RSA' hsm_agent key create rsa --type rsa:2048 --purpose sign,decrypt
succeeds 'P-256' hsm_agent key create p256 --type ec:p256
succeeds 'P-521' hsm_agent key create p521 --type ec:p521
succeeds 'Ed25519' hsm_agent key create ed --type ed25519
succeeds 'ECDH' hsm_agent key create dh --type ec:p256 --purpose derive
pkcs11_tool a --keypairgen --key-type EC:prime256v1 --label theirs --id a1 >/dev/null 2>&1
succeeds 'adoption' hsm_agent key adopt adopted 'pkcs11:object=theirs'
for path in version whoami health/alive health/ready tokens keys keys/rsa keys/p256 keys/ed; do
    api GET "/v1/$path"
    is "GET $path" "$status" 200
done
for pair in rsa:RS256 rsa:RS384 rsa:RS512 rsa:PS256 rsa:PS384 rsa:PS512 p256:ES256 p521:ES512 ed:Ed25519 adopted:ES256; do
    api POST "/v1/keys/${pair%:*}/sign" "{\"algorithm\":\"${pair#*:}\",\"data\":\"aGVsbG8\"}"
    is "sign with ${pair#*:}" "$status" 200
    api POST "/v1/keys/${pair%:*}/csr" '{"subject":[{"C":"AE"},{"O":"Acme"},{"CN":"x"}],
        "san":{"dns":["a.example"],"ip":["::1"],"uri":["urn:x"],"email":["a@b.example"]},
        "key_usage":["digitalSignature"],"extended_key_usage":["serverAuth"],"algorithm":"'"${pair#*:}"'"}'
    is "CSR with ${pair#*:}" "$status" 200
done
items=$(for ((i = 0; i < 255; i++)); do printf '{"algorithm":"ES256","data":"aGk","format":"raw"},'; done)
api POST /v1/keys/p256/sign "{\"items\":[$items{\"algorithm\":\"RS256\",\"data\":\"aGk\"}]}"
is 'a batch, the last item of which fails' "$status $(grep -o '"signature"' "$T/body" | wc -l)" '200 255'

hsm_agent key show rsa --public pem >"$T/rsa.pem"
for alg in RSA-OAEP:oaep:sha1 RSA-OAEP-256:oaep:sha256 RSA1_5:pkcs1:; do
    IFS=: read -r name padding hash <<<"$alg"
    options=(-pkeyopt "rsa_padding_mode:$padding")
    [ -z "$hash" ] || options+=(-pkeyopt "rsa_oaep_md:$hash")
    echo secret | openssl pkeyutl -encrypt -pubin -inkey "$T/rsa.pem" "${options[@]}" >"$T/ct"
    is "decrypt with $name" "$(hsm_agent decrypt rsa --alg "$name" -i "$T/ct")" secret
done
openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout -out "$T/peer.pem" 2>/dev/null
api POST /v1/keys/dh/derive "{\"algorithm\":\"ECDH\",\"peer\":$(quoted "$T/peer.pem")}"
is 'derive with a PEM' "$status" 200
api POST /v1/keys/dh/derive "{\"algorithm\":\"ECDH\",\"peer\":$("$python" "$flow/jwk.py" "$T/peer.pem")}"
is 'derive with a JWK' "$status" 200

# --- What fails

api POST /v1/keys/rsa/decrypt "{\"algorithm\":\"RSA-OAEP-256\",\"ciphertext\":\"$(head -c 256 /dev/zero | b64u)\"}"
is 'a decryption that fails' "$status $(field code)" '422 decryption-failed'
api POST /v1/keys/p256/decrypt '{"algorithm":"RSA-OAEP","ciphertext":"aGk"}'
is 'a key that can not' "$status $(field code)" '422 key-cannot'
api POST /v1/keys/dh/derive '{"algorithm":"ECDH","peer":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}'
is 'a peer that is no point' "$status" 400
api PUT /v1/keys/rsa '{"type":"ec:p256"}'
is 'a name that is taken' "$status" 409
api PUT /v1/keys/none '{"uri":"pkcs11:object=nobody"}'
is 'an object that is not there' "$status" 404
api POST /v1/keys/p256/csr '{"subject":[{"C":"too long"}]}'
is 'a subject that is none' "$status" 400
socket=$T/a/plain.sock api PUT /v1/keys/new '{"type":"ec:p256"}'
is 'a socket that is not for administrators' "$status $(field code)" '403 not-admin'
part 'the table of malformed requests' "$python" "$flow/bad_input.py" "$socket" "$T/a/plain.sock" "${agent_pid[a]}" 0

# --- A token process that dies, with requests under way and without

first=$(child_pid a)
kill -KILL "$first"
api POST /v1/keys/rsa/sign '{"algorithm":"RS256","data":"aGk"}'
is 'a request after the death of the token process' "$status" 200
second=$(child_pid a)
unlike 'is answered by another one' "$second" "$first"
freeze "$second"
(api POST /v1/keys/rsa/sign "{\"items\":[$items{\"algorithm\":\"RS256\",\"data\":\"aGk\"}]}"; echo "$status" >"$T/late") &
late=$!
kill -KILL "$second"
wait $late
is 'so is a batch that met its end' "$(<"$T/late")" 200

succeeds 'deletion' hsm_agent key delete p521 --confirm p521
succeeds 'deletion of what was adopted' hsm_agent key delete adopted --confirm adopted --destroy-objects

stop_agent a
is 'the daemon ends without an error or a leak' $? 0
is 'and valgrind found none' "$(sed -n 's/.*ERROR SUMMARY: \([0-9]*\) errors.*/\1/p' "$T/memcheck")" 0
diag "$(sed 's/^==[0-9]*== *//' "$T/memcheck" | sed -n '/HEAP SUMMARY/,$p')"

# --- A start that fails half-way, and one whose token doesn't come up

sed "s|^socket = .*plain.sock|socket = $T/none/plain.sock|" "$T/a/agent.conf" >"$T/bad.conf"
"${memcheck[@]}" "--log-file=$T/memcheck" "$bin/hsm-agentd" -c "$T/bad.conf" 2>/dev/null
is 'a socket that can not be made' $? 1
mkdir "$T/b"
sed "s|pkcs11:token=main|pkcs11:token=other|; s|$T/a/|$T/b/|; s|$T/a/state|$T/b/state|" "$T/a/agent.conf" >"$T/b/agent.conf"
start_agent b
api POST /v1/keys/rsa/sign '{"algorithm":"RS256","data":"aGk"}'
is 'without its token there are no keys' "$status" 404
stop_agent b
is 'and that agent ends as well' $? 0
done_testing
