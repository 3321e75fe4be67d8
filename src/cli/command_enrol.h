// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about enrolment, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_enrol_rows[28];
extern const struct ha_opt_row ha_renew_rows[15];
extern const struct ha_opt_row ha_revoke_rows[11];
extern const struct ha_opt_row ha_archive_rows[7];
extern const struct ha_opt_row ha_recover_rows[13];

enum ha_code ha_cmd_enrol(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_renew(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_revoke(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_archive(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_key_recover(struct ha_cli *cli, struct ha_err *err);

#define HA_COMMANDS_ARCHIVE                                                                                            \
    {.name = "key archive",                                                                                            \
     .arguments = "NAME",                                                                                              \
     .summary = "Archives a key that was made with --backup in Dogtag's KRA.",                                         \
     .details = "The token seals the key for the KRA's transport key, which is asked for at the server; only the KRA " \
                "can open it, and who may recover it is the KRA's to decide. It has to be set up with "                \
                "keyWrap.useOAEP=true. An administrator's command: it takes a rule that grants export.\n"              \
                "  hsm-agent key archive enc1 --dogtag https://ca.example:8443 --cert-key ra\n",                       \
     .rows = ha_archive_rows,                                                                                          \
     .n_rows = HA_ARRAY_SIZE(ha_archive_rows),                                                                         \
     .run = ha_cmd_key_archive},                                                                                       \
    {                                                                                                                  \
        .name = "key recover", .arguments = "NAME",                                                                    \
        .summary = "Makes a key that is archived in Dogtag's KRA in the token, under a new name.",                     \
        .details = "The private key is in this command's memory on its way. An administrator's command: it takes a "   \
                   "rule that grants import.\n"                                                                        \
                   "  hsm-agent key recover enc1 --key-id 0x7 --purpose decrypt --dogtag https://ca.example:8443 "     \
                   "--cert-key ra\n",                                                                                  \
        .rows = ha_recover_rows, .n_rows = HA_ARRAY_SIZE(ha_recover_rows), .run = ha_cmd_key_recover                   \
    }

#define HA_COMMANDS_ENROL                                                                                              \
    {.name = "enrol",                                                                                                  \
     .arguments = "[NAME]",                                                                                            \
     .summary = "Gets a certificate for the key from a CA by EST or from Dogtag, and installs it.",                    \
     .details = "The agent makes the certificate request, this command carries it to the CA, and the certificate to "  \
                "the agent. What was asked for is kept in a file and goes on with --resume, whatever came between: "   \
                "a CA that is down or hasn't decided, a restart, a crash. The exit status is 0 when the certificate "  \
                "is installed, 3 when the CA hasn't decided yet, and 1 otherwise.\n"                                   \
                "  hsm-agent enrol edge --est https://ca.example --user-file est.user --subject CN=edge.example\n"     \
                "  hsm-agent enrol edge --dogtag https://ca.example:8443 --profile-id caServerCert --subject "         \
                "CN=edge.example\n"                                                                                    \
                "  hsm-agent enrol --resume\n"                                                                         \
                "NAME may be left out with --status and --resume, which are about all enrolments then, and with "      \
                "--profiles. It takes the rules csr and install for the key; whoever may connect to the CA may "       \
                "run it, on a socket with 'admin = yes'.\n",                                                           \
     .rows = ha_enrol_rows,                                                                                            \
     .n_rows = HA_ARRAY_SIZE(ha_enrol_rows),                                                                           \
     .run = ha_cmd_enrol},                                                                                             \
        {.name = "renew",                                                                                              \
         .arguments = "NAME",                                                                                          \
         .summary = "Gets a new certificate in the place of the installed one, with its names, and installs it.",      \
         .details = "The CA is that of the enrolment before, unless another one is given. With EST the key itself "    \
                    "proves who asks, unless --cert-key names another one: simplereenroll. For a key without the "     \
                    "purpose tls-client, the user of --user-file asks again. With --rotate the certificate is for "    \
                    "the key's next version, which is made if there is none; a version for TLS is "                    \
                    "activated by that.\n"                                                                             \
                    "  hsm-agent renew edge\n"                                                                         \
                    "The old certificate stays valid; revoke it when that matters.\n",                                 \
         .rows = ha_renew_rows,                                                                                        \
         .n_rows = HA_ARRAY_SIZE(ha_renew_rows),                                                                       \
         .run = ha_cmd_renew},                                                                                         \
    {                                                                                                                  \
        .name = "revoke", .arguments = "NAME",                                                                         \
        .summary = "Has the CA (Dogtag) revoke the key's installed certificate, or another one of it.",                \
        .details = "The agent goes on using key and certificate: disable the key, rotate it, or remove the "           \
                   "certificate. EST can't revoke.\n"                                                                  \
                   "  hsm-agent revoke edge --reason keyCompromise --cert-key ra\n",                                   \
        .rows = ha_revoke_rows, .n_rows = HA_ARRAY_SIZE(ha_revoke_rows), .run = ha_cmd_revoke                          \
    }
