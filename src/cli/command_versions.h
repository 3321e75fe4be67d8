// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about a key's versions, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_key_rotate_rows[3];
extern const struct ha_opt_row ha_key_activate_rows[3];
extern const struct ha_opt_row ha_key_disable_rows[1];
extern const struct ha_opt_row ha_key_enable_rows[1];
extern const struct ha_opt_row ha_key_delete_rows[5];

// A line for each version of a key, of which this is the agent's answer.
void ha_cli_put_versions(struct ha_buf *out, const ha_json *key);
enum ha_code ha_cmd_key_rotate(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_activate(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_disable(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_enable(struct ha_cli *cli, struct ha_err *err);

#define HA_COMMANDS_VERSIONS                                                                                           \
    {.name = "key rotate",                                                                                             \
     .arguments = "NAME",                                                                                              \
     .summary = "Makes the next version of a key: of the same type, for the same purposes, in the same tokens.",       \
     .details = "It is pending first, and published at once where keys are (GET /v1/jwks). Then it is active: it "     \
                "signs, and the one before is retiring, still published, since what it signed is under way. After "    \
                "the overlap that one is retired: it only decrypts. How long others need to fetch the new key, and "   \
                "the overlap, are rotation-publish-s and rotation-overlap-s of the configuration where no option "     \
                "says otherwise. A key for TLS, or with a profile for its certificates, waits for the certificate: "   \
                "'csr --key-version N' asks for it, and installing it is what activates the version. An "              \
                "administrator's command: it takes a rule 'allow = NAME:rotate'.\n"                                    \
                "  hsm-agent key rotate signer --activate-after 10m --overlap 7d\n",                                   \
     .rows = ha_key_rotate_rows,                                                                                       \
     .n_rows = HA_ARRAY_SIZE(ha_key_rotate_rows),                                                                      \
     .run = ha_cmd_key_rotate},                                                                                        \
        {.name = "key activate",                                                                                       \
         .arguments = "NAME",                                                                                          \
         .summary = "Has a version of a key sign from now on, or after a time.",                                       \
         .details = "Also one that was active before, when the newer one turns out to be of no use. An "               \
                    "administrator's command: it takes a rule 'allow = NAME:rotate'.\n",                               \
         .rows = ha_key_activate_rows,                                                                                 \
         .n_rows = HA_ARRAY_SIZE(ha_key_activate_rows),                                                                \
         .run = ha_cmd_key_activate},                                                                                  \
        {.name = "key disable",                                                                                        \
         .arguments = "NAME",                                                                                          \
         .summary = "Has every use of a key, or of one version, refused until key enable takes that back.",            \
         .details = "No other version takes its place. An administrator's command: it takes a rule 'allow = "          \
                    "NAME:disable'.\n",                                                                                \
         .rows = ha_key_disable_rows,                                                                                  \
         .n_rows = HA_ARRAY_SIZE(ha_key_disable_rows),                                                                 \
         .run = ha_cmd_key_disable},                                                                                   \
        {.name = "key enable",                                                                                         \
         .arguments = "NAME",                                                                                          \
         .summary = "Takes key disable back.",                                                                         \
         .details = "An administrator's command: it takes a rule 'allow = NAME:enable'.\n",                            \
         .rows = ha_key_enable_rows,                                                                                   \
         .n_rows = HA_ARRAY_SIZE(ha_key_enable_rows),                                                                  \
         .run = ha_cmd_key_enable},                                                                                    \
    {                                                                                                                  \
        .name = "key delete", .arguments = "NAME",                                                                     \
        .summary = "Deletes a key, or a version of it: destroys it in the token if the agent created it, forgets it "  \
                   "if it was adopted.",                                                                               \
        .details = "What is destroyed can't be brought back, so the name has to be said twice: at a prompt, or with "  \
                   "--confirm. With --after the key is barred from use at once and deleted when the time has come, "   \
                   "so that whoever still needs it notices; until then --cancel keeps it. An administrator's "         \
                   "command, as key create is.\n"                                                                      \
                   "  hsm-agent key delete signer --key-version 1 --after 30d\n",                                      \
        .rows = ha_key_delete_rows, .n_rows = HA_ARRAY_SIZE(ha_key_delete_rows), .run = ha_cmd_key_delete              \
    }
