// SPDX-License-Identifier: Apache-2.0
// Files of tests/vectors, and the software keys among them. Failing asserts take the place of errors.
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "crypto/pubkey.h"
#include "softkey.h"

// path is relative to tests/vectors. What is returned is the caller's.
void vector_read(const char *path, struct ha_buf *out);
ha_json *vector_json(const char *path);
struct softkey *vector_key(const char *path);  // a PEM private key
// Signs as a token does: ECDSA raw.
void vector_sign(struct softkey *key, enum ha_alg alg, const struct ha_buf *input, struct ha_buf *ret_signature);
