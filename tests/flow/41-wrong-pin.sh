#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A wrong PIN is tried once, whatever is asked of the token; the other tokens of the agent serve meanwhile.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

make_agent a
make_token "$T/a/second" second
token_section "$T/a/second" second >"$T/second.conf"
[ -z "$spy" ] || spy_on "$T/second.conf" "$T/a/spy.log"
cat "$T/second.conf" >>"$T/a/agent.conf"
: >"$T/a/spy.log"
start_agent a || done_testing
hsm_agent key create first-key --type ec:p256 --token main >/dev/null &&
    hsm_agent key create second-key --type ec:p256 --token second >/dev/null || not_ok 'the keys are made'
api PUT /v1/keys/third-key '{"type":"ec:p256"}'
problem 'with two tokens one must be named' 400 malformed /token
ends_well a

logins() {
    calls_of "$T/a/spy.log" C_Login
}
sign_with() { # KEY
    api POST "/v1/keys/$1/sign" '{"algorithm":"ES256","data":"aGk"}'
}

# --- A wrong PIN

right=$(<"$T/a/second/pin")
printf wrong-%s "$right" >"$T/a/second/pin"
: >"$T/a/spy.log"
start_agent a || done_testing
api GET /v1/health/ready
is 'the agent is not ready' "$status $(field status)" '503 not-ready'
api GET /v1/tokens
is 'the token says why' "$(member tokens.1.name) $(member tokens.1.state) $(member tokens.1.error.code)" \
    'second pin-refused pin-refused'
like 'and what to do' "$(member tokens.1.error.hint)" '*PIN*restart*'
is 'the other one is ready' "$(member tokens.0.name) $(member tokens.0.state)" 'main ready'
hsm_agent status >"$T/out" 2>&1
is 'hsm-agent status fails' $? 1
like 'and says the same' "$(<"$T/out")" '*second*pin-refused*remedy:*'

for i in 1 2 3 4 5; do
    sign_with second-key
    is_problem 503 pin-refused || break
done
problem 'its keys can not be used, however often one asks' 503 pin-refused
is 'which is not worth another try' "$(field retryable)" false
api PUT /v1/keys/third-key '{"type":"ec:p256","token":"second"}'
problem 'nor are keys made' 503 pin-refused
sign_with first-key
is 'keys of the other token sign' "$status" 200
api GET /v1/keys
is 'both are listed' "$(member keys.0.name) $(member keys.0.state) $(member keys.1.name) $(member keys.1.state)" \
    'first-key ready second-key token-down'
is 'the log has one line of it' "$(grep -c ' pin-refused ' "$T/a/log")" 1
if [ -n "$spy" ]; then
    is 'the token was asked once' "$(logins)" 1
else
    skip 'the token was asked once' "there is no pkcs11-spy"
fi
is 'neither PIN is in the log' "$(grep -cF -e "$right" "$T/a/log")" 0

# A crash of the other token's process is no reason for another try.
kill -KILL "$(child_pid a main)"
sign_with first-key
is 'the other token recovers from a crash' "$status" 200
[ -z "$spy" ] || is 'and still it was asked once' "$(logins)" 1
ends_well a

# --- The right one again

printf '%s\n' "$right" >"$T/a/second/pin"
start_agent a || done_testing
sign_with second-key
is 'with the right PIN, and a newline behind it, the key signs' "$status" 200
ends_well a

# --- A file that others may read

chmod 0644 "$T/a/second/pin"
start_agent a || done_testing
api GET /v1/tokens
is 'a PIN file that others may read is refused' "$(member tokens.1.state)" down
like 'with its name' "$(member tokens.1.error.detail)" "*$T/a/second/pin*"
sign_with second-key
problem 'so its keys can not be used' 503 token-unavailable
like 'and the client is told when to ask again' "$(<"$T/headers")" '*[Rr]etry-[Aa]fter: [1-9]*'
chmod 0600 "$T/a/second/pin"
second_serves() {
    sign_with second-key
    [ "$status" = 200 ]
}
succeeds 'once it is private the token comes up by itself' await 60 second_serves
ends_well a

# --- A PIN from a credential

sed -i "s|^pin = file:$T/a/second/pin|pin = credential:second-pin|" "$T/a/agent.conf"
mkdir "$T/credentials"
cp "$T/a/second/pin" "$T/credentials/second-pin"
CREDENTIALS_DIRECTORY=$T/credentials start_agent a || done_testing
sign_with second-key
is 'a credential of the service manager serves as well' "$status" 200
ends_well a
done_testing
