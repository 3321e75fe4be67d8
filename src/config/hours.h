// SPDX-License-Identifier: Apache-2.0
// A window of the week, as in hours.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ha_hours {
    unsigned days;              // on which it begins: bits 1u << 0 (Monday) to 6 (Sunday)
    unsigned from_min, to_min;  // minutes since midnight, UTC; to_min <= from_min: of the next day
};
#define HA_HOURS_TEXT_MAX 48

// "Mon-Fri 08:00-18:00", "Sat,Sun 22:00-02:00", "08:00-24:00". HA_E_CONFIG.
enum ha_code ha_hours_parse(const char *text, struct ha_hours *ret_hours, struct ha_err *err);
// The same, with its days one by one unless they are all.
const char *ha_hours_print(const struct ha_hours *hours, char ret_text[static HA_HOURS_TEXT_MAX]);
bool ha_hours_hold(const struct ha_hours *hours, int64_t unix_s);  // unix_s >= 0
