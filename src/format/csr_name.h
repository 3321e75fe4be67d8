// SPDX-License-Identifier: Apache-2.0
// The subject of a certificate request, from its JSON description to a DER-ready X.501 Name. Thread-safe.
#pragma once

#include "base/json.h"
#include "crypto/ossl.h"

// subject as in struct ha_csr_request; NULL and an empty list are the empty name. The caller frees the name.
// Every mistake is HA_E_MALFORMED (an unknown type HA_E_UNKNOWN_MEMBER) with the pointer of the member.
enum ha_code ha_csr_name_build(const ha_json *subject, X509_NAME **ret_name, struct ha_err *err);
// The attribute type's name in descriptions; NULL: it has none but its dotted OID.
const char *ha_csr_name_of(int nid);
