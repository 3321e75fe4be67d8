#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What README.md shows is what happens: its blocks are run, one after the other, in one `hsm-agent dev`.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

readme=$(cd "$flow/../.." && pwd)/README.md
mkdir "$T/work"
cd "$T/work" || exit 99
part 'README.md was run to its end' env -u XDG_RUNTIME_DIR "PATH=$bin:$PATH" "TMPDIR=$T" \
    hsm-agent dev -- "$python" "$flow/readme.py" "$readme"

cd "$bin" || exit 99
done_testing
