// SPDX-License-Identifier: Apache-2.0
// INI text, line by line, with every mistake reported. The only door to inih.
//
// [kind name] sections, `option = value` lines, comments after '#' or ';' (at the line's start, or after white space).
#pragma once

#include "base/err.h"

#include <stddef.h>

struct ha_ini_events {
    void *context;
    // section is the text between the brackets, "" before the first. line counts from 1.
    void (*option)(void *context, unsigned line, const char *section, const char *name, const char *value);
    void (*mistake)(void *context, unsigned line, const char *cause, const char *remedy);
};

// Lines that aren't INI, are longer than inih takes (198 bytes) or hold control characters are reported as
// mistakes and skipped. A section header line is reported through option with name and value NULL.
void ha_ini_parse(const char *text, size_t n, const struct ha_ini_events *events);
