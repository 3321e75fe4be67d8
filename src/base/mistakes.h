// SPDX-License-Identifier: Apache-2.0
// The list of mistakes in files that an operator wrote: of each file in the order of its lines.
#pragma once

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>

struct ha_mistake {
    char *file;     // NULL: the one file that the list is about
    unsigned line;  // 0: the file as a whole
    char cause[320];
    char remedy[320];
};
struct ha_mistakes {
    struct ha_mistake *items;
    size_t n;
};
void ha_mistakes_clear(struct ha_mistakes *mistakes);
HA_AUTO_DEFINE_CLEAR(struct ha_mistakes, ha_mistakes_clear)

// Adds a mistake behind those of the same line and the lines before, and behind the files before. False: out of memory.
bool ha_mistakes_add(struct ha_mistakes *mistakes, const char *file, unsigned line, const char *cause,
                     const char *remedy);
