// SPDX-License-Identifier: Apache-2.0
// So many in a second, and so many at once.
#pragma once

#include "base/err.h"

struct ha_rate {
    unsigned per_s;  // 0: no limit
    unsigned burst;  // at least 1
};
#define HA_RATE_MAX      1000000
#define HA_RATE_TEXT_MAX 40

// "500/s", "500/s burst=1000"; the burst is as much as the rate unless it is said. HA_E_CONFIG.
enum ha_code ha_rate_parse(const char *text, struct ha_rate *ret_rate, struct ha_err *err);
const char *ha_rate_print(const struct ha_rate *rate, char ret_text[static HA_RATE_TEXT_MAX]);
