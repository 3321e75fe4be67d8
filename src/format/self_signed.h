// SPDX-License-Identifier: Apache-2.0
// Self-signed certificates, made of certificate requests: for tests, and for peers that pin the very certificate.
#pragma once

#include "format/signer.h"

// pem: a CERTIFICATE REQUEST of the signer's key, whose subject, alternative names and usages the certificate gets; it
// is no CA's. from_s, until_s: seconds since 1970. Appends PEM ("CERTIFICATE") to out. HA_E_MALFORMED: it is no
// request; HA_E_CONFLICT: it is another key's, or its signature isn't good; HA_E_KEY_CANNOT: the algorithm doesn't fit
// the key.
enum ha_code ha_self_signed(const char *pem, size_t n, enum ha_alg alg, int64_t from_s, int64_t until_s,
                            const struct ha_signer *signer, struct ha_buf *out, struct ha_err *err);
