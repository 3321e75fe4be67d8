# SPDX-License-Identifier: Apache-2.0
# For tests with the test CA of tests/interop/ca.mjs, sourced after lib.sh. Its files are in $ca, its address is $ca_url.
#
#   start_ca; curl --cacert "$ca/root.pem" "$ca_url/.well-known/est/cacerts"
#   ca_faults 'submit drop-after x1'
#   ca_has approve 204 1      how often the CA answered that step that way
#   stop_ca; start_ca         it comes back at the same address

node_version=$(node --version 2>/dev/null) || node_version=v0
node_version=${node_version#v}
[ "${node_version%%.*}" -ge 20 ] || skip_all 'the test CA takes Node.js 20'

ca=$T/ca
ca_pid=
ca_url=

ca() { # issue|requests|approve|reject|status ARGUMENT...
    node "$flow/../interop/ca.mjs" "$ca" "$@"
}

ca_is_ready() {
    [ -e "$ca/ready" ] || gone "$ca_pid"
}

start_ca() { # [v1]
    rm -f "$ca/ready"
    node "$flow/../interop/ca.mjs" "$ca" serve "$@" >"$T/ca.log" 2>&1 </dev/null &
    ca_pid=$!
    track $ca_pid
    await 60 ca_is_ready
    if [ ! -e "$ca/ready" ]; then
        not_ok 'the test CA starts' "$(<"$T/ca.log")"
        done_testing
    fi
    ca_url=https://localhost:$(<"$ca/port")
}

stop_ca() {
    end "$ca_pid"
    untrack "$ca_pid"
}

ca_faults() { # [LINE...]: from now on, instead of those before
    printf '%s\n' "$@" >"$ca/faults.new"
    mv "$ca/faults.new" "$ca/faults"
}

ca_has() { # STEP STATUS TIMES
    [ "$(grep -c "^$1 $2 " "$ca/log")" = "$3" ]
}
