// SPDX-License-Identifier: Apache-2.0
// The options of the commands about a key's versions.
#include "cli/command_versions.h"

#define VERSION_ROW(help_)                                                                                             \
    {                                                                                                                  \
        .id = HA_OPT_KEY_VERSION, .name = "key-version", .value = "N", .help = (help_)                                 \
    }
#define OVERLAP_ROW(help_)                                                                                             \
    {                                                                                                                  \
        .id = HA_OPT_OVERLAP, .name = "overlap", .value = "TIME", .help = (help_)                                      \
    }

const struct ha_opt_row ha_key_rotate_rows[] = {
    {.id = HA_OPT_ACTIVATE_AFTER,
     .name = "activate-after",
     .value = "TIME",
     .help = "When the new version begins to sign: a number and s, m, h or d, as in 10m; without a letter, seconds."},
    OVERLAP_ROW("How long the version before goes on being published then."),
    {.id = HA_OPT_PENDING,
     .name = "pending",
     .help = "Leave the new version pending until key activate, or the installation of its certificate."},
};

const struct ha_opt_row ha_key_activate_rows[] = {
    VERSION_ROW("The version; without this option the one that is pending."),
    {.id = HA_OPT_AFTER, .name = "after", .value = "TIME", .help = "Not now but after this time, as in 10m."},
    OVERLAP_ROW("How long the version before goes on being published; without this option as key rotate said."),
};

const struct ha_opt_row ha_key_disable_rows[] = {VERSION_ROW("The version; without this option all of them.")};
const struct ha_opt_row ha_key_enable_rows[] = {VERSION_ROW("The version; without this option all of them.")};

const struct ha_opt_row ha_key_delete_rows[] = {
    VERSION_ROW(
        "The version, which mustn't be the active one of several; without this option the key with all of them."),
    {.id = HA_OPT_CONFIRM,
     .name = "confirm",
     .value = "NAME",
     .help = "The key's name again, in the place of the prompt."},
    {.id = HA_OPT_AFTER,
     .name = "after",
     .value = "TIME",
     .help = "Bar it from use now, and delete it after this time, as in 30d."},
    {.id = HA_OPT_CANCEL, .name = "cancel", .help = "Keep what is to be deleted later."},
    {.id = HA_OPT_DESTROY_OBJECTS,
     .name = "destroy-objects",
     .help = "Destroy the objects in the token of an adopted key too, instead of only forgetting the key."},
};
