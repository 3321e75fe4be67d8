// SPDX-License-Identifier: Apache-2.0
// The Concat KDF (NIST SP 800-56A section 5.8.1) with SHA-256, as JOSE's key agreement has it. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// What the key is bound to (RFC 7518 section 4.6.2).
struct ha_kdf_info {
    const char *algorithm;  // "A128GCM", "ECDH-ES+A128KW"
    const uint8_t *apu, *apv;
    size_t apu_len, apv_len;
};
// Appends a key of key_len bytes to out.
enum ha_code ha_kdf_concat(const uint8_t *secret, size_t n, const struct ha_kdf_info *info, size_t key_len,
                           struct ha_buf *out, struct ha_err *err);
