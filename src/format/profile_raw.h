// SPDX-License-Identifier: Apache-2.0
// A profile as it is written: the lines of the shipped file and, in the place of those that it repeats, the site's.
#pragma once

#include "base/err.h"
#include "base/mistakes.h"

#include <stdbool.h>
#include <stddef.h>

struct ha_raw_line {
    char *name, *text;
    char *file;
    unsigned line;
};
// [values], [optional values] or one [message KIND].
struct ha_raw_section {
    char *name;  // KIND; NULL: values
    char *file;  // where it was seen first
    unsigned line;
    bool optional;
    struct ha_raw_line *lines;
    size_t n;
};
struct ha_raw_profile {
    struct ha_raw_section *sections;
    size_t n;
};
void ha_raw_profile_clear(struct ha_raw_profile *raw);
HA_AUTO_DEFINE_CLEAR(struct ha_raw_profile, ha_raw_profile_clear)

// Reads text as file. With overlay, an option takes the place of all of its name that are there already, and a value
// has to be declared already. Adds to mistakes; HA_E_MEMORY.
enum ha_code ha_raw_profile_read(struct ha_raw_profile *raw, const char *file, const char *text, size_t n, bool overlay,
                                 struct ha_mistakes *mistakes, struct ha_err *err);
// The line that gives the value called name; *ret_optional says whether it may be empty. NULL: not declared.
const struct ha_raw_line *ha_raw_profile_value(const struct ha_raw_profile *raw, const char *name, bool *ret_optional);
