// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about JSON Web Signatures, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_jws_rows[11];
extern const struct ha_opt_row ha_jwt_rows[9];
extern const struct ha_opt_row ha_jwks_rows[2];
extern const struct ha_opt_row ha_verify_jws_rows[20];

#define HA_COMMANDS_JOSE                                                                                               \
    {.name = "jws",                                                                                                    \
     .arguments = "NAME",                                                                                              \
     .summary = "Makes a JSON Web Signature over what comes from stdin or a file.",                                    \
     .details = "It is written without a newline at its end.\n"                                                        \
                "  echo -n '{\"a\":1}' | hsm-agent jws signer --alg PS256\n",                                          \
     .rows = ha_jws_rows,                                                                                              \
     .n_rows = HA_ARRAY_SIZE(ha_jws_rows),                                                                             \
     .run = ha_cmd_jws},                                                                                               \
        {.name = "jwt",                                                                                                \
         .arguments = "NAME",                                                                                          \
         .summary = "Makes a JSON Web Token: the profile's claims and times beside those that are given.",             \
         .details = "It is written without a newline at its end.\n"                                                    \
                    "  hsm-agent jwt sig1 --profile uae-tpp/client-assertion\n"                                        \
                    "  hsm-agent jwt signer --claims claims.json --lifetime 60\n",                                     \
         .rows = ha_jwt_rows,                                                                                          \
         .n_rows = HA_ARRAY_SIZE(ha_jwt_rows),                                                                         \
         .run = ha_cmd_jwt},                                                                                           \
        {.name = "jwks",                                                                                               \
         .arguments = "",                                                                                              \
         .summary = "Prints the public keys that the caller may know of, as a JWK Set.",                               \
         .details =                                                                                                    \
             "Keys for TLS aren't in it. The key ids are RFC 7638 thumbprints, or what the profile makes them.\n",     \
         .rows = ha_jwks_rows,                                                                                         \
         .n_rows = HA_ARRAY_SIZE(ha_jwks_rows),                                                                        \
         .run = ha_cmd_jwks},                                                                                          \
    {                                                                                                                  \
        .name = "verify jws", .arguments = "",                                                                         \
        .summary = "Verifies a JWS or JWT from stdin or a file, and writes its payload.",                              \
        .details = "Nothing is written, and the exit status is 1, when it can't be verified. White space around the "  \
                   "message is left out.\n"                                                                            \
                   "  hsm-agent verify jws --jwks tpp.jwks --alg PS256 --iss CLIENT --skew 10 < token\n",              \
        .rows = ha_verify_jws_rows, .n_rows = HA_ARRAY_SIZE(ha_verify_jws_rows), .run = ha_cmd_verify_jws              \
    }

enum ha_code ha_cmd_jws(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_jwt(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_jwks(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_verify_jws(struct ha_cli *cli, struct ha_err *err);
