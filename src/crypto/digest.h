// SPDX-License-Identifier: Apache-2.0
// Message digests through OpenSSL's EVP. Thread-safe.
#pragma once

#include "base/err.h"
#include "crypto/alg.h"

#define HA_DIGEST_MAX 64

// ret_digest gets ha_hash_info(hash)->len bytes.
enum ha_code ha_digest(enum ha_hash hash, const void *data, size_t n, uint8_t ret_digest[static HA_DIGEST_MAX],
                       struct ha_err *err);
