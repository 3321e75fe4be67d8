// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about HMAC keys, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_import_secret_rows[3];
extern const struct ha_opt_row ha_mac_rows[5];

#define HA_COMMAND_IMPORT_SECRET                                                                                       \
    {                                                                                                                  \
        .name = "key import-secret", .arguments = "NAME",                                                              \
        .summary = "Brings a secret that somebody else knows too into the token, as an HMAC key.",                     \
        .details =                                                                                                     \
            "It has 32 to 512 bytes. It can't be read from the token again; destroy the file, or keep it where "       \
            "the other party's is kept. An administrator's command, as key create is.\n"                               \
            "  hsm-agent key import-secret ilp --form mojaloop --secret-file ilp-secret.txt\n",                        \
        .rows = ha_import_secret_rows, .n_rows = HA_ARRAY_SIZE(ha_import_secret_rows), .run = ha_cmd_key_import_secret \
    }
#define HA_COMMAND_MAC                                                                                                 \
    {                                                                                                                  \
        .name = "mac", .arguments = "NAME",                                                                            \
        .summary = "Makes a message authentication code (HMAC-SHA256) over what comes from stdin or a file.",          \
        .details =                                                                                                     \
            "With a profile of the scheme ilp it reads the transaction object (ILP v4, JSON) or the ILP payment "      \
            "packet (v1), and writes a JSON object with fulfilment and condition.\n"                                   \
            "  hsm-agent mac shared --format hex -i order.txt\n"                                                       \
            "  hsm-agent mac ilp --profile mojaloop/ilp <transaction.json\n",                                          \
        .rows = ha_mac_rows, .n_rows = HA_ARRAY_SIZE(ha_mac_rows), .run = ha_cmd_mac                                   \
    }
