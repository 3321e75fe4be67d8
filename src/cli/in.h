// SPDX-License-Identifier: Apache-2.0
// Input from a file or from stdin.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// Reads path whole (NULL or "-": stdin; FIFOs and the like too) and appends it to out. HA_E_TOO_LARGE when it has over
// max bytes; reads no further then.
enum ha_code ha_in_read(const char *path, size_t max, struct ha_buf *out, struct ha_err *err);
