// SPDX-License-Identifier: Apache-2.0
// The list of mistakes, in the order of the file's lines.
#pragma once

#include "config/config.h"

// Adds a mistake behind those of the same line and the lines before. False: out of memory.
bool ha_mistakes_add(struct ha_mistakes *mistakes, unsigned line, const char *cause, const char *remedy);
