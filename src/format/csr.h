// SPDX-License-Identifier: Apache-2.0
// PKCS#10 certificate requests (RFC 2986) with the extensions of RFC 5280, from a JSON description.
#pragma once

#include "base/json.h"
#include "format/signer.h"

// What the request asks for. All parts are borrowed JSON of the caller; NULL is absent.
struct ha_csr_request {
    // A list of RDNs in the order of the certificate. Each is an object of attribute type -> value:
    //   [{"C":"AE"},{"O":"Acme"},{"OU":"a","CN":"b"}]   (two members: one multi-valued RDN)
    // Types: the names of ha_csr_attributes() or a dotted OID. May be an empty list (an empty subject).
    const ha_json *subject;
    const ha_json *san;                 // {"dns":[..],"ip":[..],"uri":[..],"email":[..]}
    const ha_json *key_usage;           // ["digitalSignature","keyEncipherment",...]
    const ha_json *extended_key_usage;  // ["serverAuth","clientAuth",..., or dotted OIDs]
    enum ha_alg algorithm;              // RS*, PS*, ES*, Ed25519 that fits the key
    bool pss_key;                       // an RSA key that is certified for PSS only (RFC 4055: id-RSASSA-PSS); PS* then
};

// Everything is checked before the one signature is asked for; mistakes carry the JSON pointer of the member
// ("/subject/0/CN"). The finished request is verified with its own public key before it is returned.
// Appends PEM ("CERTIFICATE REQUEST") to out.
enum ha_code ha_csr_build(const struct ha_csr_request *request, const struct ha_signer *signer, struct ha_buf *out,
                          struct ha_err *err);

// Appends the subject of what a request signs (DER), as text in the order of RFC 4514. false: it isn't one.
bool ha_csr_read_subject(const void *info, size_t n, struct ha_buf *out);

// The names that are known, NULL-terminated, for help and documentation.
const char *const *ha_csr_attributes(void);
const char *const *ha_csr_key_usages(void);
const char *const *ha_csr_extended_key_usages(void);
