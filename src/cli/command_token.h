// SPDX-License-Identifier: Apache-2.0
// The rows of the commands that need no agent to work on a token, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_token_list_rows[2];
extern const struct ha_opt_row ha_token_init_rows[7];
extern const struct ha_opt_row ha_token_pin_change_rows[7];
extern const struct ha_opt_row ha_token_pin_reset_rows[5];

#define HA_COMMANDS_TOKEN                                                                                              \
    {.name = "token list",                                                                                             \
     .arguments = "",                                                                                                  \
     .summary = "Lists the slots of a PKCS#11 module and the tokens in them.",                                         \
     .details = "It asks the module itself and needs no agent, as all of these commands but unlock. The module runs "  \
                "in a process of its own and finds in the environment what this command does; --timeout bounds its "   \
                "time.\n"                                                                                              \
                "  hsm-agent token list --module /usr/lib/softhsm/libsofthsm2.so\n",                                   \
     .local = true,                                                                                                    \
     .rows = ha_token_list_rows,                                                                                       \
     .n_rows = HA_ARRAY_SIZE(ha_token_list_rows),                                                                      \
     .run = ha_cmd_token_list},                                                                                        \
        {.name = "token info",                                                                                         \
         .arguments = "TOKEN",                                                                                         \
         .summary = "Prints what a token tells of itself without a PIN, and the algorithms that it can do.",           \
         .details =                                                                                                    \
             "TOKEN is its label, or a PKCS#11 URI such as 'pkcs11:serial=8a7f' where several have the label.\n",      \
         .local = true,                                                                                                \
         .rows = ha_token_list_rows,                                                                                   \
         .n_rows = HA_ARRAY_SIZE(ha_token_list_rows),                                                                  \
         .run = ha_cmd_token_info},                                                                                    \
        {.name = "token init",                                                                                         \
         .arguments = "LABEL",                                                                                         \
         .summary =                                                                                                    \
             "Initialises a token: gives it a label and its two PINs, and prints what the configuration needs.",       \
         .details =                                                                                                    \
             "It takes the first token that isn't initialised. One that is isn't touched, unless --erase names it. A " \
             "SOURCE of a PIN is prompt (the terminal, without echo; twice for a new one), file:PATH (a file that "    \
             "nobody else may read) or credential:NAME (a file in $CREDENTIALS_DIRECTORY). A PIN is never given on "   \
             "the command line, which others can see.\n"                                                               \
             "  hsm-agent token init edge --module /usr/lib/softhsm/libsofthsm2.so\n",                                 \
         .local = true,                                                                                                \
         .rows = ha_token_init_rows,                                                                                   \
         .n_rows = HA_ARRAY_SIZE(ha_token_init_rows),                                                                  \
         .run = ha_cmd_token_init},                                                                                    \
        {.name = "token pin change",                                                                                   \
         .arguments = "TOKEN",                                                                                         \
         .summary = "Changes the user's PIN of a token, or with --so the security officer's.",                         \
         .details =                                                                                                    \
             "The present PIN is tried once; if the token refuses it, this command says what the token tells of "      \
             "further tries. An agent that uses the token goes on with the PIN that it has until it starts again: "    \
             "put the new one where its 'pin' option points, then `hsm-agent token unlock NAME`.\n"                    \
             "  hsm-agent token pin change edge --module /usr/lib/softhsm/libsofthsm2.so\n",                           \
         .local = true,                                                                                                \
         .rows = ha_token_pin_change_rows,                                                                             \
         .n_rows = HA_ARRAY_SIZE(ha_token_pin_change_rows),                                                            \
         .run = ha_cmd_token_pin_change},                                                                              \
    {                                                                                                                  \
        .name = "token pin reset", .arguments = "TOKEN",                                                               \
        .summary = "Gives the user of a token another PIN, with the security officer's: also when it is locked.",      \
        .details = "The keys stay. Then put the new PIN where the agent's 'pin' option points, and have it try with "  \
                   "`hsm-agent token unlock NAME`.\n",                                                                 \
        .local = true, .rows = ha_token_pin_reset_rows, .n_rows = HA_ARRAY_SIZE(ha_token_pin_reset_rows),              \
        .run = ha_cmd_token_pin_reset                                                                                  \
    }
