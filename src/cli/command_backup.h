// SPDX-License-Identifier: Apache-2.0
// The rows of key backup, restore and export, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_backup_rows[3];
extern const struct ha_opt_row ha_restore_rows[2];
extern const struct ha_opt_row ha_export_rows[3];

#define HA_COMMANDS_BACKUP                                                                                             \
    {.name = "key backup",                                                                                             \
     .arguments = "NAME",                                                                                              \
     .summary = "Writes a key that was made with --backup, wrapped under a key encryption key of its token.",          \
     .details = "What is written is of use only where that key encryption key is: make that one in the token of the "  \
                "backup too, when it is made. Everything in the file is under a tag of it, so that nothing can be "    \
                "altered. An administrator's command: both keys need a rule that grants backup.\n"                     \
                "  hsm-agent key create kek --type aes:256 --token main,spare\n"                                       \
                "  hsm-agent key create edge --type ec:p256 --backup --token main\n"                                   \
                "  hsm-agent key backup edge --kek kek -o edge.backup\n",                                              \
     .rows = ha_backup_rows,                                                                                           \
     .n_rows = HA_ARRAY_SIZE(ha_backup_rows),                                                                          \
     .run = ha_cmd_key_backup},                                                                                        \
        {.name = "key restore",                                                                                        \
         .arguments = "FILE",                                                                                          \
         .summary = "Makes the key of a backup in a token that has its key encryption key.",                           \
         .details = "The key proves that it is the one before anybody is told of it. On another machine the key "      \
                    "encryption key is adopted first, from the token that has it. An administrator's command: it "     \
                    "takes a rule that grants restore.\n"                                                              \
                    "  hsm-agent key adopt kek 'pkcs11:type=secret-key;object=kek' --token spare\n"                    \
                    "  hsm-agent key restore edge.backup --token spare\n",                                             \
         .rows = ha_restore_rows,                                                                                      \
         .n_rows = HA_ARRAY_SIZE(ha_restore_rows),                                                                     \
         .run = ha_cmd_key_restore},                                                                                   \
    {                                                                                                                  \
        .name = "key export", .arguments = "NAME",                                                                     \
        .summary = "Writes a key that was made with --backup as PKCS#12, for somebody else.",                          \
        .details =                                                                                                     \
            "Whoever has the file and its password has the key, so this is for what can't be avoided: a partner "      \
            "who needs the key in software. The file has the installed certificate with its issuers. The agent "       \
            "remembers a hash of the password and refuses it from then on; send it on another way than the file. "     \
            "An administrator's command: it takes a rule that grants export.\n"                                        \
            "  hsm-agent key export edge --password file:transport.password -o edge.p12\n",                            \
        .rows = ha_export_rows, .n_rows = HA_ARRAY_SIZE(ha_export_rows), .run = ha_cmd_key_export                      \
    }
