// SPDX-License-Identifier: Apache-2.0
// One option's value: text in, the field of the section's struct out; and the way back.
#pragma once

#include "config/option.h"

// Checks text and stores it in the section's struct (appends, when the option may be repeated). HA_E_CONFIG with the
// mistake's words, which don't repeat what could be a secret; HA_E_MEMORY. The struct is unchanged on failure.
enum ha_code ha_value_store(const struct ha_option *option, const char *text, unsigned line, void *section,
                            struct ha_err *err);
// Gives a zeroed struct the option's default.
enum ha_code ha_value_default(const struct ha_option *option, void *section, struct ha_err *err);
// Appends a line "option = value" for each value; "# option =" when it is unset.
void ha_value_dump(const struct ha_option *option, const void *section, struct ha_buf *out);
// Frees the value and leaves the field empty.
void ha_value_clear(const struct ha_option *option, void *section);
