// SPDX-License-Identifier: Apache-2.0
// "Did you mean": which known word a wrong one is nearest to. Pure and thread-safe.
#pragma once

#include <stddef.h>

// The least number of letters to insert, delete, replace or swap with their neighbour to make b of a. Words over 31
// bytes are far from everything.
size_t ha_nearest_distance(const char *a, const char *b);

// Keeps the best of the words that are offered one after the other.
struct ha_nearest {
    const char *word;  // what was written
    const char *best;  // NULL: nothing is near enough
    size_t distance;
};
// Offers known under the name shown (which may be longer than the part that is compared).
void ha_nearest_offer(struct ha_nearest *nearest, const char *known, const char *shown);
