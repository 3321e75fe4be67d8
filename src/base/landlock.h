// SPDX-License-Identifier: Apache-2.0
// Which files a process may touch from now on, whatever their owner and mode allow (landlock(7)). It can't be taken off
// again, and whatever the process starts is under it too.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum ha_landlock_access {
    HA_LANDLOCK_READ,   // files and directories below it
    HA_LANDLOCK_WRITE,  // reading, writing, making, renaming and removing files, sockets and directories below it
    HA_LANDLOCK_USE,    // reading and writing of what is there, ioctls of devices; nothing is made
    HA_LANDLOCK_RUN,    // reading, and starting programs
};

struct ha_landlock_path {
    const char *path;  // NULL, or one that isn't there: no rule
    enum ha_landlock_access access;
};

struct ha_landlock {
    const struct ha_landlock_path *paths;
    size_t n_paths;
    bool any_file;     // paths don't matter: files stay as they are
    bool tcp;          // TCP stays as it is; else none is bound or connected
    bool own_signals;  // signals reach processes only that are under the same limit
};

// Limits the calling thread and the threads that it makes from now on; needs PR_SET_NO_NEW_PRIVS. *ret_abi: what the
// kernel knows of it (0: nothing, so that there is no limit; below 4 TCP isn't limited, below 6 signals aren't).
// HA_E_IO.
enum ha_code ha_landlock_enter(const struct ha_landlock *limit, int *ret_abi, struct ha_err *err);
