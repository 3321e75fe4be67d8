// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about the audit log, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_audit_verify_rows[4];
extern const struct ha_opt_row ha_audit_show_rows[9];
extern const struct ha_opt_row ha_audit_export_rows[11];

enum ha_code ha_cmd_audit_verify(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_audit_show(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_audit_export(struct ha_cli *cli, struct ha_err *err);

#define HA_COMMANDS_AUDIT                                                                                              \
    {.name = "audit verify",                                                                                           \
     .arguments = "[FILE]",                                                                                            \
     .summary = "Verifies the audit log: every line, every file, every checkpoint's signature.",                       \
     .details = "What it finds is printed in a line each; the exit status is 0 when there is nothing and 1 "           \
                "otherwise. FILE is the file that is written; the older ones are found beside it. What isn't said is " \
                "asked of the agent, over an administrators' socket: the file, the public keys, and the last "         \
                "checkpoint, which the log has to have. The agent isn't needed with FILE and --key; keep a "           \
                "checkpoint's line elsewhere then, and name it with --head, for nothing else tells that a log's end "  \
                "was cut off.\n"                                                                                       \
                "  hsm-agent audit verify --state /var/lib/auditor/hsm-agent.state\n"                                  \
                "  hsm-agent audit verify audit.jsonl --key audit.pem --head last-checkpoint\n",                       \
     .rows = ha_audit_verify_rows,                                                                                     \
     .n_rows = HA_ARRAY_SIZE(ha_audit_verify_rows),                                                                    \
     .run = ha_cmd_audit_verify},                                                                                      \
        {.name = "audit show",                                                                                         \
         .arguments = "[FILE]",                                                                                        \
         .summary = "Prints lines of the audit log, all or those that fit.",                                           \
         .details = "A line has to fit every option that is given. FILE is as in audit verify. With --json the lines " \
                    "are printed as they are in the log.\n"                                                            \
                    "  hsm-agent audit show --event refusal --since 2026-11-21 --key edge\n",                          \
         .rows = ha_audit_show_rows,                                                                                   \
         .n_rows = HA_ARRAY_SIZE(ha_audit_show_rows),                                                                  \
         .run = ha_cmd_audit_show},                                                                                    \
    {                                                                                                                  \
        .name = "audit export", .arguments = "[FILE]",                                                                 \
        .summary = "Writes lines of the audit log as a table for other programs.",                                     \
        .details = "As audit show, with all columns. A cell that a spreadsheet would take for a formula begins with "  \
                   "an apostrophe.\n"                                                                                  \
                   "  hsm-agent audit export --csv --since 2026-11-01 -o november.csv\n",                              \
        .rows = ha_audit_export_rows, .n_rows = HA_ARRAY_SIZE(ha_audit_export_rows), .run = ha_cmd_audit_export        \
    }
