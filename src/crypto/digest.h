// SPDX-License-Identifier: Apache-2.0
// Message digests through OpenSSL's EVP. Thread-safe.
#pragma once

#include "base/err.h"
#include "crypto/alg.h"

#include <string.h>

#define HA_DIGEST_MAX 64

// ret_digest gets ha_hash_info(hash)->len bytes.
enum ha_code ha_digest(enum ha_hash hash, const void *data, size_t n, uint8_t ret_digest[static HA_DIGEST_MAX],
                       struct ha_err *err);

// An ECDSA digest of n bytes as one of fitted_len that is signed alike (FIPS 186-5 section 6.4.1): the leftmost bits of
// a longer one, a shorter one as the same number. For a curve whose own hash has fitted_len bytes.
static inline void ha_digest_fit(const uint8_t *digest, size_t n, uint8_t *ret_fitted, size_t fitted_len)
{
    size_t kept = n < fitted_len ? n : fitted_len;
    memset(ret_fitted, 0, fitted_len - kept);
    memcpy(ret_fitted + fitted_len - kept, digest, kept);
}
