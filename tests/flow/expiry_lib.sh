# SPDX-License-Identifier: Apache-2.0
# Certificates that expire when a test wants it. Sourced after lib.sh.

ca=$T/ca
mkdir -p "$ca"
: >"$ca/index"
cat >"$ca/conf" <<CONF
[ca]
default_ca = own
[own]
database = $ca/index
new_certs_dir = $ca
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
email_in_dn = no
preserve = yes
[any]
countryName = optional
organizationName = optional
commonName = supplied
CONF
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$ca/key" -out "$ca/pem" -days 3650 \
    -subj '/C=AE/CN=Test CA' 2>"$ca/log" || not_ok 'the test CA is made' "$(<"$ca/log")"

# A time so many days from now, or so many minutes, "28 days" or "-3 days": as openssl ca has it.
asn1_time() { # OFFSET
    date -u -d "$1" +%Y%m%d%H%M%SZ
}

# A certificate for a key of the agent in use.
issue() { # KEY SUBJECT UNTIL FILE [CSR OPTION...]
    local key=$1 subject=$2 until=$3 file=$4
    shift 4
    hsm_agent csr "$key" --subject "$subject" "$@" >"$file.csr" &&
        openssl ca -batch -config "$ca/conf" -cert "$ca/pem" -keyfile "$ca/key" -in "$file.csr" -notext -out "$file" \
            -startdate "$(asn1_time '-390 days')" -enddate "$(asn1_time "$until")" 2>"$ca/log"
}
