// SPDX-License-Identifier: Apache-2.0
// The daemon of `hsm-agent dev`: started, awaited, stopped.
#pragma once

#include "base/err.h"
#include "cli/dev_child.h"
#include "cli/dev_dir.h"

#include <stdint.h>

// Starts program on the directory's configuration, its output going to log, and waits until it says READY=1. HA_E_AGENT
// when it ends before, HA_E_DEADLINE, HA_E_STOPPING when a signal came meanwhile; no daemon is left then.
enum ha_code ha_dev_daemon_start(const char *program, const struct ha_dev_dir *dir,
                                 const struct ha_dev_signals *signals, int log, int64_t deadline_ms,
                                 struct ha_dev_child *ret_daemon, struct ha_err *err);
// Lets requests under way finish.
void ha_dev_daemon_stop(struct ha_dev_child *daemon);
