// SPDX-License-Identifier: Apache-2.0
// What the table says of itself: help for people, and the manual's sections. Appended to out.
#pragma once

#include "cli/opt.h"

// All commands with their summaries, or those of group (not NULL); and the global options.
void ha_help_overview(const struct ha_opt_table *table, const char *group, struct ha_buf *out);
void ha_help_command(const struct ha_opt_table *table, const struct ha_command *command, struct ha_buf *out);
// The sections OPTIONS and COMMANDS of hsm-agent(1) in man(7) macros.
void ha_help_manual(const struct ha_opt_table *table, struct ha_buf *out);
// "hsm-agent key create NAME --type T [--purpose P[,P]]"
void ha_help_usage(const struct ha_command *command, struct ha_buf *out);
