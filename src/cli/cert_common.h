// SPDX-License-Identifier: Apache-2.0
// What the commands about certificates share.
#pragma once

#include "cli/cli.h"

// As ha_cli_key_path, with the version that --key-version names as a query.
enum ha_code ha_cert_path(const struct ha_cli *cli, const char *tail, struct ha_buf *out, struct ha_err *err);
// The files' contents as the array of that name; paths is NULL-terminated, "-" is stdin. HA_E_USAGE for a file that
// holds a private key.
enum ha_code ha_cert_put_files(const char *member, const char *const *paths, struct ha_buf *body, struct ha_err *err);
// Has the agent install what body, a finished object, holds, and prints what came of it.
enum ha_code ha_cert_install(struct ha_cli *cli, const struct ha_buf *body, struct ha_err *err);
