// SPDX-License-Identifier: Apache-2.0
// Certificates as people have them: in PEM, DER, PKCS#7, of a CA's page or a directory, several, in any order.
// Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define HA_CERT_BAG_MAX 32  // certificates

struct x509_st;
struct ha_cert_bag {
    struct x509_st *items[HA_CERT_BAG_MAX];  // no two alike
    size_t n;
};
void ha_cert_bag_clear(struct ha_cert_bag *bag);
HA_AUTO_DEFINE_CLEAR(struct ha_cert_bag, ha_cert_bag_clear)

// Adds what the n bytes hold, at least one certificate: PEM blocks CERTIFICATE (X509 CERTIFICATE, TRUSTED CERTIFICATE),
// PKCS7 and CMS with any text around them; DER, one after the other; a PKCS#7 or CMS in DER; or base64 of either DER,
// with white space, as EST answers. Other PEM blocks are refused, a private key above all: it has no business here.
// HA_E_MALFORMED, HA_E_TOO_LARGE, HA_E_MEMORY; what was read before a mistake stays in the bag.
enum ha_code ha_cert_bag_add(struct ha_cert_bag *bag, const void *bytes, size_t n, struct ha_err *err);
// Takes the certificate over, also when it fails. One that is there already isn't added again.
enum ha_code ha_cert_bag_put(struct ha_cert_bag *bag, struct x509_st *certificate, struct ha_err *err);
