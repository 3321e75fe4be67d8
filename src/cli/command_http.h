// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about signed HTTP messages, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_http_sign_rows[11];
extern const struct ha_opt_row ha_verify_http_rows[12];

#define HA_COMMANDS_HTTP                                                                                               \
    {                                                                                                                  \
        .name = "http-sign", .arguments = "NAME",                                                                      \
        .summary = "Signs an HTTP message, and prints the header fields that have to be sent with it.",                \
        .details =                                                                                                     \
            "The fields are printed a line each, or with --curl as arguments for curl, quoted for the shell, with "    \
            "method, URL, the fields that were given, and the body. Where the profile writes the body anew, as "       \
            "Mojaloop's does, that one has to be sent: --curl has it, --body-out writes it to a file.\n"               \
            "  eval curl --cert tls.pem \"$(hsm-agent http-sign dip --profile mhhs-dip/request --cert dip.pem "        \
            "--url https://host/path -H 'Content-Type: application/json' -i body.json --curl)\"\n",                    \
        .rows = ha_http_sign_rows, .n_rows = HA_ARRAY_SIZE(ha_http_sign_rows), .run = ha_cmd_http_sign                 \
    }
#define HA_COMMANDS_VERIFY_HTTP                                                                                        \
    {                                                                                                                  \
        .name = "verify http-signature", .arguments = "",                                                              \
        .summary = "Verifies an HTTP message that somebody else has signed, and prints who.",                          \
        .details = "Give the message as it came: method, URL, all header fields, body. The exit status is 1 when it "  \
                   "can't be verified, and the reason is said.\n"                                                      \
                   "  hsm-agent verify http-signature --profile mojaloop/request --keys fsps.json --method POST "      \
                   "--url https://host/transfers -H @headers.txt -i body.json\n",                                      \
        .rows = ha_verify_http_rows, .n_rows = HA_ARRAY_SIZE(ha_verify_http_rows), .run = ha_cmd_verify_http           \
    }

enum ha_code ha_cmd_http_sign(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_verify_http(struct ha_cli *cli, struct ha_err *err);
