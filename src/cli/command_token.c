// SPDX-License-Identifier: Apache-2.0
// The options of the commands that work on a token itself.
#include "cli/command_token.h"

#define MODULE_ROWS                                                                                                    \
    {.id = HA_OPT_MODULE,                                                                                              \
     .name = "module",                                                                                                 \
     .value = "PATH",                                                                                                  \
     .required = true,                                                                                                 \
     .help = "The vendor's PKCS#11 module, as the 'module' option of the configuration names it."},                    \
    {                                                                                                                  \
        .id = HA_OPT_MODULE_ARGS, .name = "module-args", .value = "TEXT",                                              \
        .help = "What the module is to be initialised with, for the few that need it."                                 \
    }
#define PIN_ROW(id_, name_, help_)                                                                                     \
    {                                                                                                                  \
        .id = (id_), .name = (name_), .value = "SOURCE", .help = (help_)                                               \
    }
#define FINAL_TRY_ROW                                                                                                  \
    {                                                                                                                  \
        .id = HA_OPT_FINAL_TRY, .name = "final-try",                                                                   \
        .help = "Try the PIN although the token says that one more wrong one locks it."                                \
    }

const struct ha_opt_row ha_token_list_rows[] = {
    MODULE_ROWS,
};

const struct ha_opt_row ha_token_init_rows[] = {
    MODULE_ROWS,
    PIN_ROW(HA_OPT_SO_PIN, "so-pin",
            "Where the security officer's PIN comes from; prompt without this option. It is a new one, or the present "
            "one of the token that --erase names."),
    PIN_ROW(HA_OPT_PIN, "pin", "Where the user's new PIN comes from; prompt without this option."),
    {.id = HA_OPT_SLOT,
     .name = "slot",
     .value = "NUMBER",
     .help = "The slot, where several have a token that isn't initialised; token list shows their numbers."},
    {.id = HA_OPT_ERASE,
     .name = "erase",
     .value = "SERIAL",
     .help = "Initialise the token with this serial number again, which destroys for ever all that is in it."},
    FINAL_TRY_ROW,
};

const struct ha_opt_row ha_token_pin_change_rows[] = {
    MODULE_ROWS,
    {.id = HA_OPT_SO, .name = "so", .help = "Change the security officer's PIN instead of the user's."},
    PIN_ROW(HA_OPT_PIN, "pin",
            "Where the user's present PIN comes from: prompt (without this option), file:PATH or "
            "credential:NAME."),
    PIN_ROW(HA_OPT_SO_PIN, "so-pin", "With --so, where the security officer's present PIN comes from."),
    PIN_ROW(HA_OPT_NEW_PIN, "new-pin", "Where the new PIN comes from; prompt without this option."),
    FINAL_TRY_ROW,
};

const struct ha_opt_row ha_token_pin_reset_rows[] = {
    MODULE_ROWS,
    PIN_ROW(HA_OPT_SO_PIN, "so-pin",
            "Where the security officer's PIN comes from: prompt (without this option), "
            "file:PATH or credential:NAME."),
    PIN_ROW(HA_OPT_NEW_PIN, "new-pin", "Where the user's new PIN comes from; prompt without this option."),
    FINAL_TRY_ROW,
};
