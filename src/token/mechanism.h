// SPDX-License-Identifier: Apache-2.0
// The token's mechanisms, asked for once.
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

struct ha_p11;

struct ha_mechanism {
    CK_MECHANISM_TYPE type;
    CK_FLAGS flags;  // CKF_SIGN, ...
};
struct ha_mechanisms {
    struct ha_mechanism *items;
    size_t n;
};
void ha_mechanisms_clear(struct ha_mechanisms *mechanisms);
HA_AUTO_DEFINE_CLEAR(struct ha_mechanisms, ha_mechanisms_clear)

// Fills a zeroed struct. A mechanism about which the token gives no information is left out.
enum ha_code ha_mechanisms_probe(struct ha_p11 *token, struct ha_mechanisms *out, struct ha_err *err);
// Whether the token does it, for all of the uses in flags.
bool ha_mechanisms_have(const struct ha_mechanisms *mechanisms, CK_MECHANISM_TYPE type, CK_FLAGS flags);
