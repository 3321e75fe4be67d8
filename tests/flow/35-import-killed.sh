#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of the daemon at each call that an import and a restore make of the token: the source stays, the next start
# undoes what was begun or says what to do, and then the same file can be brought in.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

command -v pkcs11-tool >/dev/null || skip_all 'pkcs11-tool looks into the tokens, and is not there'

make_agent a 'token:sessions = 2'
make_token "$T/a/b" b
token_section "$T/a/b" b >>"$T/a/agent.conf"
fault_on a
fault_on a b
faults a
faults a/b
start_agent a || done_testing
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/source.key" 2>"$T/err"
cp "$T/source.key" "$T/source"
chmod 600 "$T/source"
hsm_agent key create kek --type aes:256 --token main,b >/dev/null &&
    hsm_agent key create origin --type ec:p256 --backup --token b >/dev/null &&
    hsm_agent key backup origin --kek kek -o "$T/backup" || not_ok 'there is a backup'

objects() {
    pkcs11_tool a --list-objects 2>/dev/null | grep -c ' Key Object\|^Secret Key'
    SOFTHSM2_CONF=$T/a/b/softhsm2.conf pkcs11-tool --module "$module" --token-label b --login --pin "$(<"$T/a/b/pin")" \
        --list-objects 2>/dev/null | grep -c ' Key Object\|^Secret Key'
}
import() { # TOKENS
    hsm_agent key import cut "$T/source" --token "$1" --wipe
}
restore() {
    hsm_agent key restore "$T/backup" --name cut --token "$1"
}
is_held() { # AGENT
    [ "$(counted "$1" fired 1)" = 1 ]
}
is_there_or_not() { # as the start left it: undone, or incomplete
    api GET /v1/keys/cut
    case "$status $(field state)" in
    404*) [[ $(<"$T/a/log") == *key-creation-undone\ key=cut* ]] ;;
    '200 incomplete') [[ $(field state_detail) == *'key delete cut'* ]] && hsm_agent key delete cut --confirm cut ;;
    *) false ;;
    esac
}
start_anew() {
    faults a
    faults a/b
    : >"$T/a/log"
    start_agent a || done_testing
}
# How often each function is called by it in a process that has just begun.
calls() { # ACT TOKENS AGENT FUNCTION...
    local act=$1 tokens=$2 where=$3 function
    shift 3
    ends_well a
    start_anew
    local -A so_far
    for function; do
        so_far[$function]=$(counted "$where" calls "$function")
    done
    $act "$tokens" >"$T/out" 2>"$T/err" || not_ok "$act is done when nobody interferes" "$(<"$T/err")"
    for function; do
        printf '%s %s\n' "$function" $(($(counted "$where" calls "$function") - so_far[$function]))
    done >"$T/calls"
    hsm_agent key delete cut --confirm cut >"$T/out"
    cp "$T/source.key" "$T/source"
}

before=$(objects)
cut_at() { # ACT TOKENS AGENT FUNCTION N: killed in the call of FUNCTION after N others
    local name="$1 into $2, killed in $4 number $(($5 + 1))" orphans
    faults "$3" "$4 hold after $5"
    $1 "$2" >"$T/cut.out" 2>&1 &
    local request=$!
    if ! await 15 is_held "$3"; then
        not_ok "$name" 'the call was never made'
        faults "$3"
        wait $request
        return
    fi
    orphans="$(child_pid a) $(child_pid a b)"
    kill_agent a
    wait $request && not_ok "$name" 'it said that all was well'
    for orphan in $orphans; do
        await 20 gone "$orphan"
    done
    is "$name: the source is there" "$(<"$T/source")" "$(<"$T/source.key")"
    start_anew
    succeeds "$name: undone, or said what to do" is_there_or_not
    is "$name: nothing is left" "$(objects) $(ls "$T/a/state/keys" | grep -c cut)" "$before 0"
    succeeds "$name: then it works" $1 "$2"
    succeeds "$name: and the key signs" hsm_agent sign cut -i "$T/source.key" -o "$T/signature"
    hsm_agent key delete cut --confirm cut >"$T/out"
    cp "$T/source.key" "$T/source"
}
cut_everywhere() { # ACT TOKENS AGENT FUNCTION...
    local function n i
    calls "$@"
    diag "$1 into $2: $(tr '\n' ' ' <"$T/calls")"
    while read -r function n <&7; do
        [ "$n" -gt 0 ] || not_ok "$1 calls $function" never
        for ((i = 0; i < n; i++)); do
            cut_at "$1" "$2" "$3" "$function" $i
        done
    done 7<"$T/calls"
}
cut_everywhere import main a C_GenerateKeyPair C_UnwrapKey C_CreateObject C_Sign
cut_everywhere restore main a C_UnwrapKey C_CreateObject C_Sign
# The key is in one token already when the other's turn comes.
cut_everywhere import main,b a/b C_UnwrapKey C_Sign
is 'in the end there is what there was' "$(objects)" "$before"

# --- The token's process alone

for function in C_UnwrapKey C_CreateObject C_Sign; do
    faults a "$function crash kill count 1"
    api POST /v1/keys/cut/import "{\"token\":\"main\",\"private_key\":\"$(openssl pkcs8 -topk8 -nocrypt -in "$T/source.key" -outform DER | b64u)\"}"
    is "the fault was met ($function)" "$(counted a fired 1)" 1
    faults a
    case $status in
    201) hsm_agent key delete cut --confirm cut >"$T/out" ;;
    *) like "an import whose token dies in $function fails" "$status" '50[0-9]' ;;
    esac
    nothing_left() {
        api GET /v1/keys/cut
        [ "$status" = 404 ] && [ "$(objects)" = "$before" ]
    }
    succeeds "and nothing is left ($function)" await 30 nothing_left
done
ends_well a
done_testing
