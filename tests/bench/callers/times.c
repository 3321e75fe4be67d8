// SPDX-License-Identifier: Apache-2.0
// The first 64 buckets are a nanosecond each; above, each power of two has 64.
#include "times.h"

#include <math.h>

void times_add(struct times *times, int64_t ns)
{
    uint64_t value = ns > 0 ? (uint64_t)ns : 0;
    unsigned power = 63u - (unsigned)__builtin_clzll(value | 1);
    uint64_t bucket = power < 6 ? value : (power - 5) * 64ull + (value >> (power - 6)) - 64;
    times->n[bucket < TIMES_BUCKETS ? bucket : TIMES_BUCKETS - 1]++;
}

void times_merge(struct times *into, const struct times *other)
{
    for (int i = 0; i < TIMES_BUCKETS; i++)
        into->n[i] += other->n[i];
}

static double middle(int bucket)
{
    if (bucket < 64)
        return bucket;
    int power = bucket / 64 + 5;
    return ((double)(bucket % 64 + 64) + 0.5) * (double)(1ull << (power - 6));
}

double times_quantile(const struct times *times, double share)
{
    uint64_t n = 0, seen = 0;
    for (int i = 0; i < TIMES_BUCKETS; i++)
        n += times->n[i];
    for (int i = 0; i < TIMES_BUCKETS; i++) {
        seen += times->n[i];
        if (n > 0 && (double)seen >= share * (double)n)
            return middle(i) / 1000;
    }
    return NAN;
}
