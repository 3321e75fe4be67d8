// SPDX-License-Identifier: Apache-2.0
// Checks that look at more than one option.
#pragma once

#include "config/config.h"

// Adds what it finds to mistakes. False: out of memory.
bool ha_config_check(const struct ha_config *config, struct ha_mistakes *mistakes);
