// SPDX-License-Identifier: Apache-2.0
// Certificates out of a PKCS#7 or CMS (RFC 2315, 5652): SignedData without signers, as CAs answer ("certs-only", .p7b).
// Thread-safe.
#pragma once

#include "format/cert_bag.h"

// Whether the n bytes of DER begin as a ContentInfo does, and not as a certificate.
bool ha_pkcs7_looks_like(const uint8_t *der, size_t n);
// Adds the certificates of exactly n bytes to the bag. No signature in it is looked at: certificates speak for
// themselves. HA_E_MALFORMED: it is none, or one without certificates.
enum ha_code ha_pkcs7_certificates(const uint8_t *der, size_t n, struct ha_cert_bag *bag, struct ha_err *err);
