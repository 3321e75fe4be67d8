#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds one fuzzer and runs it: run.sh NAME FLAG... -- SOURCE..., from the build directory, for $FUZZ_SECONDS. Corpus, log
# and what breaks it (crash-*) are in fuzz.out/ there; the corpus is used again by the next run.
set -euo pipefail
name=$1
shift
flags=()
while [ "$1" != -- ]; do
    flags+=("$1")
    shift
done
shift
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
sources=("$top/tests/fuzz/${name}_fuzz.c")
for source in "$@"; do
    case $source in
    *.c) sources+=("$top/${source#"$top"/}") ;;
    esac
done
if ! command -v "${FUZZ_CC:=clang}" >/dev/null; then
    echo "fuzz: $FUZZ_CC isn't there; libFuzzer comes with clang" >&2
    exit 1
fi
export FUZZ_TOP=$top # for those that read tests/vectors
mkdir -p "fuzz.out/$name.corpus"
"$FUZZ_CC" -std=gnu17 -g -O1 -Wall -Wextra -Wno-unused-parameter -Werror -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=undefined -I. -o "fuzz.out/${name}_fuzz" "${sources[@]}" "${flags[@]}"
cd fuzz.out
if ! "./${name}_fuzz" -max_total_time="${FUZZ_SECONDS:=300}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    "$name.corpus" "$top/tests/fuzz/seeds/$name" 2>"$name.log"; then
    tail -n 60 "$name.log"
    exit 1
fi
echo "$name: nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "$name.log") inputs," \
    "$(sed -n 's/.*DONE *cov: \([0-9]*\).*/\1/p' "$name.log") places reached, $FUZZ_SECONDS s"
