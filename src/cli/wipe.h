// SPDX-License-Identifier: Apache-2.0
// Overwriting and removing a file that held a secret.
//
// It reaches the file's blocks where the file system writes in place. Snapshots, journals of data, copies on write and
// flash keep old blocks out of anybody's reach; only encryption of the disk helps there.
#pragma once

#include "base/err.h"

// Whether it can be done, so that it isn't found out too late: a regular file under one name, not a symbolic link,
// writable. HA_E_USAGE, HA_E_IO.
enum ha_code ha_wipe_check(const char *path, struct ha_err *err);
// Overwrites it with random bytes, syncs that, removes it and syncs the directory.
enum ha_code ha_wipe_file(const char *path, struct ha_err *err);
