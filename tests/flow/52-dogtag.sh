#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates from Dogtag, by both versions of its REST API: requests that somebody decides about later, and ones that we
# approve ourselves with a certified key of the agent; revocation; and what goes wrong on the way.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/ca_lib.sh"

export HSM_AGENT_ENROL_DIR=$T/enrol
make_agent a
start_agent a || done_testing
start_ca

new_key() { # NAME [TYPE] [PURPOSE]
    hsm_agent key create "$1" --type "${2:-rsa:2048}" --purpose "${3:-tls-server}" >"$T/out" 2>&1 ||
        not_ok "the key $1 is made" "$(<"$T/out")"
}

to_ca=(--ca "$ca/root.pem")
as_agent=("${to_ca[@]}" --cert-key ra)

profile=caServerCert

enrol() { # NAME [OPTION...]
    local name=$1
    shift
    hsm_agent enrol "$name" --dogtag "$ca_url" --profile-id "$profile" --subject "O=Acme,CN=$name.example" "$@"
}

state_of() { # NAME
    hsm_agent enrol "$1" --list | sed -n 's/^[^ ]* \([a-z]*\):.*/\1/p'
}

installed() { # TEST NAME
    is "$1: $2 is installed" "$(state_of "$2")" installed
    succeeds "$1: $2 has its certificate" is_certified "$2"
}

is_certified() { # NAME
    api GET "/v1/keys/$1/certificate"
    member pem >"$T/$1.pem" && openssl x509 -in "$T/$1.pem" -noout -pubkey >"$T/$1.pub" &&
        hsm_agent key show "$1" --public pem | cmp -s - "$T/$1.pub" &&
        openssl verify -CAfile "$ca/root.pem" -untrusted "$T/$1.pem" "$T/$1.pem" >"$T/out" 2>&1
}

serial() { # NAME
    openssl x509 -in "$T/$1.pem" -noout -serial
}

requests() {
    ca requests | wc -l
}

# --- Somebody else decides

like 'the profiles are listed' "$(hsm_agent enrol --profiles --dogtag "$ca_url/ca" "${to_ca[@]}")" \
    '*caServerCert*Manual Server Certificate Enrollment*'
new_key edge
enrol edge "${to_ca[@]}" --dns edge.example --input requestor_email=ops@acme.example >"$T/out" 2>&1
is 'nobody has decided yet' $? 3
is 'the CA has the request' "$(state_of edge)" submitted
succeeds 'with what the profile asks for' grep -q '"requestor_email","Value":"ops@acme.example"' "$ca"/requests/*.json
succeeds 'and the name of the key' grep -q '"requestor_name","Value":"hsm-agent edge@1"' "$ca"/requests/*.json
hsm_agent enrol --resume >"$T/out" 2>&1
is 'nobody has decided still' $? 3
ca approve -
stop_agent a
start_agent a || done_testing
stop_ca
start_ca
succeeds 'after a restart of both, the certificate is fetched' hsm_agent enrol edge --resume
installed 'approved' edge
is 'from one request' "$(requests)" 1
succeeds 'what is over is left alone' hsm_agent enrol --resume

new_key no
enrol no "${to_ca[@]}" >"$T/out" 2>&1
ca reject -
fails 'somebody decides against it' 1 '' hsm_agent enrol no --resume
like 'which is told' "$(<"$T/out")" '*rejected*because*'
is 'and over' "$(state_of no)" rejected
new_key curve ec:p256
fails 'the profile is for RSA keys' 1 '' enrol curve "${to_ca[@]}"
like 'which the CA says' "$(<"$T/out")" '*rejected*Key Type EC Not Matched*'
profile=nonsense
fails 'there is no such profile' 1 '*404*--profiles*' enrol curve "${to_ca[@]}"
profile=caServerCert
is 'and nothing is at the CA' "$(state_of curve)" prepared
fails 'the profile has no such input' 2 '*--input*' enrol curve "${to_ca[@]}" --again --input shoe_size=42
fails 'a profile is needed' 2 '*--profile-id*' hsm_agent enrol curve --dogtag "$ca_url" --subject CN=curve
hsm_agent enrol curve --cancel

# --- An agent of the CA decides, by a key of ours

new_key ra rsa:2048 tls-client
hsm_agent csr ra --subject 'O=Acme,OU=Agents,CN=ra' -o "$T/ra.csr"
ca issue client "$T/ra.csr" >"$T/ra.pem"
new_key one
fails 'who is no agent can not approve' 1 '*401*' enrol one "${to_ca[@]}" --approve
is 'but the CA has the request' "$(state_of one)" submitted
succeeds 'it goes on with a certificate from a file' hsm_agent enrol one --resume --cert-key ra --cert "$T/ra.pem"
installed 'approved by us' one
fails 'a key without a certificate proves nothing' 1 '*no certificate to show*' enrol one "${as_agent[@]}"
hsm_agent enrol one --cancel
succeeds "the agent's certificate is installed" hsm_agent enrol ra --dogtag "$ca_url" "${to_ca[@]}" --profile-id caUserCert \
    --subject O=Acme,OU=Agents,CN=ra --approve --cert-key ra --cert "$T/ra.pem"
succeeds 'which does from now on' enrol one "${as_agent[@]}" --approve --dns one.example
installed 'once more' one
before=$(serial one)
succeeds 'it is renewed' hsm_agent renew one
installed 'renewed' one
unlike 'the certificate is a new one' "$(serial one)" "$before"
like 'with the names of the old one' "$(openssl x509 -in "$T/one.pem" -noout -subject -ext subjectAltName)" \
    '*CN = one.example*DNS:one.example*'
new_key auto
profile=caAgentServerCert
succeeds 'a profile that needs no approval' enrol auto "${as_agent[@]}"
profile=caServerCert
installed 'at once' auto

# --- Revocation

cp "$T/one.pem" "$T/one.old"
fails 'revocation is for agents' 1 '*401*' hsm_agent revoke edge --reason superseded
fails 'and for reasons that there are' 2 '*keyCompromise*' hsm_agent revoke edge --reason nonsense --cert-key ra
ca_faults 'review-cert wrong-nonce x1'
succeeds 'a certificate is revoked, though the nonce went wrong once' hsm_agent revoke edge --reason cessation-of-operation \
    --cert-key ra
is 'for that reason' "$(ca status "$T/edge.pem")" 'REVOKED Cessation_of_Operation'
hsm_agent revoke edge --reason keyCompromise --cert-key ra >"$T/out" 2>&1
is 'twice is as good as once' $? 0
like 'but for the reason of the first time' "$(<"$T/out")" '*was revoked before*'
is 'which the CA keeps' "$(ca status "$T/edge.pem")" 'REVOKED Cessation_of_Operation'
fails 'what is not on hold stays revoked' 1 '*not on hold*' hsm_agent revoke edge --reason removeFromCRL --cert-key ra
ca_faults 'review-cert other-certificate'
fails "another certificate of that serial number isn't revoked" 1 '*is another one*' hsm_agent revoke one --reason superseded
ca_faults
is 'it is what it was' "$(ca status "$T/one.pem")" 'VALID '
succeeds 'a certificate is put on hold' hsm_agent revoke one --reason certificateHold
is 'on hold' "$(ca status "$T/one.pem")" 'REVOKED Certificate_Hold'
like 'and taken from the list' "$(hsm_agent revoke one --reason removeFromCRL)" "*isn't on hold any more"
is 'from the list' "$(ca status "$T/one.pem")" 'VALID '
succeeds 'put on hold again' hsm_agent revoke one --reason certificateHold
ca_faults 'review-cert wrong-nonce'
fails 'a nonce that is always wrong is an end of it' 1 '*Invalid nonce*' hsm_agent revoke one --reason keyCompromise
ca_faults 'revoke drop-after'
fails 'an answer that is lost' 1 '*no answer*' hsm_agent revoke one --reason keyCompromise --comment 'stolen "laptop"'
ca_faults
succeeds 'is asked for again' hsm_agent revoke one --reason keyCompromise
is 'the first reason stays' "$(ca status "$T/one.pem")" 'REVOKED Key_Compromise'
succeeds 'the comment is there' grep -q 'stolen \\"laptop\\"' "$ca"/certs/*.json
new_key two
succeeds 'another one' enrol two "${as_agent[@]}" --approve
installed 'another one' two
cp "$T/two.pem" "$T/two.old"
succeeds 'renewed' hsm_agent renew two
succeeds 'the old certificate is revoked' hsm_agent revoke two --reason superseded --certificate "$T/two.old"
installed 'renewed' two
is 'the old one is' "$(ca status "$T/two.old")" 'REVOKED Superseded'
is 'and the new one is not' "$(ca status "$T/two.pem")" 'VALID '

# --- What goes wrong. Each time: the command fails and says why, the state is told, and it goes on from there, with one request
# at the CA and no more.

goes_wrong() { # FAULT STATE PATTERN [OPTION...]
    local fault=$1 state=$2 pattern=$3 before requests
    shift 3
    before=$(serial f 2>/dev/null)
    requests=$(requests)
    ca_faults "$fault"
    fails "$fault: it fails" 1 "$pattern" enrol f "${as_agent[@]}" --approve "$@"
    is "$fault: the state" "$(state_of f)" "$state"
    like "$fault: the reason is kept" "$(hsm_agent enrol f --list --json)" '*"failure":"*'
    ca_faults
    succeeds "$fault: it goes on" hsm_agent enrol f --resume
    installed "$fault" f
    unlike "$fault: the certificate is a new one" "$(serial f)" "$before"
    is "$fault: from one request" "$(requests)" $((requests + 1))
}

new_key f
goes_wrong 'info status 500' prepared '*500*'
goes_wrong 'template garbage' prepared "*isn't a profile's template*"
goes_wrong 'submit drop' submitting '*no answer*'
goes_wrong 'submit drop-after' submitting '*no answer*'
goes_wrong 'submit slow 20000' submitting '*in time*' --timeout 2
goes_wrong 'submit status 503' submitting '*answered 503*'
goes_wrong 'submit html' submitting "*isn't a list of requests*"
goes_wrong 'submit truncated' submitting "*isn't a list of requests*"
goes_wrong 'submit status 400' prepared '*answered 400*'
goes_wrong 'request empty' submitted "*isn't a request*"
goes_wrong 'review wrong-nonce' submitted '*Invalid nonce*'
goes_wrong 'review other-request' submitted "*isn't the one that was made here*"
goes_wrong 'approve lost-session' submitted '*Missing nonce*'
goes_wrong 'approve drop-after' submitted '*no answer*'
goes_wrong 'cert garbage' submitted "*isn't a certificate*"

requests=$(requests)
ca_faults 'review wrong-nonce x1'
succeeds 'one wrong nonce is put right by another review' enrol f "${as_agent[@]}" --approve
ca_faults 'approve lost-session x1'
succeeds 'and so is one session that was lost' enrol f "${as_agent[@]}" --approve
is 'each with one request' "$(requests)" $((requests + 2))
ca_faults 'approve other-key x1'
fails 'a certificate for another key is not taken' 1 '*no certificate for the key*' enrol f "${as_agent[@]}" --approve
is 'the request is where it was' "$(state_of f)" submitted
ca_faults
succeeds 'a new one takes its place' enrol f "${as_agent[@]}" --approve --again

stop_ca
fails 'the CA is down' 1 '*no answer from the CA*' enrol f "${as_agent[@]}" --approve
is 'so it has nothing' "$(state_of f)" prepared
start_ca
succeeds 'the CA is back' hsm_agent enrol --resume
installed 'back' f

# --- Killed, while the CA answers each of the questions that it takes

ca_said() { # STEP TIMES
    [ "$(grep -c "^$1 " "$ca/log")" -gt "$2" ]
}

for at in template:submitting submit:submitting review:submitted approve:submitted cert:submitted; do
    step=${at%:*}
    requests=$(requests)
    said=$(grep -c "^$step " "$ca/log")
    ca_faults "$step late 20000"
    # Not by the function: it is the program that has to die.
    "$bin/hsm-agent" enrol f --dogtag "$ca_url" --profile-id caServerCert --subject O=Acme,CN=f.example "${as_agent[@]}" \
        --approve >"$T/killed.log" 2>&1 &
    pid=$!
    track $pid
    await 30 ca_said "$step" "$said" || not_ok "it comes to $step" "$(<"$T/killed.log")"
    kill -KILL $pid
    wait $pid 2>/dev/null
    untrack $pid
    is "killed at $step" "$(state_of f)" "${at#*:}"
    ca_faults
    succeeds "killed at $step: it goes on" hsm_agent enrol --resume
    installed "killed at $step" f
    is "killed at $step: from one request" "$(requests)" $((requests + 1))
done

hsm_agent key create ehi --type rsa:2048 --purpose tls-server --environment prod >"$T/out" 2>&1 || not_ok "the key ehi is made" "$(<"$T/out")"
fails 'a request that its profile refuses is not sent' 1 '*thredd-ehi*' hsm_agent enrol ehi --dogtag "$ca_url" "${as_agent[@]}" \
    --profile-id caServerCert --approve --csr-profile thredd-ehi/server --set O=Acme
succeeds 'one by a profile' hsm_agent enrol ehi --dogtag "$ca_url" "${as_agent[@]}" --profile-id caServerCert --approve \
    --csr-profile thredd-ehi/server --set CN=ehi.acme.example
installed 'by a profile' ehi

# --- The KRA, for keys that were made to leave their token

hsm_agent key create enc1 --type rsa:2048 --purpose decrypt --backup >"$T/out" 2>&1 || not_ok 'a key is made to be archived' "$(<"$T/out")"
fails 'archival is for agents' 1 '*401*' hsm_agent key archive enc1 --dogtag "$ca_url" "${to_ca[@]}"
succeeds 'a key is archived' hsm_agent key archive enc1 --dogtag "$ca_url" "${as_agent[@]}"
like 'its id is told' "$(hsm_agent key archive enc1 --dogtag "$ca_url" "${as_agent[@]}" --json)" '*"key_id":"0x*'
key_id=$(hsm_agent key archive enc1 --dogtag "$ca_url" "${as_agent[@]}" | sed -n 's/.*as key \(0x[0-9a-f]*\)$/\1/p')
public=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["publicKey"], end="")' "$ca/keys/$key_id.json")
is 'the KRA has that key' "$public" "$(hsm_agent key show enc1 --public pem)"
fails 'one that was not made for it stays' 1 '*--backup*' hsm_agent key archive f --dogtag "$ca_url" "${as_agent[@]}"
hsm_agent key delete enc1 --confirm enc1 >"$T/out" 2>&1 || not_ok 'the key is lost' "$(<"$T/out")"
ca_faults 'retrieve truncated'
fails 'an answer that makes no sense' 1 "*isn't a recovered key*" hsm_agent key recover enc2 --key-id "$key_id" \
    --purpose decrypt --dogtag "$ca_url" "${as_agent[@]}"
ca_faults
fails 'the KRA has no such key' 1 '*404*' hsm_agent key recover enc2 --key-id 0x77 --dogtag "$ca_url" "${as_agent[@]}"
succeeds 'it is recovered' hsm_agent key recover enc2 --key-id "$key_id" --purpose decrypt --dogtag "$ca_url" "${as_agent[@]}"
is 'and is that key' "$(hsm_agent key show enc2 --public pem)" "$public"

# --- An older server, which has v1 alone

stop_ca
start_ca v1
new_key old
succeeds 'an older server' enrol old "${as_agent[@]}" --approve
installed 'by v1' old
succeeds 'it was asked by v1' grep -q ' /ca/rest/agent/certrequests/.*/approve$' "$ca/log"
succeeds 'and revokes' hsm_agent revoke old --reason privilegeWithdrawn
is 'what it issued' "$(ca status "$T/old.pem")" 'REVOKED Privilege_Withdrawn'

ends_well a
done_testing
