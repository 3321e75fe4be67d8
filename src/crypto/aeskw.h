// SPDX-License-Identifier: Apache-2.0
// AES Key Wrap (RFC 3394) with the default initial value. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// kek_len is 16, 24 or 32; n is a multiple of 8 from 16 on. Appends n + 8 bytes.
enum ha_code ha_aeskw_wrap(const uint8_t *kek, size_t kek_len, const uint8_t *key, size_t n, struct ha_buf *wrapped,
                           struct ha_err *err);
// Appends n - 8 bytes; whatever isn't a wrapped key is ha_decryption_failed.
enum ha_code ha_aeskw_unwrap(const uint8_t *kek, size_t kek_len, const uint8_t *wrapped, size_t n, struct ha_buf *key,
                             struct ha_err *err);
