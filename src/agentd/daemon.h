// SPDX-License-Identifier: Apache-2.0
// The running daemon: its parts put together, started in order, and taken apart again.
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"

// Serves until SIGTERM or SIGINT, which drain: requests under way finish (drain-ms at most), new ones get 503. A second
// one ends at once. SIGHUP reads the configuration's file again (agentd/reload.h). Signals must be blocked by
// ha_daemon_block_signals before any thread was made. Takes references to config.
enum ha_code ha_daemon_run(struct ha_config *config, const struct ha_log *log, struct ha_err *err);
void ha_daemon_block_signals(void);
