// SPDX-License-Identifier: Apache-2.0
// The worker threads: one a channel, each receives, does, and sends.
#pragma once

#include "base/err.h"

#include <stddef.h>

struct ha_p11;

// Starts a thread for each descriptor, which it then owns. token outlives the process's threads. On failure the
// descriptors without a thread are closed.
enum ha_code ha_workers_start(struct ha_p11 *token, const int *fds, size_t n, struct ha_err *err);
