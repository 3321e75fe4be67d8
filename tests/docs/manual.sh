#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The manuals and documents say what the program's tables say, and name nothing that isn't there.
# Runs in the top of the build directory; srcdir is the source's.
set -u
export LC_ALL=C
src=${srcdir:-$(dirname "$0")/../..}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
count=0

ok()
{
    count=$((count + 1))
    echo "ok $count - $1"
}

# not_ok NAME: what went wrong comes on stdin.
not_ok()
{
    count=$((count + 1))
    echo "not ok $count - $1"
    sed 's/^/# /'
}

# same_part PAGE PROGRAM [OPTION]: between its BEGIN and END lines, the page has what the program prints.
same_part()
{
    local page=$src/man/$1 option=${3:---manual} name="$1 has what $2 ${3:---manual} prints"
    cp "$page" "$work/page" && chmod u+w "$work/page"
    if [ "$(grep -c -E '^\.\\" (BEGIN|END): ' "$page")" != 2 ]; then
        not_ok "$name" <<<"it has no BEGIN and END line"
    elif ! "$src/man/update" "$work/page" "./$2" "$option" 2>"$work/err"; then
        not_ok "$name" <"$work/err"
    elif [ "$(wc -l <"$work/page")" -lt 50 ]; then
        not_ok "$name" <<<"$2 $option prints next to nothing"
    elif diff -u "$page" "$work/page" >"$work/diff"; then
        ok "$name"
    else
        echo "make update-manuals brings it up to date" >>"$work/diff"
        not_ok "$name" <"$work/diff"
    fi
}

# stand_in NAME LEAST TEXT: each line of stdin, a pattern, stands in the text as a word; there are LEAST lines or more.
stand_in()
{
    local name=$1 least=$2 text=$3 line n=0
    : >"$work/missing"
    while IFS= read -r line; do
        n=$((n + 1))
        grep -q -E "(^|[^A-Za-z0-9/_-])$line([^A-Za-z0-9/_-]|\$)" "$text" || echo "missing: $line" >>"$work/missing"
    done
    [ "$n" -ge "$least" ] || echo "only $n were found in the source" >>"$work/missing"
    if [ -s "$work/missing" ]; then
        not_ok "$name" <"$work/missing"
    else
        ok "$name ($n)"
    fi
}

# A page's text without roff: fonts, escapes and macros of fonts.
plain()
{
    sed -e 's/\\f[BIRP]//g' -e 's/\\-/-/g' -e 's/\\&//g' -e 's/\\e/\\/g' -e "s/\\\\(aq/'/g" \
        -e 's/^\.\(B\|I\|BR\|RB\|BI\|IB\|IR\|RI\|SS\|TP\) *//' "$1"
}

same_part hsm-agent.1 hsm-agent
same_part hsm-agent.conf.5 hsm-agentd
same_part hsm-agent-profiles.5 hsm-agentd --manual-profiles

plain "$src/man/hsm-agent-api.7" | tr -s ' "' ' ' >"$work/api"
sed -n 's/^ *{"\([A-Z]*\)", PATTERN("\(\/v1[^"]*\)").*/\1 \2/p' "$src/src/api/router.c" | sed 's/[{}]/\\&/g' >"$work/routes"
stand_in "hsm-agent-api.7 has every route of the router" 13 "$work/api" <"$work/routes"
# A row has the code, the status and the title. Two codes are the command line's own and are never sent.
tr -s '\n ' ' ' <"$src/src/base/err.c" | grep -o '\[HA_E_[A-Z0-9_]*\] = *{"[^"]*", [0-9]*, "[^"]*"' |
    sed -e '/HA_E_USAGE\|HA_E_AGENT\|HA_E_CA/d' -e 's/.*{"\(.*\)", \(.*\), "\(.*\)"/\1\t\2\t\3/' >"$work/codes"
stand_in "hsm-agent-api.7 has every error code" 25 "$work/api" <"$work/codes"
plain "$src/man/hsm-agentd.8" >"$work/agentd"
./hsm-agentd --help | grep -o -E -- '--[a-z-]+' >"$work/options"
stand_in "hsm-agentd.8 has every option" 7 "$work/agentd" <"$work/options"

version=$(./hsm-agentd --version | sed 's/.* //')
stale=$(grep -L "^\.TH [A-Z.-]* [1-8] [0-9-]* \"hsm-agent $version\"" "$src"/man/*.[1-8])
if [ -n "$version" ] && [ -z "$stale" ]; then
    ok "every manual is of this version, $version"
else
    not_ok "every manual is of this version" <<<"not of version $version: $stale"
fi

if ! command -v mandoc >/dev/null; then
    count=$((count + 1))
    echo "ok $count - mandoc finds no error # SKIP mandoc is not installed"
elif mandoc -Tlint -W warning "$src"/man/*.[1-8] >"$work/lint" 2>&1; then
    ok "mandoc finds no error"
else
    not_ok "mandoc finds no error" <"$work/lint"
fi

# Files of the tree that the documents name.
: >"$work/missing"
cd "$src" && set -- docs/*.md && cd - >/dev/null || exit 99
for document in README.md HACKING.md SECURITY.md CHANGELOG.md "$@"; do
    grep -o -E '(src|tests|man|hsm-config|include|m4)/[A-Za-z0-9_./-]*[A-Za-z0-9_]|\]\([A-Za-z][A-Za-z./-]*\)' "$src/$document" |
        sed 's/^](\(.*\))$/\1/' | sort -u >"$work/named"
    while IFS= read -r file; do
        [ -e "$src/$file" ] || [ -e "$src/$file.c" ] || [ -e "$src/$(dirname "$document")/$file" ] || echo "$document: $file" >>"$work/missing"
    done <"$work/named"
    cat "$work/named" >>"$work/all"
done
if [ -s "$work/missing" ] || [ "$(sort -u "$work/all" | wc -l)" -lt 20 ]; then
    echo "these are missing, or too few were found" >>"$work/missing"
    not_ok "every file that the documents name is there" <"$work/missing"
else
    ok "every file that the documents name is there ($(sort -u "$work/all" | wc -l))"
fi

echo "1..$count"
