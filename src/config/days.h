// SPDX-License-Identifier: Apache-2.0
// A list of numbers of days, as in expiry-days.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define HA_DAYS_MAX 8  // numbers in one list

struct ha_days {
    unsigned items[HA_DAYS_MAX];  // the most first, none twice
    size_t n;
};

// "90, 60, 30, 1" in any order, or "none". HA_E_CONFIG.
enum ha_code ha_days_parse(const char *text, struct ha_days *ret_days, struct ha_err *err);
void ha_days_print(const struct ha_days *days, struct ha_buf *out);
