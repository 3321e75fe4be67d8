// SPDX-License-Identifier: Apache-2.0
// The options of key import.
#include "cli/command_import.h"

const struct ha_opt_row ha_import_rows[] = {
    {.id = HA_OPT_PASSWORD,
     .name = "password",
     .value = "SOURCE",
     .help = "Where the file's password is, if it has one: prompt (asked for at the terminal, the default), file:PATH "
             "(readable by nobody else) or credential:NAME (of systemd). It is tried once."},
    {.id = HA_OPT_PURPOSE,
     .name = "purpose",
     .value = "P[,P]",
     .help = "What the key may ever be used for, as for key create; without this option sign."},
    {.id = HA_OPT_TOKEN,
     .name = "token",
     .value = "T[,T]",
     .help = "Name of the token, or of all that are to hold the key; may be left out when the agent has just one."},
    {.id = HA_OPT_WIPE,
     .name = "wipe",
     .help = "Overwrite and remove FILE when the key is in the token and has proved itself there. Snapshots, backups "
             "and flash disks may keep what was overwritten."},
    {.id = HA_OPT_NO_CERTIFICATES,
     .name = "no-certificates",
     .help =
         "Leave the certificates in FILE alone. Without this option the key's own is installed, as by cert install, "
         "with those of its issuers."},
    {.id = HA_OPT_ENVIRONMENT,
     .name = "environment",
     .value = "NAME",
     .help = "Where the key belongs, as for key create."},
    {.id = HA_OPT_HOLDER, .name = "holder", .value = "WHO", .help = "For whom the key works, as for key create."},
    {.id = HA_OPT_PROFILE,
     .name = "profile",
     .value = "PROFILE[/MESSAGE]",
     .help = "By which profile its certificates are asked for, as for key create."},
    {.id = HA_OPT_BACKUP,
     .name = "backup",
     .help = "Let the key leave the token again, wrapped under a key encryption key."},
};
