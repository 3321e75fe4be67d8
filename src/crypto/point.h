// SPDX-License-Identifier: Apache-2.0
// Points of elliptic curves as tokens give them. Thread-safe.
#pragma once

#include "base/err.h"
#include "crypto/alg.h"

#include <stddef.h>
#include <stdint.h>

#define HA_POINT_MAX 133  // bytes of an uncompressed P-521 point

// Bytes of one coordinate (Ed25519: of the whole encoded point).
size_t ha_point_field_len(enum ha_key_type type);
// Bytes of the plain point: 04||x||y, or Ed25519's 32.
size_t ha_point_len(enum ha_key_type type);
// Takes the DER OCTET STRING off when there is one. *ret_plain is borrowed from point and has ha_point_len(type) bytes.
// HA_E_MALFORMED for any other length, HA_E_KEY_CANNOT for compressed points and for types without points.
enum ha_code ha_point_unwrap(enum ha_key_type type, const uint8_t *point, size_t n, const uint8_t **ret_plain,
                             struct ha_err *err);
// Whether 32 bytes decode to a point of Ed25519 (RFC 8032 section 5.1.3); OpenSSL asks that only when it verifies.
// The points with x = 0 are of no use as a key and are refused too.
enum ha_code ha_point_check_ed25519(const uint8_t point[static 32], struct ha_err *err);
