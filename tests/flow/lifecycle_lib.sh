# SPDX-License-Identifier: Apache-2.0
# Runs a script of tests/ecosystems, sourced after lib.sh: with an empty token, and the test CA in the place of the portal.
. "$flow/ca_lib.sh"

[ "$sanitized" = no ] || skip_all 'a sanitized provider needs sanitized programs'
case $(openssl version) in
'OpenSSL 3.'*) ;;
*) skip_all "$(openssl version) has no providers" ;;
esac
for program in curl jq; do
    command -v "$program" >/dev/null || skip_all "$program isn't installed"
done

# What the commands of the script print is not TAP.
steps_of() { # SCRIPT
    bash "$flow/../ecosystems/$1.sh" | sed '/^ok \|^not ok \|^#/!s/^/# /'
}

lifecycle() { # SCRIPT
    local store=$T/store
    mkdir -p "$store/tokens" "$T/work"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$store/tokens" >"$store/softhsm2.conf"
    start_ca
    cd "$T/work" || exit 99
    export "PATH=$bin:$PATH" "SOFTHSM2_CONF=$store/softhsm2.conf" "MODULE=$module" "PROVIDER=$bin/.libs/hsmagent.so" \
        "PYTHON=$python" "ISSUE=node $flow/../interop/ca.mjs $ca issue" "ROOT=$ca/root.pem" "BUNDLE=$ca/bundle.pem" \
        "EST=$ca_url" "EST_USER=$ca/est-user" PUBLISH=6s
    part "$1.sh ran to its end" steps_of "$1"
    cd "$bin" || exit 99
    done_testing
}
