// SPDX-License-Identifier: Apache-2.0
// The options of the command inventory.
#include "cli/command_inventory.h"

const struct ha_opt_row ha_inventory_rows[] = {
    {.id = HA_OPT_CSV, .name = "csv", .help = "Write comma-separated values (RFC 4180), with a line of titles."},
    {.id = HA_OPT_HTML, .name = "html", .help = "Write a page with a timeline of what expires when, for any browser."},
    {.id = HA_OPT_OUTPUT, .name = "out", .letter = 'o', .value = "FILE", .help = "Write to FILE instead of stdout."},
};
