// SPDX-License-Identifier: Apache-2.0
// One option's value: text in, the field of the scheme's struct out.
#pragma once

#include "format/profile.h"

// Checks text and stores it; of lists and lines, appends. HA_E_CONFIG with the mistake's words, HA_E_MEMORY. The struct
// is unchanged on failure.
enum ha_code ha_profile_value_store(const struct ha_profile_option *option, const char *text, void *options,
                                    struct ha_err *err);
// Frees the value and leaves the field empty.
void ha_profile_value_clear(const struct ha_profile_option *option, void *options);
