#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libhsmagent on a real agent: the manual's example, a crowd of threads, forks and users; key references.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

manual=$flow/../../man/libhsmagent.3
source=$flow/../unit/client_example.c
example=$bin/tests/unit/client_example

make_agent a 'token:software-oaep = yes'
start_agent a || done_testing
for key in 'rsa rsa:2048' 'p256 ec:p256' 'ed ed25519'; do
    # shellcheck disable=SC2086
    set -- $key
    succeeds "key $1 is made" hsm_agent key create "$1" --type "$2"
    hsm_agent key show "$1" --public pem >"$T/$1.pem"
done

# --- The example

is "the manual's example is the one tested here" \
    "$(sed -n '/^\.SH EXAMPLES/,/^\.EE/p' "$manual" | sed '1,2d;$d;s/\\(aq/'\''/g;s/\\-/-/g;s/\\e/\\/g')" "$(tail -n +2 "$source")"
is 'it has 30 lines at most' "$([ "$(wc -l <"$source")" -le 30 ] && echo yes)" yes

printf hello >"$T/hello"
"$example" p256 ES256 hello >"$T/sig"
succeeds 'it signs with EC' openssl dgst -sha256 -verify "$T/p256.pem" -signature "$T/sig" "$T/hello"
"$example" rsa RS256 hello >"$T/sig"
succeeds 'it signs with RSA' openssl dgst -sha256 -verify "$T/rsa.pem" -signature "$T/sig" "$T/hello"
"$example" ed Ed25519 hello >"$T/sig"
succeeds 'it signs with Ed25519' openssl pkeyutl -verify -pubin -inkey "$T/ed.pem" -rawin -in "$T/hello" -sigfile "$T/sig"
fails "it names a refusal's cause and remedy" 1 'no-such-key: *remedy: ?*' "$example" none ES256 hello
fails 'and that of an absent agent' 1 'agent-unreachable: *remedy: ?*' \
    env HSM_AGENT_SOCKET="$T/none" "$example" p256 ES256 hello

# --- The crowd

chmod 711 "$T" "$T/a"
chmod 666 "$socket"
part 'a crowd signs' "$bin/tests/unit/client_crowd" p256 ES256 "$([ $sanitized = yes ] && echo apart || echo together)"

# --- Key references

succeeds 'pem writes a key reference' hsm_agent pem p256 -o "$T/p256.key"
is 'which holds nothing secret' "$(stat -c %a "$T/p256.key")" "$(printf %o $((0644 & ~$(umask))))"
is 'its label' "$(sed -n '1p;$p' "$T/p256.key")" "$(printf -- '-----BEGIN HSM-AGENT KEY-----\n-----END HSM-AGENT KEY-----')"
grep -v '^-' "$T/p256.key" | base64 -d >"$T/p256.der"
parsed=$(openssl asn1parse -inform DER -in "$T/p256.der")
is 'its texts' "$(sed -n 's/.*UTF8STRING *://p' <<<"$parsed")" "$(printf 'hsm-agent key reference\nhsm-agent:p256')"
offset=$(awk -F: '/d=1 .*SEQUENCE/ { print $1 + 0; exit }' <<<"$parsed")
is 'its public key' "$(tail -c +$((offset + 1)) "$T/p256.der" | openssl pkey -pubin -inform DER)" "$(<"$T/p256.pem")"
hsm_agent pem rsa >"$T/rsa.key"
is 'a longer one is DER too' "$(grep -v '^-' "$T/rsa.key" | base64 -d | openssl asn1parse -inform DER >/dev/null && echo yes)" yes
fails 'a key that is not there has none' 1 '*no key*' hsm_agent pem none -o "$T/none.key"

# --- OpenSSL's configuration

hsm_agent openssl-conf >"$T/openssl.cnf"
is 'openssl-conf names default first' "$(sed -n '/^\[providers\]/,/^$/s/ = .*//p' "$T/openssl.cnf")" \
    "$(printf 'default\nzz_hsmagent')"
providers() { # MODULE: those that are active by the configuration for it
    hsm_agent openssl-conf --module "$1" >"$T/openssl.cnf"
    OPENSSL_CONF=$T/openssl.cnf openssl list -providers | awk '/^  [^ ]/ { name = $1 } /status: active/ { print name }'
}
is 'a module that is not there leaves the default provider' "$(providers "$T/none.so")" default
# Any module will do to see that it is loaded.
if [ -r "$(openssl version -m | cut -d'"' -f2)/legacy.so" ]; then
    is 'a module is loaded beside the default provider' "$(providers legacy.so)" "$(printf 'default\nzz_hsmagent')"
else
    skip 'a module is loaded beside the default provider' 'there is no module to try'
fi
# shellcheck disable=SC2016
fails 'a path that would be read as something else is refused' 2 "*can't be written*remedy: ?*" \
    hsm_agent openssl-conf --module '$ENV::HOME/x.so'

ends_well a
done_testing
