// SPDX-License-Identifier: Apache-2.0
// Mistakes are found out of order (a missing option shows at its section's end), so each is put where its line belongs.
#include "config/mistakes.h"

#include <stdio.h>
#include <string.h>

bool ha_mistakes_add(struct ha_mistakes *mistakes, unsigned line, const char *cause, const char *remedy)
{
    struct ha_mistake *items = reallocarray(mistakes->items, mistakes->n + 1, sizeof *items);
    if (!items)
        return false;
    mistakes->items = items;
    size_t at = mistakes->n;
    while (at > 0 && items[at - 1].line > line)
        at--;
    memmove(items + at + 1, items + at, (mistakes->n - at) * sizeof *items);
    items[at] = (struct ha_mistake){.line = line};
    snprintf(items[at].cause, sizeof items[at].cause, "%s", cause);
    snprintf(items[at].remedy, sizeof items[at].remedy, "%s", remedy);
    mistakes->n++;
    return true;
}

void ha_mistakes_clear(struct ha_mistakes *mistakes)
{
    free(mistakes->items);
    *mistakes = (struct ha_mistakes){0};
}
