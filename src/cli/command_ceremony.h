// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about ceremonies, for the table in command.c alone; and what key create --ceremony does.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_ceremony_show_rows[2];
extern const struct ha_opt_row ha_ceremony_yes_rows[1];

enum ha_code ha_cmd_ceremony_approve(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_ceremony_cancel(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_ceremony_list(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_ceremony_run(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_ceremony_show(struct ha_cli *cli, struct ha_err *err);
// Asks for a ceremony. body is the object of PUT /v1/keys/{name}, still open.
enum ha_code ha_ceremony_request(struct ha_cli *cli, struct ha_buf *body, struct ha_err *err);

// For the options of key create.
#define HA_CEREMONY_CREATE_ROWS                                                                                        \
    {.id = HA_OPT_CEREMONY,                                                                                            \
     .name = "ceremony",                                                                                               \
     .help = "Only ask for the key: it is made when two others have approved, see ceremony approve. It takes a rule "  \
             "that grants ceremony, and none that grants create."},                                                    \
    {                                                                                                                  \
        .id = HA_OPT_CSR_REQUEST, .name = "csr-request", .value = "FILE",                                              \
        .help = "With --ceremony: have a certificate request in the transcript. FILE is JSON, as "                     \
                "POST /v1/keys/{name}/csr takes it; see hsm-agent-api(7)."                                             \
    }

#define HA_COMMANDS_CEREMONY                                                                                           \
    {.name = "ceremony list",                                                                                          \
     .arguments = "",                                                                                                  \
     .summary = "Lists the keys that wait for approval, and the ceremonies that are done.",                            \
     .details = "",                                                                                                    \
     .run = ha_cmd_ceremony_list},                                                                                     \
        {.name = "ceremony show",                                                                                      \
         .arguments = "ID",                                                                                            \
         .summary = "Prints what was asked for, by whom, who approved, and the transcript when it is done.",           \
         .details =                                                                                                    \
             "The transcript says what the token shows of the key: its attributes, read back after it was made, its "  \
             "public key, the identity of token and module; who asked and approved, and a hash of the agent's "        \
             "configuration. It is signed by the agent's audit key, whose public key you have from elsewhere:\n"       \
             "  hsm-agent key show audit --public pem -o audit.pem\n"                                                  \
             "  hsm-agent ceremony show 20261121-5f1c9b2ad03e --verify audit.pem\n",                                   \
         .rows = ha_ceremony_show_rows,                                                                                \
         .n_rows = HA_ARRAY_SIZE(ha_ceremony_show_rows),                                                               \
         .run = ha_cmd_ceremony_show},                                                                                 \
        {.name = "ceremony approve",                                                                                   \
         .arguments = "ID",                                                                                            \
         .summary = "Approves the making of a key that somebody else asked for; the second approval makes it.",        \
         .details = "Two users have to approve, each once, and neither is the one who asked, unless the "              \
                    "configuration permits that. Without --yes it prints what would be approved. It takes a rule "     \
                    "'allow = KEY:approve'.\n",                                                                        \
         .rows = ha_ceremony_yes_rows,                                                                                 \
         .n_rows = HA_ARRAY_SIZE(ha_ceremony_yes_rows),                                                                \
         .run = ha_cmd_ceremony_approve},                                                                              \
        {.name = "ceremony run",                                                                                       \
         .arguments = "ID",                                                                                            \
         .summary = "Goes on with a ceremony that has its approvals and was cut off.",                                 \
         .details = "",                                                                                                \
         .run = ha_cmd_ceremony_run},                                                                                  \
    {                                                                                                                  \
        .name = "ceremony cancel", .arguments = "ID", .summary = "Calls a ceremony off that has made no key yet.",     \
        .details = "", .run = ha_cmd_ceremony_cancel                                                                   \
    }
