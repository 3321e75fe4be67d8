#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the pages on ecosystems show is what happens: each has its blocks run in a `hsm-agent dev` of its own, which has the
# site's profiles that the page shows. /etc/hsm-agent of the pages is that agent's directory.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99

docs=$(cd "$flow/../../docs" && pwd) || exit 99

# Each block below a comment `<!-- file: PATH -->` becomes that file.
write_files() { # PAGE
    awk '/^<!-- file: .* -->$/ { path = $3; next }
         /^```/ && inside { close(path); path = ""; inside = 0; next }
         /^```/ && path != "" { inside = 1; print path > "/dev/stderr"; next }
         inside { print > path }
         ! inside { path = "" }' "$1"
}

for name in uae-open-finance mhhs-dip mojaloop; do
    dir=$T/$name
    mkdir -p "$dir/certs" "$dir/profiles" "$T/work-$name"
    sed "s|/etc/hsm-agent|$dir|g" "$docs/$name.md" >"$T/$name.md"
    files=$(write_files "$T/$name.md" 2>&1)
    like "$name.md has the site's profile" "$files" "$dir/profiles/*.conf*"
    cd "$T/work-$name" || exit 99
    part "$name.md was run to its end" env "PATH=$bin:$PATH" \
        hsm-agent dev --dir "$dir" -- "$python" "$flow/readme.py" "$T/$name.md"
done

cd "$bin" || exit 99
done_testing
