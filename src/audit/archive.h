// SPDX-License-Identifier: Apache-2.0
// Compressing a file of the log that isn't written any more.
#pragma once

#include "base/err.h"

#include <stdatomic.h>

// Makes PATH.gz of path, with its owner's mode and times, on the disk before path is removed. HA_E_STOPPING: stop was
// set meanwhile, and nothing has changed.
enum ha_code ha_audit_compress(const char *path, const atomic_bool *stop, struct ha_err *err);
