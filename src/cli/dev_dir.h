// SPDX-License-Identifier: Apache-2.0
// The directory of `hsm-agent dev`: private, locked, and removed with all that is in it unless it was named.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct ha_dev_dir {
    char *path;  // absolute, short enough for the sockets in it, without characters that the configuration can't hold
    bool temporary;
    int lock;  // locked as long as it is open
};

// wanted NULL: a new directory under XDG_RUNTIME_DIR, TMPDIR or /tmp, the first that serves. Otherwise wanted is made
// if it isn't there; HA_E_CONFLICT when another dev uses it, HA_E_CONFIG when it is open to others.
enum ha_code ha_dev_dir_open(const char *wanted, struct ha_dev_dir **ret_dir, struct ha_err *err);
void ha_dev_dir_free(struct ha_dev_dir *dir);
HA_AUTO_DEFINE(struct ha_dev_dir, ha_dev_dir_free)
// Removes path with all that is in it, as far as that goes; doesn't follow links.
void ha_dev_dir_wipe(const char *path);
// "PATH/name", owned by the caller; NULL: out of memory.
char *ha_dev_dir_file(const struct ha_dev_dir *dir, const char *name);
