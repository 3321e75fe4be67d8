// SPDX-License-Identifier: Apache-2.0
// What an X.509 certificate says, as JSON for people and programs. Thread-safe.
#pragma once

#include "base/json.h"

// Writes an object:
//   subject, issuer      text in the order of RFC 4514, UTF-8
//   serial, sha256       hexadecimal; the hash of the DER
//   x5t_s256             the same in base64url, as kids are made of it
//   not_before, not_after   "2026-11-21T07:26:35Z"
//   self_issued, ca      booleans
//   key, signature       "rsa:2048" or what OpenSSL calls it; "ecdsa-with-SHA256"
//   request              subject, san, key_usage, extended_key_usage as POST /v1/keys/{name}/csr takes them, so that a
//                        renewal can ask for the same; members without content are left out
// HA_E_MALFORMED when the n bytes aren't one certificate.
enum ha_code ha_cert_json(struct ha_buf *out, const char *name, const uint8_t *der, size_t n, struct ha_err *err);
