// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about certificates, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_cert_install_rows[2];
extern const struct ha_opt_row ha_cert_show_rows[3];
extern const struct ha_opt_row ha_cert_remove_rows[2];

#define HA_COMMANDS_CERT                                                                                               \
    {.name = "cert install",                                                                                           \
     .arguments = "NAME FILE...",                                                                                      \
     .summary = "Installs the certificate that a CA made for the key, with those of the CAs above.",                   \
     .details =                                                                                                        \
         "The files, - for stdin, hold certificates in any form and order: PEM, DER, PKCS#7 (.p7b, .p7c), base64 of "  \
         "these. The one that is for the key is found, and the chain from it to the root is built of what is there. "  \
         "One that is for another key, that has expired, or that is signed with SHA-1 is refused; what else is odd "   \
         "is "                                                                                                         \
         "printed as warnings. Profiles whose key ids or headers are made of certificates take this one from then "    \
         "on. "                                                                                                        \
         "An administrator's command.\n"                                                                               \
         "  hsm-agent cert install edge edge.cer issuing-ca.pem\n"                                                     \
         "  hsm-agent cert install edge answer.p7b --store-in-token\n",                                                \
     .rows = ha_cert_install_rows,                                                                                     \
     .n_rows = HA_ARRAY_SIZE(ha_cert_install_rows),                                                                    \
     .run = ha_cmd_cert_install},                                                                                      \
        {.name = "cert show",                                                                                          \
         .arguments = "NAME",                                                                                          \
         .summary = "Shows the certificate that is installed for the key.",                                            \
         .details = "With --pem it is what a TLS server wants in its certificate file.\n"                              \
                    "  hsm-agent cert show edge --pem -o /etc/nginx/edge.pem\n",                                       \
         .rows = ha_cert_show_rows,                                                                                    \
         .n_rows = HA_ARRAY_SIZE(ha_cert_show_rows),                                                                   \
         .run = ha_cmd_cert_show},                                                                                     \
    {                                                                                                                  \
        .name = "cert remove", .arguments = "NAME",                                                                    \
        .summary = "Removes the certificate that is installed for the key; the key stays.",                            \
        .details = "An administrator's command.\n", .rows = ha_cert_remove_rows,                                       \
        .n_rows = HA_ARRAY_SIZE(ha_cert_remove_rows), .run = ha_cmd_cert_remove                                        \
    }

enum ha_code ha_cmd_cert_install(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_cert_show(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_cert_remove(struct ha_cli *cli, struct ha_err *err);
