// SPDX-License-Identifier: Apache-2.0
// The rows of key import, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_import_rows[9];

#define HA_COMMAND_IMPORT                                                                                              \
    {                                                                                                                  \
        .name = "key import", .arguments = "NAME FILE", .summary = "Brings a key pair from a file into the token.",    \
        .details =                                                                                                     \
            "FILE is PKCS#12 (.p12, .pfx), PKCS#8, PKCS#1 or SEC 1, in DER or PEM, also in an old encryption "         \
            "(RC2, 3DES); - is stdin. In the token it can be neither read nor exported, and a signature proves "       \
            "that it is the key. RSA keys under 2048 bits are refused, and so are curves other than P-256, P-384, "    \
            "P-521 and Ed25519. Whoever had the file may have the key still: prefer 'key create', and a new "          \
            "certificate.\n"                                                                                           \
            "An administrator's command: it takes a socket with 'admin = yes' and a rule that grants import.\n"        \
            "  hsm-agent key import edge edge.p12 --purpose tls-server --wipe\n",                                      \
        .rows = ha_import_rows, .n_rows = HA_ARRAY_SIZE(ha_import_rows), .run = ha_cmd_key_import                      \
    }
