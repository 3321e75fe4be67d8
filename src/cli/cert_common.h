// SPDX-License-Identifier: Apache-2.0
// What the commands about certificates share.
#pragma once

#include "cli/cli.h"

// The contents of n files as the array of that name; "-" is stdin. HA_E_USAGE for a file that holds a private key.
enum ha_code ha_cert_put_files(const char *member, const char *const *paths, size_t n, struct ha_buf *body,
                               struct ha_err *err);
// Has the agent install what body, a finished object, holds, and prints what came of it.
enum ha_code ha_cert_install(struct ha_cli *cli, const struct ha_buf *body, struct ha_err *err);
