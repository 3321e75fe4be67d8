// SPDX-License-Identifier: Apache-2.0
// What can't be undone is done when its name has been written out.
#pragma once

#include "cli/cli.h"

// The command's first argument has to be said again: by --confirm, or at a prompt when stdin is a terminal. what: in
// "nothing was deleted". HA_E_USAGE otherwise.
enum ha_code ha_guard_name(const struct ha_cli *cli, const char *what, struct ha_err *err);
