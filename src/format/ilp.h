// SPDX-License-Identifier: Apache-2.0
// ILP conditions and fulfilments of Mojaloop transfers: what the HMAC key in the token is asked for, and what its
// answer means. Thread-safe.
//
// The key is the payee's shared secret as Mojaloop's libraries use it: the bytes of the secret's standard base64 text.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

#define HA_ILP_FULFILMENT_LEN 32

enum ha_ilp_version {
    HA_ILP_V4,  // data is the transaction object, as compact JSON with sorted members
    HA_ILP_V1,  // data is the ILP payment packet
};
struct ha_ilp_profile {
    enum ha_ilp_version version;
};

// Appends to ret_message what the key authenticates for data.
enum ha_code ha_ilp_begin(const struct ha_ilp_profile *profile, const void *data, size_t n, struct ha_buf *ret_message,
                          struct ha_err *err);
// Appends fulfilment and condition as base64url, from the n bytes that the token answered. HA_E_TOKEN_ERROR when they
// aren't 32.
enum ha_code ha_ilp_end(const uint8_t *mac, size_t n, struct ha_buf *ret_fulfilment, struct ha_buf *ret_condition,
                        struct ha_err *err);
