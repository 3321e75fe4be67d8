// SPDX-License-Identifier: Apache-2.0
// The parts of a certificate that tokens want to hold beside it. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// DER: the subject's and the issuer's Name, the serial number as INTEGER.
struct ha_x509_parts {
    struct ha_buf subject, issuer, serial;
};
void ha_x509_parts_clear(struct ha_x509_parts *parts);
HA_AUTO_DEFINE_CLEAR(struct ha_x509_parts, ha_x509_parts_clear)

// Of exactly n bytes of DER. ret_parts is zeroed by the caller, who clears it in any case. HA_E_MALFORMED: it is no
// certificate.
enum ha_code ha_x509_parts_read(const uint8_t *der, size_t n, struct ha_x509_parts *ret_parts, struct ha_err *err);
