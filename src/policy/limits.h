// SPDX-License-Identifier: Apache-2.0
// How often what the policy grants is done: rates and daily budgets, counted for each [client] section by its name, so
// that they go on when the configuration is read again. Thread-safe.
#pragma once

#include "config/config.h"

struct ha_limits;

enum ha_limit { HA_LIMIT_NONE, HA_LIMIT_RATE, HA_LIMIT_BUDGET };

struct ha_limits_clock {
    int64_t monotonic_ns;
    int64_t wall_s;  // since 1970
};
struct ha_limits_clock ha_limits_now(void);

struct ha_limits *ha_limits_new(void);  // NULL: out of memory
void ha_limits_free(struct ha_limits *limits);

// Takes one use from what the section may do. HA_LIMIT_NONE: there was one, or the section has no limits; else which
// one is spent, and the seconds (at least 1) until there is another; nothing is taken then. Rates are exact: a burst at
// once, then one for each 1/per_s seconds. The first use of a section begins with a whole burst. Without memory for a
// section's first use it is refused as HA_LIMIT_RATE.
enum ha_limit ha_limits_take(struct ha_limits *limits, const struct ha_client_config *client,
                             struct ha_limits_clock now, unsigned *ret_wait_s);
