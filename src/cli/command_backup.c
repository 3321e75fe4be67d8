// SPDX-License-Identifier: Apache-2.0
// The options of key backup, restore and export.
#include "cli/command_backup.h"

const struct ha_opt_row ha_backup_rows[] = {
    {.id = HA_OPT_KEY_VERSION,
     .name = "key-version",
     .value = "N",
     .help = "The version of the key; without this option the active one."},
    {.id = HA_OPT_KEK,
     .name = "kek",
     .value = "KEY",
     .required = true,
     .help = "The key encryption key, of type aes:256, in a token that has the other key too."},
    {.id = HA_OPT_OUTPUT,
     .name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "Write to FILE (mode 0600) instead of stdout."},
};

const struct ha_opt_row ha_restore_rows[] = {
    {.id = HA_OPT_NAME,
     .name = "name",
     .value = "NAME",
     .help = "The key's name from now on; without this option the one it had."},
    {.id = HA_OPT_TOKEN,
     .name = "token",
     .value = "T[,T]",
     .help = "Name of the token, or of all that are to hold the key; may be left out when the agent has just one."},
};

const struct ha_opt_row ha_export_rows[] = {
    {.id = HA_OPT_KEY_VERSION,
     .name = "key-version",
     .value = "N",
     .help = "The version of the key; without this option the active one."},
    {.id = HA_OPT_PASSWORD,
     .name = "password",
     .value = "SOURCE",
     .help = "Where the file's new password is: prompt (asked for twice at the terminal, the default), file:PATH "
             "(readable by nobody else) or credential:NAME (of systemd). It has at least 12 bytes."},
    {.id = HA_OPT_OUTPUT,
     .name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "Write to FILE (mode 0600) instead of stdout."},
};
