// SPDX-License-Identifier: Apache-2.0
// What an administrator says of a key when it is made, and a token knows nothing of: in which environment it belongs,
// for whom it works, by which profile its certificates are asked for, whether it may leave the token wrapped.
#pragma once

#include "keys/key.h"

#define HA_HOLDER_MAX 128  // bytes

struct ha_key_traits {
    const char *environment;  // a name: prod, pre-prod; NULL: unsaid
    const char *holder;       // a participant or client: UTF-8 without control characters; NULL: the operator itself
    const char *profile;      // PROFILE or PROFILE/MESSAGE, of which the names are checked and not whether it is there
    bool backup;              // only of a key that the token makes
};

// HA_E_MALFORMED at /environment, /holder or /profile.
enum ha_code ha_key_traits_check(const struct ha_key_traits *traits, struct ha_err *err);
// Copies them into a key that nobody else has, and checks them first. NULL: none are said.
enum ha_code ha_key_traits_give(const struct ha_key_traits *traits, struct ha_key *key, struct ha_err *err);
// Those of a key; they live as long as it does.
struct ha_key_traits ha_key_traits_of(const struct ha_key *key);
