#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Profiles: values of the site, what a rule with profile= grants and what not, reloading, mistakes, the clock.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

site=$T/site
make_agent a "agent:profiles = $site"
conf=$T/a/agent.conf
log=$T/a/log
sed -i 's/^allow = .*/allow = *:show,create,delete\nallow = s:jwt PS256 profile=uae-tpp\/client-*/' "$conf"
start_agent a
api PUT /v1/keys/s '{"type":"rsa:2048"}'
is 'a key is made' "$status" 201

outcomes() {
    grep -Ec ' (reloaded|reload-refused) ' "$log"
}

is_reloaded() { # BEFORE
    [ "$(outcomes)" -gt "$1" ]
}

reload() {
    local before
    before=$(outcomes)
    kill -HUP "${agent_pid[a]}"
    await 30 is_reloaded "$before" && grep -E ' (reloaded|reload-refused) ' "$log" | tail -n 1 >"$T/outcome"
}

asks() { # NAME STATUS PATH BODY
    api POST "/v1/keys/s/$3" "$4"
    is "$1" "$status" "$2"
}

# --- Before the site has given its values

is 'profiles are listed with what they miss' "$("$bin/hsm-agent" profiles | awk '/^uae-tpp.client-assertion/ {print $2, $3, $4}')" \
    'jwt client-id, issuer'
asks 'a message without its values is refused' 422 jwt '{"profile":"uae-tpp/client-assertion","claims":{}}'
like 'the refusal names the values and the file' "$(<"$T/body")" "*client-id, issuer*$site/uae-tpp.conf*"

# --- With them

mkdir -p "$site"
cat >"$site/uae-tpp.conf" <<'CONF'
[values]
client-id = 1675b37d
issuer = https://auth.example
signing-kid = k1
[message client-assertion]
lifetime-s = 60
CONF
is '--check finds no mistake' "$("$bin/hsm-agentd" --check -c "$conf" 2>&1)" "$conf: no mistakes"
reload
like 'SIGHUP brings profiles into force' "$(<"$T/outcome")" '* reloaded *'

payload() {
    "$python" - "$T/body" <<'PY'
import base64, json, sys
parts = json.load(open(sys.argv[1]))["jwt"].split(".")
header, claims = (json.loads(base64.urlsafe_b64decode(p + "==")) for p in parts[:2])
print(header["alg"], header["kid"], claims["iss"], claims["sub"], claims["aud"], claims["exp"] - claims["iat"])
PY
}

asks 'the message of the rule is made' 200 jwt '{"profile":"uae-tpp/client-assertion","claims":{}}'
is 'it has what the profile pins' "$(payload)" 'PS256 k1 1675b37d 1675b37d https://auth.example 60'
asks 'another issuer is refused' 403 jwt '{"profile":"uae-tpp/client-assertion","claims":{"iss":"me"}}'
asks 'another audience is refused' 403 jwt '{"profile":"uae-tpp/client-assertion","claims":{"aud":"https://x"}}'
asks 'a longer life is refused' 403 jwt '{"profile":"uae-tpp/client-assertion","claims":{},"lifetime":301}'
asks 'another algorithm is refused' 403 jwt '{"profile":"uae-tpp/client-assertion","algorithm":"RS256","claims":{}}'
asks 'another message of the profile is refused' 403 jwt '{"profile":"uae-tpp/payment","claims":{}}'
like 'the refusal says what would have to be granted' "$(<"$T/body")" '*allow = s:jwt profile=uae-tpp/payment*'
asks 'the plain JWT is refused' 403 jwt '{"claims":{}}'
asks 'a JWS is refused' 403 jws '{"payload_text":"x"}'
asks 'plain signing is refused' 403 sign '{"algorithm":"PS256","data":"eA"}'
asks 'a message that is none is refused' 400 jwt '{"profile":"uae-tpp/client-assertio","claims":{}}'
like 'the nearest is named' "$(<"$T/body")" "*did you mean 'uae-tpp/client-assertion'*"

# --- Mistakes

echo 'lifetme-s = 60' >>"$site/uae-tpp.conf"
"$bin/hsm-agentd" --check -c "$conf" >"$T/check" 2>&1
is '--check fails on a mistake in a profile' $? 1
like '--check has its file, line and remedy' "$(<"$T/check")" \
    "$site/uae-tpp.conf:7: the scheme jwt has no option 'lifetme-s'*Did you mean 'lifetime-s'*"
reload
like 'a profile with a mistake is refused' "$(<"$T/outcome")" '* reload-refused *'
like 'the log has its file' "$(grep config-mistake "$log" | tail -n 1)" "*$site/uae-tpp.conf*"
asks 'what was in force goes on' 200 jwt '{"profile":"uae-tpp/client-assertion","claims":{}}'
sed -i '$d' "$site/uae-tpp.conf"
chmod 666 "$site/uae-tpp.conf"
reload
like 'a profile that others can write is refused' "$(<"$T/outcome")" '* reload-refused *'
chmod 644 "$site/uae-tpp.conf"

# --- The clock

sed -i 's/^\[agent\]/&\nsynchronised-clock = s/' "$conf"
reload
synchronised=$("$python" -c '
import ctypes
clock = (ctypes.c_long * 64)()
state = ctypes.CDLL(None).adjtimex(clock)
print(503 if state == 5 or ctypes.cast(clock, ctypes.POINTER(ctypes.c_int))[10] & 0x40 else 200)')
message='"profile":"rfc9421/request","method":"GET","url":"https://x.example/","headers":{}'
sed -i 's/^allow = s:jwt.*/&\nallow = s:http-signature/' "$conf"
reload
asks 'an HTTP message too' "$synchronised" http-signature "{$message}"
api POST /v1/keys/s/http-signature "{\"items\":[{$message}]}"
is 'also in a batch' "$(member results.0.status || echo 200)" "$synchronised"
asks "a key that needs the clock goes by the kernel's word" "$synchronised" jwt '{"profile":"uae-tpp/client-assertion","claims":{}}'
sed -i 's/^allow = s:jwt.*/&\nallow = s:http-signature profile=rfc9421\/*/' "$conf"
reload
api POST /v1/keys/s/http-signature '{"items":[{"profile":"rfc9421/request","method":"GET","url":"https://h/"}]}'
is 'so does each message of a batch' "$status $(member results.0.status)" "200 $([ "$synchronised" = 200 ] || echo 503)"

done_testing
