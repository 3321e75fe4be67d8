// SPDX-License-Identifier: Apache-2.0
// The PIN guard: what is remembered on the disk of PINs that a token refused, so that none of them is tried twice, and
// of a login that has begun. HACKING.md, "The PIN guard", has the reasons.
//
// One small text file a token: a salt, and a line for each PIN with a slow hash of it and the token's serial number.
// One process at a time writes it.
#pragma once

#include "base/err.h"
#include "base/secret.h"
#include "crypto/slow_hash.h"

#include <stdbool.h>
#include <stdint.h>

enum ha_guard_outcome {
    HA_GUARD_ACCEPTED,  // the PIN is right
    HA_GUARD_REFUSED,   // the token judged it, and said no
    HA_GUARD_UNJUDGED,  // the token didn't look at it
    HA_GUARD_UNKNOWN,   // the token may have counted a wrong PIN
};

// A login that has begun.
struct ha_guard_try {
    uint8_t salt[HA_SLOW_SALT_LEN];
    uint8_t hash[HA_SLOW_HASH_LEN];
    bool begun_before;  // the end of an earlier try with this PIN isn't known
};

// Before C_Login: on HA_OK the try stands on the disk. count_low: the token says that a wrong PIN was entered since the
// last login. HA_E_PIN: the PIN must not be tried. Any other failure: the record can't be read or written, and the PIN
// must not be tried either.
enum ha_code ha_guard_begin(const char *path, const char *serial, struct ha_secret *pin, bool count_low,
                            struct ha_guard_try *ret_try, struct ha_err *err);
// After it.
enum ha_code ha_guard_end(const char *path, const struct ha_guard_try *try, enum ha_guard_outcome outcome,
                          struct ha_err *err);
