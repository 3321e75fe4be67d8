#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The inventory: what it says of keys, certificates and uses, in each of its forms; the page in a real browser.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/expiry_lib.sh"

holder='<script>alert(1)</script> & "friends"'
make_agent a "end:[client nobody]" "end:user = 65534" "end:allow = c3:show"
start_agent a || done_testing
create() { # NAME OPTION...
    hsm_agent key create "$@" >/dev/null || not_ok "the key $1 is made"
}
create s4 --type rsa:2048 --purpose tls-server,csr --environment prod
create c3 --type ec:p256 --purpose tls-client,csr --environment prod --holder '=Acme, "Ltd"'
create sig4 --type ec:p256 --purpose sign,csr --environment pre-prod
create evil --type ec:p256 --purpose sign,csr --holder "$holder"
create tls --type ec:p384 --purpose tls-server,csr
create enc1 --type rsa:2048 --purpose decrypt,csr --environment prod
create old --type ec:p256 --purpose tls-server,csr
create plain --type rsa:2048 --purpose sign,csr --environment prod --profile uae-client/signing

# --- Before anything is used or installed

api GET /v1/inventory
is 'the inventory has each key' "$status $(member keys | jq -r 'map(.name) | join(" ")')" '200 c3 enc1 evil old plain s4 sig4 tls'
is 'no key has a certificate, and none was used' "$(jq '[.keys[] | select(.certificate or .last_use)] | length' "$T/body")" 0
is 'it says when notice is given' "$(member expiry_days)" '[90, 60, 30, 1]'
is 'a version is shown with what is known of it' \
    "$(jq -r '.keys[0] | [.name, .version, .status, .disabled, .state, .type, .bits, .environment, .holder, .backup, .origin, .purposes[], .tokens[]] | join(" ")' "$T/body")" \
    'c3 1 active false ready ec:p256 256 prod =Acme, "Ltd" false created csr tls-client main'
is 'and its profile' "$(jq -r '.keys[] | select(.profile) | .name + " " + .profile' "$T/body")" 'plain uae-client/signing'
api GET "/v1/keys/c3"
spki=$(member public_key.spki_sha256)
api GET /v1/inventory
is 'its public key is told apart' "$(jq -r '.keys[0].spki_sha256' "$T/body")" "$spki"

# --- Last use

before=$(date +%s)
printf 'hello' | hsm_agent sign plain --alg PS256 -o "$T/signature"
api GET /v1/inventory
used=$(jq -r '.keys[] | select(.last_use) | .name + " " + .last_use' "$T/body")
like 'the key that signed was used now' "$used" 'plain 20*Z'
at=$(date -d "${used#plain }" +%s)
if [ "$at" -ge $((before - 1)) ] && [ "$at" -le "$(date +%s)" ]; then
    ok 'the time of the use is right'
else
    not_ok 'the time of the use is right' "$used, and the signature was made after $before"
fi
fails 'a use that is refused' 1 '*' hsm_agent decrypt s4 -i "$T/signature" -o "$T/out"
api GET /v1/inventory
is 'a refused use is none' "$(jq '[.keys[] | select(.last_use)] | length' "$T/body")" 1

# --- With certificates

issue s4 'C=AE,O=Acme,CN=api.acme.example' '-3 days -1 hour' "$T/s4" &&
    issue c3 'C=AE,O=Acme,CN=c3.acme.example' '28 days 3 hours' "$T/c3" &&
    issue sig4 'C=AE,O=Acme,CN=1675e2a3-61b7-4e87-a4f5-1f2f3f4f5f6f' '71 days 3 hours' "$T/sig4" &&
    issue evil 'O==Evil,CN=\<img src\=x onerror\=alert(2)\>' '100 days' "$T/evil" &&
    issue tls 'CN=tls.acme.example' '200 days' "$T/tls" &&
    issue enc1 'CN=enc1' '3000 days' "$T/enc1" &&
    issue old 'CN=old.acme.example' '5 days' "$T/old" || not_ok 'the certificates are made' "$(<"$ca/log")"
for name in c3 sig4 evil tls enc1 old; do
    hsm_agent cert install "$name" "$T/$name" "$ca/pem" >"$T/out" 2>&1 || not_ok "the certificate of $name is installed" "$(<"$T/out")"
done
hsm_agent key disable old >/dev/null && hsm_agent key rotate sig4 --activate-after 1d >/dev/null ||
    not_ok 'a key is disabled, and one has a second version'
stop_agent a
# An expired one can't be installed: this one has expired since.
cat "$T/s4" "$ca/pem" >"$T/a/state/certificates/s4@1.pem"
start_agent a || done_testing
api GET /v1/inventory
is 'a restart forgets no use' "$(jq -r '.keys[] | select(.name == "plain") | .name + " " + .last_use' "$T/body")" "$used"
certificate=$(jq -r '.keys[] | select(.name == "c3") | .certificate | [.subject, .issuer, .serial, .not_after, .sha256, .issuers] | join("|")' "$T/body")
serial=$(openssl x509 -in "$T/c3" -noout -serial | sed 's/.*=//' | tr A-F a-f)
not_after=$(date -u -d "$(openssl x509 -in "$T/c3" -noout -enddate | sed 's/.*=//')" +%Y-%m-%dT%H:%M:%SZ)
sha256=$(openssl x509 -in "$T/c3" -outform DER | sha256sum | cut -d ' ' -f 1)
is 'the certificate is as openssl reads it' "$certificate" "CN=c3.acme.example,O=Acme,C=AE|CN=Test CA,C=AE|$serial|$not_after|$sha256|0"

is 'the issuers that are installed with it are counted' "$(jq '.keys[] | select(.name == "s4") | .certificate.issuers' "$T/body")" 1
is 'each version has its status' "$(jq -r '.keys[] | [.name, .version, .status, .disabled] | join(" ")' "$T/body" | paste -sd ';')" \
    'c3 1 active false;enc1 1 active false;evil 1 active false;old 1 active true;plain 1 active false;s4 1 active false;sig4 1 active false;sig4 2 pending false;tls 1 active false'

# --- Its forms

hsm_agent inventory >"$T/table"
is 'the table begins with what expires first' "$(awk 'NR > 1 { print $1 }' "$T/table" | paste -sd ' ')" 's4 old c3 sig4 evil tls enc1 plain sig4'
like 'the table says how long is left' "$(grep '^c3' "$T/table")" '*in 28 days*'
like 'and what is over' "$(grep '^s4' "$T/table")" '*3 days ago*'
hsm_agent inventory --json -o "$T/json"
is 'as JSON it is the answer' "$(jq -r '.keys | length' "$T/json")" 9
hsm_agent inventory --csv -o "$T/csv"
"$python" - "$T/csv" "$holder" >"$T/out" 2>&1 <<'PYTHON'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))
assert [row["name"] for row in rows] == "s4 old c3 sig4 evil tls enc1 plain sig4".split(), rows
c3, evil, plain, old = rows[2], rows[4], rows[7], rows[1]
assert c3["holder"] == '\'=Acme, "Ltd"' and c3["days_left"] == "28" and c3["purposes"] == "csr,tls-client", c3
assert c3["subject"] == "CN=c3.acme.example,O=Acme,C=AE" and rows[0]["days_left"] == "-3", rows
assert evil["holder"] == sys.argv[2], evil
assert old["disabled"] == "yes" and rows[8]["status"] == "pending", rows
assert plain["not_after"] == plain["days_left"] == "" and plain["last_use"].endswith("Z"), plain
assert not [cell for row in rows for name, cell in row.items() if cell[:1] in "=+-@" and cell and name != "days_left"], rows
PYTHON
is 'CSV is read back as it is meant, and has no formulas' "$?$(<"$T/out")" 0
fails 'two forms at once' 2 '*one form at a time*' hsm_agent inventory --csv --html

# --- The policy: a caller sees what it may know of

mkdir -m 755 "$T/open"
chmod 711 "$T" "$T/a"
chmod 666 "$socket"
if [ "$(id -u)" = 0 ]; then
    as_nobody() {
        setpriv --reuid 65534 --regid 65534 --clear-groups curl -s -m 20 --unix-socket "$socket" "http://localhost$1"
    }
    is 'somebody else sees the key that he may know of' "$(as_nobody /v1/inventory | jq -r '.keys | map(.name) | join(" ")')" c3
    is 'and its figures alone' "$(as_nobody /metrics | grep -c '^hsm_agent_certificate_not_after')" 1
else
    skip 'somebody else sees the key that he may know of' 'takes root to be somebody else'
fi

# --- Figures

api GET /metrics
like 'figures have the type that Prometheus wants' "$(tr -d '\r' <"$T/headers")" '*Content-Type: text/plain; version=0.0.4*'
is 'the certificate has its end' \
    "$(sed -n 's/^hsm_agent_certificate_not_after_timestamp_seconds{key="c3",version="1"} //p' "$T/body")" "$(date -d "$not_after" +%s)"
is 'the token is up' "$(grep '^hsm_agent_token_up' "$T/body")" 'hsm_agent_token_up{token="main"} 1'
is 'keys are counted by state' "$(grep '^hsm_agent_keys{state="ready"}' "$T/body")" 'hsm_agent_keys{state="ready"} 9'
is 'each line is a comment or a figure' \
    "$(grep -Evc '^# (HELP|TYPE) [a-z_]+ .|^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9]+$' "$T/body")" 0
if command -v promtool >/dev/null; then
    succeeds 'promtool finds nothing wrong' promtool check metrics <"$T/body"
fi

# --- The page

hsm_agent inventory --html -o "$T/page.html"
unlike 'the page asks for nothing from elsewhere' "$(<"$T/page.html")" '*://*'
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "${HSM_AGENT_INTEROP:-}" ] || [ -z "$chromium" ]; then
    skip 'the page in a browser' 'no Chromium, or HSM_AGENT_INTEROP is not set'
else
    . "$flow/judges_lib.sh"
    part 'the page in a browser' node "$judges/inventory.mjs" "$chromium" "$T/page.html" "${INVENTORY_PICTURES:-$T}"
fi
ends_well a
done_testing
