// SPDX-License-Identifier: Apache-2.0
// Certificates made on the spot, for tests. Failing asserts take the place of errors.
#pragma once

#include "softkey.h"

#include "base/buf.h"
#include "crypto/ossl.h"

#include <openssl/x509v3.h>

HA_AUTO_DEFINE(X509, X509_free)

// What isn't said is the usual: valid from yesterday for a year, SHA-256, no extensions.
struct cert_rig_wish {
    const char *cn;
    const struct ha_pubkey *key;
    const EVP_PKEY *evp;  // the key, where it is one that ha_pubkey doesn't take; NULL: key
    X509 *issuer;         // NULL: self-signed
    const struct softkey *by;
    long from_days, until_days;  // from now on; both 0: the usual
    bool ca;
    const char *san, *key_usage, *extended_key_usage;  // as in openssl's configuration; NULL: none
    const EVP_MD *md;
};
X509 *cert_rig_make(const struct cert_rig_wish *wish);
void cert_rig_pem(X509 *certificate, struct ha_buf *out);  // appended
void cert_rig_der(X509 *certificate, struct ha_buf *out);
// A PKCS#7 of certificates alone, as CAs send it: DER, n of them.
void cert_rig_pkcs7(X509 *const *certificates, size_t n, struct ha_buf *out);
