// SPDX-License-Identifier: Apache-2.0
// A histogram of times, exact to 1.6 %. Not thread-safe: each caller has its own, in memory that processes share.
#pragma once

#include <stdint.h>

enum { TIMES_BUCKETS = 64 * 36 };  // up to 2^41 ns

struct times {
    uint32_t n[TIMES_BUCKETS];
};

void times_add(struct times *times, int64_t ns);

void times_merge(struct times *into, const struct times *other);

// Microseconds that so large a share (0.99) of the times doesn't exceed; NaN if there are none.
double times_quantile(const struct times *times, double share);
