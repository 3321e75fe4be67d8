// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about certificates, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_cert_install_rows[2];
extern const struct ha_opt_row ha_cert_show_rows[3];
extern const struct ha_opt_row ha_cert_remove_rows[2];
extern const struct ha_opt_row ha_cert_check_rows[8];
extern const struct ha_opt_row ha_cert_self_sign_rows[6];

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
        {.name = "cert check",                                                                                         \
         .arguments = "NAME",                                                                                          \
         .summary =                                                                                                    \
             "Looks whether the key's certificate does what it is for: chain, names, usage, dates, revocation.",       \
         .details =                                                                                                    \
             "What it finds is printed in a line each, with a remedy. Warnings are left to the reader; the exit "      \
             "status is 0 when there is no problem and 1 otherwise. Nothing is fetched: lists and responses "          \
             "about revocation are files.\n"                                                                           \
             "  hsm-agent cert check edge --ca root.pem --servername edge.example --crl issuing.crl\n"                 \
             "  hsm-agent cert check edge --cert answer.p7b --ca root.pem\n",                                          \
         .rows = ha_cert_check_rows,                                                                                   \
         .n_rows = HA_ARRAY_SIZE(ha_cert_check_rows),                                                                  \
         .run = ha_cmd_cert_check},                                                                                    \
        {.name = "cert self-sign",                                                                                     \
         .arguments = "NAME",                                                                                          \
         .summary = "Makes a certificate by the key itself, for tests and for peers that pin the very certificate.",   \
         .details =                                                                                                    \
             "A request for a certificate of the key, from stdin or a file, says what is in it. An "                   \
             "administrator's command.\n"                                                                              \
             "  hsm-agent csr edge --subject CN=edge --dns localhost | hsm-agent cert self-sign edge --install\n",     \
         .rows = ha_cert_self_sign_rows,                                                                               \
         .n_rows = HA_ARRAY_SIZE(ha_cert_self_sign_rows),                                                              \
         .run = ha_cmd_cert_self_sign},                                                                                \
        {.name = "cert remove",                                                                                        \
         .arguments = "NAME",                                                                                          \
         .summary = "Removes the certificate that is installed for the key; the key stays.",                           \
         .details = "An administrator's command.\n",                                                                   \
         .rows = ha_cert_remove_rows,                                                                                  \
         .n_rows = HA_ARRAY_SIZE(ha_cert_remove_rows),                                                                 \
         .run = ha_cmd_cert_remove},

enum ha_code ha_cmd_cert_install(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_cert_show(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_cert_check(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_cert_self_sign(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_cert_remove(struct ha_cli *cli, struct ha_err *err);
