// SPDX-License-Identifier: Apache-2.0
// The rows of the command inventory, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_inventory_rows[3];

#define HA_COMMAND_INVENTORY                                                                                           \
    {                                                                                                                  \
        .name = "inventory", .arguments = "",                                                                          \
        .summary =                                                                                                     \
            "Lists every version of the keys that the caller may know of, with certificate, holder, environment, "     \
            "expiry and last use.",                                                                                    \
        .details =                                                                                                     \
            "What expires first comes first.\n"                                                                        \
            "  hsm-agent inventory --html -o inventory.html\n"                                                         \
            "The page needs nothing but itself and runs no scripts. In CSV, what a spreadsheet would take for a "      \
            "formula has an apostrophe before it.\n",                                                                  \
        .rows = ha_inventory_rows, .n_rows = HA_ARRAY_SIZE(ha_inventory_rows), .run = ha_cmd_inventory                 \
    }
