#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Mixed load with SIGHUP and a token that fails at 1 % of its calls: nothing grows, and no request fails.
# `make soak` runs it for SOAK_MINUTES (30). With the argument `short` it takes 20 seconds: 47-soak-short.sh.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

minutes=${SOAK_MINUTES:-30}
make_agent a 'token:sessions = 4' 'token:deadline-ms = 60000' 'agent:drain-ms = 500'
dir=$T/a
make_token "$dir/spare" spare
token_section "$dir/spare" spare >>"$dir/agent.conf"
fault_on a
cp "$dir/agent.conf" "$dir/first.conf"
{
    cat "$dir/agent.conf"
    echo 'sessions = 3'
    printf '[listen more]\nsocket = %s\n' "$dir/more.sock"
} >"$dir/other.conf"

start_agent a || done_testing
for key in 'rsa --type rsa:2048' 'p256 --type ec:p256' 'dec --type rsa:2048 --purpose decrypt' \
    'spare --type ec:p256'; do
    token=main
    [[ $key != spare* ]] || token=spare
    # shellcheck disable=SC2086
    hsm_agent key create $key --token $token >/dev/null || not_ok "the key $key is made"
done
hsm_agent key show dec --public pem >"$dir/dec.pem"
printf 'what is signed' | openssl pkeyutl -encrypt -pubin -inkey "$dir/dec.pem" -pkeyopt rsa_padding_mode:oaep \
    -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1 >"$dir/ciphertext"

faults a 'C_Sign error CKR_SESSION_HANDLE_INVALID rate 0.01' 'C_Decrypt error CKR_SESSION_HANDLE_INVALID rate 0.01' \
    'C_SignInit error CKR_DEVICE_ERROR rate 0.01' 'C_FindObjects error CKR_GENERAL_ERROR rate 0.01'

counting=("$bin/tests/fault/faultctl" "$dir/faults")
if [ "${1:-}" = short ]; then
    part 'the soak' "$python" "$flow/soak.py" "$dir" "${agent_pid[a]}" 20 1 5 0 0 "${counting[@]}"
else
    growth=2
    [ $sanitized = no ] || growth=0  # a sanitizer keeps what was freed
    part 'the soak' "$python" "$flow/soak.py" "$dir" "${agent_pid[a]}" $((minutes * 60)) 30 60 300 $growth \
        "${counting[@]}"
fi
opened=$(counted a calls C_OpenSession)
diag "sessions opened: $opened"
is 'sessions were lost, and opened again' "$([ "$opened" -gt 20 ] && echo yes)" yes
ends_well a
done_testing
