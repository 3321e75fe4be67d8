// SPDX-License-Identifier: Apache-2.0
// Compressing a file of the log that isn't written any more.
#pragma once

#include "base/err.h"

// Makes PATH.gz of path, with its owner's mode and times, on the disk before path is removed.
enum ha_code ha_audit_compress(const char *path, struct ha_err *err);
