// SPDX-License-Identifier: Apache-2.0
// Mistakes are found out of order (a missing option shows at its section's end), so each is put where its line belongs.
#include "base/mistakes.h"

#include <stdio.h>
#include <string.h>

static bool same_file(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool ha_mistakes_add(struct ha_mistakes *mistakes, const char *file, unsigned line, const char *cause,
                     const char *remedy)
{
    char *copy = file ? strdup(file) : NULL;
    struct ha_mistake *items = reallocarray(mistakes->items, mistakes->n + 1, sizeof *items);
    if (items)
        mistakes->items = items;
    if (!items || (file && !copy)) {
        free(copy);
        return false;
    }
    size_t at = mistakes->n;
    while (at > 0 && same_file(items[at - 1].file, file) && items[at - 1].line > line)
        at--;
    memmove(items + at + 1, items + at, (mistakes->n - at) * sizeof *items);
    items[at] = (struct ha_mistake){.file = copy, .line = line};
    snprintf(items[at].cause, sizeof items[at].cause, "%s", cause);
    snprintf(items[at].remedy, sizeof items[at].remedy, "%s", remedy);
    mistakes->n++;
    return true;
}

void ha_mistakes_clear(struct ha_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->n; i++)
        free(mistakes->items[i].file);
    free(mistakes->items);
    *mistakes = (struct ha_mistakes){0};
}
