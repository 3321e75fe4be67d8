// SPDX-License-Identifier: Apache-2.0
// Private keys that decrypt what a JWE is about, in the place of a token. Failing asserts take the place of errors.
#pragma once

#include "softkey.h"

#include "format/jwe.h"

// A private key as PEM (PKCS#8).
struct softkey *jwe_rig_key(const char *pem);
// The vectors in tests/vectors/NAME.
ha_json *jwe_rig_vectors(const char *name);
// Does what a token would, and appends the outcome. False: it doesn't decrypt.
bool jwe_rig_unwrap(const struct softkey *key, const struct ha_jwe *job, struct ha_buf *secret);
// From the message to the plaintext, or to the error. kid may be NULL.
enum ha_code jwe_rig_open(const struct softkey *key, const struct ha_jwe_profile *profile, const char *kid,
                          const char *text, size_t n, struct ha_buf *plaintext, struct ha_err *err);
