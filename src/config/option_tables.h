// SPDX-License-Identifier: Apache-2.0
// The options of each section, a file for each.
#pragma once

#include "config/option.h"

#include <assert.h>
#include <stddef.h>

// Where the value is, in the section's struct.
#define AT(type, field) .offset = offsetof(struct type, field)

extern const struct ha_options ha_options_agent, ha_options_listen, ha_options_token, ha_options_client;
