// SPDX-License-Identifier: Apache-2.0
// The header field Content-Digest (RFC 9530). Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/alg.h"

// Appends "sha-256=:...:" (or sha-512) of a body, or of a digest that stands for one.
enum ha_code ha_content_digest_make(enum ha_hash hash, const void *body, size_t n, struct ha_buf *out,
                                    struct ha_err *err);
void ha_content_digest_write(enum ha_hash hash, const uint8_t *digest, struct ha_buf *out);
// Whether the value of the field fits the body: at least one digest of SHA-256 or SHA-512, and each of these the right
// one; others are passed over. body NULL: sha256 stands for it. HA_E_NOT_VERIFIED with the reason.
enum ha_code ha_content_digest_check(const char *value, const void *body, size_t n, const uint8_t *sha256,
                                     struct ha_err *err);
