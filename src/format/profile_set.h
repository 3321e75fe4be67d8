// SPDX-License-Identifier: Apache-2.0
// What a set of profiles is made of, for those files that make one.
#pragma once

#include "format/profile.h"

#include <stdatomic.h>

struct ha_profiles {
    atomic_uint refs;
    struct ha_profile *items;  // by name
    size_t n;
};

#define HA_PROFILE_FIELD(type, base, offset) ((type *)(void *)((char *)(base) + (offset)))

void ha_profile_clear(struct ha_profile *profile);
HA_AUTO_DEFINE_CLEAR(struct ha_profile, ha_profile_clear)
