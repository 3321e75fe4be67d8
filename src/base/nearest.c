// SPDX-License-Identifier: Apache-2.0
// Optimal string alignment distance, by three rows of the usual matrix.
#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 31 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ha_nearest_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t rows[3][WORD_MAX + 1];
    if (n > WORD_MAX || m > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i - 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = least(least(before[j], now[j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

void ha_nearest_offer(struct ha_nearest *nearest, const char *known, const char *shown)
{
    size_t distance = ha_nearest_distance(nearest->word, known);
    // A third of the letters wrong is a slip, more is another word.
    if (distance > 1 + strlen(known) / 3 || distance >= strlen(known))
        return;
    if (!nearest->best || distance < nearest->distance) {
        nearest->best = shown;
        nearest->distance = distance;
    }
}
