#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates by EST: enrolled, renewed with the key itself, and what a CA can do wrong on the way. Whatever that is, the
# enrolment is in a state that goes on from there.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/ca_lib.sh"

export HSM_AGENT_ENROL_DIR=$T/enrol
make_agent a
start_agent a || done_testing
start_ca

user=$ca/est-user

enrol() { # NAME [OPTION...]
    local name=$1
    shift
    hsm_agent enrol "$name" --est "$ca_url" --ca "$ca/root.pem" --user-file "$user" \
        --subject "O=Acme,CN=$name.example" --dns "$name.example" "$@"
}

new_key() { # NAME [PURPOSE]
    hsm_agent key create "$1" --type ec:p256 --purpose "${2:-tls-client,tls-server}" >"$T/out" 2>&1 ||
        not_ok "the key $1 is made" "$(<"$T/out")"
}

state_of() { # NAME
    hsm_agent enrol "$1" --list | sed -n 's/^[^ ]* \([a-z]*\):.*/\1/p'
}

# The certificate is for the key, and verifies to the CA's root with what is installed beside it.
is_certified() { # NAME SUBJECT
    api GET "/v1/keys/$1/certificate"
    member pem >"$T/$1.pem" && openssl x509 -in "$T/$1.pem" -noout -pubkey >"$T/$1.pub" &&
        hsm_agent key show "$1" --public pem | cmp -s - "$T/$1.pub" &&
        openssl verify -CAfile "$ca/root.pem" -untrusted "$T/$1.pem" "$T/$1.pem" >"$T/out" 2>&1 &&
        [ "$(openssl x509 -in "$T/$1.pem" -noout -subject -nameopt RFC2253)" = "subject=$2" ]
}

installed() { # TEST NAME
    is "$1: $2 is installed" "$(state_of "$2")" installed
    succeeds "$1: $2 has its certificate" is_certified "$2" "CN=$2.example,O=Acme"
}

serial() {
    openssl x509 -in "$T/$1.pem" -noout -serial
}

# --- Enrolled and renewed

new_key edge
succeeds 'a key is enrolled' enrol edge
installed 'enrolled' edge
before=$(serial edge)
succeeds 'it is renewed' hsm_agent renew edge
installed 'renewed' edge
unlike 'the certificate is another one' "$(serial edge)" "$before"
like 'with the old one'"'"'s names' "$(openssl x509 -in "$T/edge.pem" -noout -ext subjectAltName)" '*DNS:edge.example*'
succeeds 'the key itself proved who asks' grep -q '^simplereenroll 200 O=Acme,CN=edge.example ' "$ca/log"
new_key sig sign
succeeds 'a key that is not for TLS is enrolled in the name of one that is' hsm_agent enrol sig --est "$ca_url/.well-known/est/" \
    --label sign --ca "$ca/root.pem" --cert-key edge --subject O=Acme,CN=sig.example
installed 'for signing' sig
succeeds 'its usage is that of the label' grep -q 'Non Repudiation' <(openssl x509 -in "$T/sig.pem" -noout -ext keyUsage)
succeeds 'and renewed so' hsm_agent renew sig
installed 'renewed' sig
is 'which is a first enrolment to the CA, since the subject is another one' "$(grep enroll "$ca/log" | tail -n 1 | cut -d ' ' -f 1-3)" \
    'simpleenroll 200 O=Acme,CN=edge.example'

hsm_agent renew edge --rotate >"$T/out" 2>&1
is 'it is renewed with its next version' $? 0
is 'whose certificate is installed' "$(hsm_agent enrol edge --key-version 2 --list | cut -d ' ' -f 1,2)" 'edge@2 installed:'
api GET /v1/keys/edge
is 'and which is the active one for that' "$(member version)" 2
succeeds 'its certificate has the old names' is_certified edge CN=edge.example,O=Acme
hsm_agent renew sig --rotate >"$T/out" 2>&1
like 'a version that signs messages waits' "$(<"$T/out")" "*sig@2 installed*version 2 is pending*key activate sig*"
hsm_agent renew sig --rotate >"$T/out" 2>&1
like 'the one that is pending is taken' "$(<"$T/out")" "*sig@2 installed*"
hsm_agent renew edge >"$T/out" 2>&1
like 'the active version is the one to renew' "$(<"$T/out")" "*edge@2 installed*"

succeeds 'giving up what is over' hsm_agent enrol edge --cancel
is 'does not forget by whom it was certified' "$(hsm_agent enrol edge --list | wc -l)" 2
succeeds 'unless its version is named' hsm_agent enrol edge --cancel --key-version 1
is 'which is gone then' "$(hsm_agent enrol edge --list | cut -d ' ' -f 1)" edge@2
printf '{' >"$HSM_AGENT_ENROL_DIR/broken@1.json"
fails 'a file that can not be read' 1 "*isn't an enrolment's file*" hsm_agent enrol --list
like 'does not hide the others' "$(hsm_agent enrol --list 2>/dev/null)" '*edge@2 installed*sig@1 installed*'
succeeds 'and can be given up' hsm_agent enrol broken --cancel

# --- A request from elsewhere

new_key out
hsm_agent csr out --subject O=Acme,CN=out.example -o "$T/out.csr"
openssl genpkey -algorithm ed25519 2>/dev/null | cat - "$T/out.csr" >"$T/out.both"
succeeds 'a request that was made before' hsm_agent enrol out --est "$ca_url" --ca "$ca/root.pem" --user-file "$user" \
    --csr "$T/out.both"
installed 'by a file' out
is 'a private key beside it is not kept' "$(grep -rl 'PRIVATE KEY' "$HSM_AGENT_ENROL_DIR")" ''

# --- The command line

new_key k
fails 'what is no CA is no CA' 2 '*no CA is named*remedy*' hsm_agent enrol k --subject CN=k
fails 'nothing but https is spoken' 2 '*https*' hsm_agent enrol k --est http://localhost --subject CN=k
fails 'a profile of Dogtag is not for EST' 2 '*--label*' enrol k --profile-id caServerCert
printf 'a:b' >"$T/open"
chmod 0644 "$T/open"
fails 'an open password file is not taken' 1 '*chmod 0600*' hsm_agent enrol k --est "$ca_url" --user-file "$T/open" \
    --subject CN=k
like 'which is kept as well' "$(hsm_agent enrol k --list)" '*because the user for the CA*'
succeeds 'an enrolment can be given up' hsm_agent enrol k --cancel
fails 'what was never enrolled has no CA to renew with' 1 '*no certificate*' hsm_agent renew k
fails 'EST does not revoke' 2 '*EST can*' hsm_agent revoke edge --reason superseded
fails 'there is no such reason' 2 '*--reason*keyCompromise*' hsm_agent revoke edge --reason whim
fails 'a name is missing' 2 '*needs NAME*' hsm_agent enrol --est "$ca_url"
fails 'nothing is known of another key' 1 '*no enrolment*' hsm_agent enrol nobody --list
is 'no password is in any file of enrolments' "$(grep -rlF "$(cut -d: -f2 <"$ca/est-user")" "$HSM_AGENT_ENROL_DIR")" ''

# --- What goes wrong. Each time: the command fails and says why, the state is told, and it goes on from there.

# An enrolment with a fault, and what comes of it without.
goes_wrong() { # FAULT STATE PATTERN [OPTION...]
    local fault=$1 state=$2 pattern=$3 before
    shift 3
    before=$(serial f 2>/dev/null)
    ca_faults "$fault"
    fails "$fault: it fails" 1 "$pattern" enrol f "$@"
    is "$fault: the state" "$(state_of f)" "$state"
    like "$fault: the reason is kept" "$(hsm_agent enrol f --list --json)" '*"failure":"*'
    ca_faults
    succeeds "$fault: it goes on" hsm_agent enrol f --resume
    installed "$fault" f
    unlike "$fault: the certificate is a new one" "$(serial f)" "$before"
}

new_key f
goes_wrong 'simpleenroll drop' submitting '*no answer from the CA*'
goes_wrong 'simpleenroll drop-after' submitting '*no answer from the CA*'
goes_wrong 'simpleenroll slow 20000' submitting '*in time*' --timeout 1
goes_wrong 'simpleenroll status 503' submitting '*answered 503*'
goes_wrong 'simpleenroll status 401' prepared '*answered 401*--user-file*'
goes_wrong 'simpleenroll status 403' prepared '*answered 403*'
goes_wrong 'simpleenroll status 415' prepared '*answered 415*'
goes_wrong 'simpleenroll html' submitting '*text/html*'
goes_wrong 'simpleenroll empty' submitting '*neither DER nor base64*'
goes_wrong 'simpleenroll truncated' submitting '*what the CA sent*'
goes_wrong 'simpleenroll garbage' submitting '*base64*'
goes_wrong 'simpleenroll huge' submitting '*over 524288 bytes*'
goes_wrong 'simpleenroll other-key' submitting '*no certificate for the key*'
issued=$(ls "$ca/certs" | wc -l)
goes_wrong 'cacerts garbage' prepared '*cacerts*'
is 'no certificate is issued that can not be fetched' "$(ls "$ca/certs" | wc -l)" $((issued + 1))

new_key w
printf 'est-user:wrong' >"$T/wrong"
user=$T/wrong
fails 'a wrong password is told' 1 '*401*Authentication required*' enrol w
user=$ca/est-user
succeeds 'and put right on the way' hsm_agent enrol w --resume --user-file "$ca/est-user"
installed 'put right' w

new_key t
fails 'a server that nobody vouches for is not trusted' 1 "*isn't trusted*--ca*" hsm_agent enrol t --est "$ca_url" \
    --user-file "$ca/est-user" --subject O=Acme,CN=t.example
is 'nor told anything' "$(state_of t)" prepared
succeeds 'with its CA it is' hsm_agent enrol t --resume --ca "$ca/root.pem"
installed 'trusted' t

new_key d
stop_ca
fails 'the CA is down' 1 '*no answer from the CA*--resume*' enrol d
is 'so it has nothing' "$(state_of d)" prepared
fails 'a second enrolment of the key would be one too many' 1 '*under way*--again*' enrol d
start_ca
succeeds 'the CA is back' hsm_agent enrol --resume
installed 'back' d
ca_faults 'simpleenroll drop-after'
enrol d >"$T/out" 2>&1
stop_ca
fails 'the CA is down after it was asked' 1 '*no answer from the CA*' hsm_agent enrol d --resume
is 'so it may still have it' "$(state_of d)" submitting
ca_faults
start_ca
succeeds 'it is asked again' hsm_agent enrol d --resume
installed 'again' d

# --- A CA that takes its time

new_key p
ca_faults 'simpleenroll wait 1000'
enrol p >"$T/out" 2>&1
is 'the CA wants time' $? 3
is 'it has the request' "$(state_of p)" submitted
asked=$(grep -c '^simpleenroll' "$ca/log")
hsm_agent enrol p --resume >"$T/out" 2>&1
is 'it is not asked before the time' "$?, $(grep -c '^simpleenroll' "$ca/log")" "3, $asked"
hsm_agent enrol p --cancel
is 'what is given up is forgotten' "$(hsm_agent enrol --list | grep -c '^p@')" 0
ca_faults 'simpleenroll wait 1 x2'
succeeds 'waiting is done by the command' enrol p --wait 60
installed 'waited' p

# --- Killed

# Starts an enrolment that will be held up, waits for that, and kills it.
killed() { # COMMAND-THAT-SHOWS-IT COMMAND...
    local until=$1
    shift
    "$@" >"$T/killed.log" 2>&1 &
    local pid=$!
    track $pid
    await 30 eval "$until" || not_ok 'it comes to that point' "$(<"$T/killed.log")"
    kill -KILL $pid
    wait $pid 2>/dev/null
    untrack $pid
}

# A function in the background would be killed in the place of the program.
held_up=(env "$bin/hsm-agent" enrol)
ca_options=(--est "$ca_url" --ca "$ca/root.pem" --user-file "$ca/est-user")

new_key k1
ca_faults 'simpleenroll late 20000'
asked=$(grep -c '^simpleenroll' "$ca/log")
killed "[ \$(grep -c ^simpleenroll '$ca/log') -gt $asked ]" "${held_up[@]}" k1 "${ca_options[@]}" --subject O=Acme,CN=k1.example
is 'killed while the CA answers' "$(state_of k1)" submitting
ca_faults
succeeds 'it goes on' hsm_agent enrol --resume
installed 'after that' k1

new_key k2
# The agent stops as soon as the CA has been asked: the certificate comes, and can't be installed.
ca_faults 'simpleenroll late 3000'
asked=$(grep -c '^simpleenroll' "$ca/log")
"${held_up[@]}" k2 "${ca_options[@]}" --subject O=Acme,CN=k2.example >"$T/killed.log" 2>&1 &
pid=$!
track $pid
await 30 eval "[ \$(grep -c ^simpleenroll '$ca/log') -gt $asked ]"
freeze "${agent_pid[a]}"
is_issued() {
    [ "$(state_of k2)" = issued ]
}
await 30 is_issued
kill -KILL $pid
wait $pid 2>/dev/null
untrack $pid
is 'killed before the certificate is installed' "$(state_of k2)" issued
fails 'the agent does not answer now' 1 "*can't be installed*in time*" hsm_agent --timeout 1 enrol k2 --resume
kill -CONT "${agent_pid[a]}"
ca_faults '* drop'
succeeds 'it is installed without another word with the CA' hsm_agent enrol k2 --resume
installed 'after that' k2
ca_faults

new_key k3
ca_faults 'simpleenroll slow 4000 x1'
"${held_up[@]}" k3 "${ca_options[@]}" --subject O=Acme,CN=k3.example >"$T/killed.log" 2>&1 &
pid=$!
track $pid
is_begun() {
    [ "$(state_of k3)" = submitting ]
}
await 30 is_begun
fails 'two do not work at one enrolment' 1 '*another process*' hsm_agent enrol k3 --resume
wait $pid
is 'the first one gets there' $? 0
untrack $pid

ends_well a
done_testing
