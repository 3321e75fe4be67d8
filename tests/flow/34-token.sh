#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tokens made, looked at and given other PINs without an agent; and an agent on what was made.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

D=$T/offline
mkdir -p "$D/tokens"
export SOFTHSM2_CONF=$D/softhsm2.conf
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$D/tokens" >"$SOFTHSM2_CONF"
# In a build with sanitizers, the module's own leaks are not the test's concern.
[ $sanitized = no ] || export "${quiet_sanitizer?}"

pin_file() { # NAME PIN
    printf '%s\n' "$2" >"$D/$1"
}
pin_file so officer-31415926
pin_file user user-27182818
pin_file new other-16180339
pin_file wrong wrong-14142135
pin_file short x

token() { # list|info|init|pin ARG...
    hsm_agent token "$@" --module "$module"
}
at_terminal() { # [PROMPT ANSWER]... -- ARG...
    "$python" "$flow/at_terminal.py" "$@" --module "$module"
}
logs_in() { # LABEL FILE: whether the user's PIN is that, as another program sees it
    pkcs11-tool --module "$module" --token-label "$1" --login --pin "$(<"$D/$2")" -O >/dev/null 2>&1
}
json() { # PATH: of $T/json
    "$python" -c '
import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value[int(name)] if isinstance(value, list) else value[name]
print(value)' "$T/json" "$1"
}

# --- Made

like 'an empty token is listed' "$(token list)" 'SLOT*STATE*uninitialised*'
token init edge --so-pin "file:$D/so" --pin "file:$D/user" >"$T/made"
is 'a token is made' $? 0
like 'its serial number and URI are printed, and what the configuration needs' "$(<"$T/made")" \
    "label*edge*serial*uri*pkcs11:*For hsm-agent.conf:*[[]token edge]*uri = pkcs11:*module = $module*pin = file:$D/user*"
serial=$(sed -n 's/^serial *//p' "$T/made")
is 'the path of the PIN is a whole one' "$(cd "$D" && token init here --so-pin file:so --pin file:user |
    sed -n 's/^pin = //p')" "file:$D/user"
like 'the list has it' "$(token list)" "*edge*$serial*initialised*pkcs11:*$serial*"
succeeds 'another program logs in with the PIN' logs_in edge user
token info edge >"$T/info"
like 'all is told of it' "$(<"$T/info")" "*serial*$serial*shortest PIN*longest PIN*algorithms*RS256*module*$module*"
token --json info "pkcs11:serial=$serial" >"$T/json"
is 'by its URI, as JSON' "$(json token.label) $(json token.user_pin_set) $(json token.state)" 'edge True initialised'
succeeds 'the URI that is printed finds it' token info "$(sed -n 's/^uri = //p' "$T/made")"
fails 'a token that is not there' 1 "*no token*nothere*edge*$serial*remedy:*" token pin change nothere \
    --pin "file:$D/user" --new-pin "file:$D/new"

# --- Refused

fails 'a token to look at that is not there' 1 '*no token*token list*' token info nothere
fails 'a label that is there already' 1 "*edge*already*$serial*another label*" token init edge --so-pin "file:$D/so" --pin "file:$D/user"
fails 'one PIN for both' 1 '*the same*' token init second --so-pin "file:$D/so" --pin "file:$D/so"
fails 'a label that is too long' 1 '*1 to 32 bytes*' token init 123456789012345678901234567890123 \
    --so-pin "file:$D/so" --pin "file:$D/user"
fails 'a PIN as an argument' 2 '*takes a source, not a PIN*' token init second --so-pin geheim-1234 --pin "file:$D/user"
is 'which is not repeated' "$(grep -c geheim "$T/err")" 0
fails 'likewise a new PIN' 2 '*takes a source, not a PIN*' token pin reset edge --so-pin "file:$D/so" --new-pin geheim-1234
chmod 0640 "$D/user"
fails 'a PIN that others can read' 1 "*open to its group*chmod 0600*" token init second --so-pin "file:$D/so" --pin "file:$D/user"
chmod 0600 "$D/user"
fails 'a PIN that is not there' 1 '*No such file*' token init second --so-pin "file:$D/so" --pin "file:$D/nothing"
fails 'no module' 2 '*needs --module*' hsm_agent token list
fails 'a module without a path' 2 '*absolute path*remedy:*' hsm_agent token list --module libsofthsm2.so
fails 'a module that is not one' 1 '*/dev/null*remedy:*' hsm_agent token list --module /dev/null
fails 'a slot that is not there' 1 '*no slot with the number 77*' token init second --slot 77 --so-pin "file:$D/so" --pin "file:$D/user"
like 'nothing was made of all that' "$(token list | grep -c initialised) $(ls "$D/tokens" | wc -l)" '3 2'

# --- Half made, and mended

fails 'a user PIN that the token does not take' 1 "*initialised, but the user's PIN isn't set*CKR_PIN_LEN_RANGE*pin reset*" \
    token init half --so-pin "file:$D/so" --pin "file:$D/short"
like 'leaves a token without one' "$(token list)" '*half*no-user-pin*'
succeeds 'that pin reset gives one' token pin reset half --so-pin "file:$D/so" --new-pin "file:$D/user"
succeeds 'which is right' logs_in half user

# --- An agent takes what was made, and the PIN changes beneath it

A=$T/a
mkdir -p "$A"
{
    printf '[agent]\nstate-dir = %s\n[listen agent]\nsocket = %s\nmode = 0600\nadmin = yes\n' "$A/state" "$A/agent.sock"
    sed -n '/^\[token edge\]/,$p' "$T/made"
    echo "environment = SOFTHSM2_CONF=$SOFTHSM2_CONF"
    [ $sanitized = no ] || echo "environment = $quiet_sanitizer"
    printf '[client me]\nuser = %s\nallow = *:*\n' "$(id -u)"
} >"$A/agent.conf"
start_agent a || done_testing
succeeds 'an agent serves with the section that was printed' hsm_agent key create k --type ec:p256
succeeds 'and signs' hsm_agent sign k -i "$T/made" -o "$T/signature"

token pin change edge --pin "file:$D/user" --new-pin "file:$D/new" >"$T/out"
is 'the PIN is changed' $? 0
like 'the token is named' "$(<"$T/out")" "*edge*$serial*changed*"
succeeds 'the new one is right' logs_in edge new
succeeds 'the old one is not' eval '! logs_in edge user'
cp "$D/new" "$D/user.next" && mv "$D/user.next" "$D/user"
succeeds 'the agent takes the new one' hsm_agent token unlock edge
succeeds 'and signs again' hsm_agent sign k -i "$T/made" -o "$T/signature"
ends_well a
pin_file user user-27182818

fails 'a present PIN that is wrong' 1 "*refused the user's PIN*CKR_PIN_INCORRECT*tried once*the token*tries*remedy:*" \
    token pin change edge --pin "file:$D/wrong" --new-pin "file:$D/user"
fails 'a new PIN that the token does not take' 1 "*doesn't take the new PIN*CKR_PIN_LEN_RANGE*is what it was*" \
    token pin change edge --pin "file:$D/new" --new-pin "file:$D/short"
fails 'a new PIN that is the present one' 1 '*the same*' token pin change edge --pin "file:$D/new" --new-pin "file:$D/new"
succeeds 'after all that the PIN is what it was' logs_in edge new
token --json pin change edge --pin "file:$D/wrong" --new-pin "file:$D/user" 2>"$T/json"
is 'as JSON' "$? $(json error.code)" '1 pin-refused'

fails 'the security officer with a wrong PIN' 1 "*refused the security officer's PIN*tried once*" \
    token pin reset edge --so-pin "file:$D/wrong" --new-pin "file:$D/user"
succeeds 'with the right one' token pin reset edge --so-pin "file:$D/so" --new-pin "file:$D/user"
succeeds 'gives the user another' logs_in edge user
succeeds 'his own is changed' token pin change edge --so --so-pin "file:$D/so" --new-pin "file:$D/new"
fails 'the old one is refused' 1 '*tried once*' token pin reset edge --so-pin "file:$D/so" --new-pin "file:$D/wrong"
succeeds 'the new one is not' token pin change edge --so --so-pin "file:$D/new" --new-pin "file:$D/so"
fails 'whose PIN it is has to be said' 2 '*--so-pin*' token pin change edge --so-pin "file:$D/so" --new-pin "file:$D/new"
fails 'either way' 2 '*--pin*' token pin change edge --so --pin "file:$D/so" --new-pin "file:$D/new"

mkdir "$D/credentials"
cp "$D/user" "$D/credentials/present"
cp "$D/new" "$D/credentials/next"
export CREDENTIALS_DIRECTORY=$D/credentials
succeeds 'PINs come from credentials' token pin change edge --pin credential:present --new-pin credential:next
unset CREDENTIALS_DIRECTORY
fails 'if there are any' 2 '*CREDENTIALS_DIRECTORY*' token pin change edge --pin credential:next --new-pin credential:present
cd "$D" || exit 99
succeeds 'a path may be relative' token pin change edge --pin file:new --new-pin file:user
cd "$bin" || exit 99

# --- At a terminal

at_terminal 'New PIN of the security officer of token typed: ' officer-7777 'The same again: ' officer-7777 \
    'New PIN of the user of token typed: ' user-8888 'The same again: ' user-8888 -- \
    "$bin/hsm-agent" token init typed >"$T/screen"
is 'a token is made with PINs that are typed' $? 0
like 'the configuration asks for the PIN too' "$(<"$T/screen")" '*[[]token typed]*pin = prompt*'
is 'no PIN was on the screen' "$(grep -Ec 'officer-7777|user-8888' "$T/screen")" 0
pin_file typed user-8888
succeeds 'another program logs in with what was typed' logs_in typed typed
at_terminal 'Present PIN of the user of token typed: ' user-8888 'New PIN of the user of token typed: ' user-9999 \
    'The same again: ' user-9998 -- "$bin/hsm-agent" token pin change typed >"$T/screen"
is 'a new PIN that was mistyped' $? 1
like 'changes nothing' "$(<"$T/screen")" '*differ; nothing was done*'
at_terminal 'Present PIN of the user of token typed: ' ^C -- "$bin/hsm-agent" token pin change typed >"$T/screen"
is 'Ctrl-C at a prompt' $? 1
like 'ends it' "$(<"$T/screen")" '*nothing was done*'
at_terminal 'Present PIN of the user of token typed: ' user-8888 'New PIN of the user of token typed: ' user-9999 \
    'The same again: ' user-9999 -- "$bin/hsm-agent" token pin change typed >"$T/screen"
is 'a PIN is changed by typing' $? 0
pin_file typed user-9999
succeeds 'to what was typed' logs_in typed typed
at_terminal 'PIN of the security officer of token typed: ' officer-7777 -- \
    "$bin/hsm-agent" token pin reset typed --new-pin "file:$D/user" >"$T/screen"
is 'one PIN from a file and one that is typed' $? 0
fails 'without a terminal' 1 '*no terminal*file:PATH*' setsid -w "$bin/hsm-agent" token pin change typed --module "$module"

# --- A token that counts, and one that fails

export HSM_AGENT_FAULT_MODULE=$module HSM_AGENT_FAULT_RULES=$T/f/faults
mkdir -p "$T/f"
real=$module
module=$fault_module
faults f 'token pin-tries 3'
fails 'the first wrong PIN' 1 '*tried once*counts wrong tries*some are left*' \
    token pin change edge --pin "file:$D/wrong" --new-pin "file:$D/new"
is 'one login was tried' "$(counted f calls C_Login)" 1
like 'info says so' "$(token info edge)" '*state*pin-count-low*note*wrong PIN of the user was entered*'
fails 'the second' 1 '*tried once*one more wrong try locks it*' \
    token pin change edge --pin "file:$D/wrong" --new-pin "file:$D/new"
fails 'the last one' 1 "*one more wrong try locks*wasn't tried*--final-try*" \
    token pin change edge --pin "file:$D/user" --new-pin "file:$D/new"
is 'is not tried unasked' "$(counted f calls C_Login)" 2
fails 'asked for, and wrong' 1 '*tried once*it is locked now*' \
    token pin change edge --final-try --pin "file:$D/wrong" --new-pin "file:$D/new"
fails 'a locked PIN' 1 "*locked; it wasn't tried*pin reset*" \
    token pin change edge --final-try --pin "file:$D/user" --new-pin "file:$D/new"
is 'is not tried at all' "$(counted f calls C_Login)" 3
faults f 'token pin-final-try'
succeeds 'the right one at the last try' token pin change edge --final-try --pin "file:$D/user" --new-pin "file:$D/new"
faults f
succeeds 'and back' token pin change edge --pin "file:$D/new" --new-pin "file:$D/user"

for rule in 'pin change edge:C_SetPIN:--pin:user' 'pin reset edge:C_InitPIN:--so-pin:so'; do
    IFS=: read -r words function option file <<<"$rule"
    faults f "$function error 0x1b8"
    fails "a new PIN that is too weak ($function)" 1 "*doesn't take the new PIN*CKR_PIN_TOO_WEAK*what it was*" \
        token $words $option "file:$D/$file" --new-pin "file:$D/new"
done
faults f 'C_OpenSession error CKR_SESSION_COUNT'
fails 'a token without a free session' 1 "*didn't come to an end within 1 s*" \
    token --timeout 1 pin change edge --pin "file:$D/user" --new-pin "file:$D/new"
faults f 'C_Login hang'
fails 'one that hangs' 1 "*didn't come to an end within 1 s*" \
    token --timeout 1 pin reset edge --so-pin "file:$D/so" --new-pin "file:$D/new"
faults f 'C_Login crash'
fails 'one that crashes' 1 '*ended by signal*' token pin reset edge --so-pin "file:$D/so" --new-pin "file:$D/new"
faults f 'C_Login error CKR_DEVICE_ERROR'
fails 'one that fails' 1 "*can't be tried*CKR_DEVICE_ERROR*" token pin reset edge --so-pin "file:$D/so" --new-pin "file:$D/new"
module=$real

# --- Wiped, by its serial number only

fails 'a serial number that is not there' 1 '*no token with the serial number*' token init again --erase 0000 \
    --so-pin "file:$D/so" --pin "file:$D/user"
fails 'a label that another token has' 1 '*already*' token init typed --erase "$serial" --so-pin "file:$D/so" --pin "file:$D/user"
fails 'a wrong PIN of the security officer' 1 "*can't be initialised*CKR_PIN_INCORRECT*" token init again --erase "$serial" \
    --so-pin "file:$D/wrong" --pin "file:$D/user"
like 'leaves the token as it was' \
    "$(pkcs11-tool --module "$module" --token-label edge --login --pin "$(<"$D/user")" -O 2>&1)" '*Private Key Object*'
cd "$D" || exit 99
token init again --erase "$serial" --so-pin file:so --pin file:new >"$T/made"
is 'with the right one' $? 0
cd "$bin" || exit 99
like 'the configuration gets the whole path' "$(<"$T/made")" "*pin = file:$D/new*"
like 'it has a new label' "$(token list)" '*again*'
unlike 'instead of the old one' "$(token list)" '*edge*'
unlike 'and its keys are gone' \
    "$(pkcs11-tool --module "$module" --token-label again --login --pin "$(<"$D/new")" -O 2>&1)" '*Private Key Object*'

done_testing
