// SPDX-License-Identifier: Apache-2.0
// The process that starts programs for the daemon, which gave that up: whatever the daemon started itself would be
// under the daemon's limits, too. It knows which programs the configuration names, and starts no others.
//
// It is forked before the daemon limits itself and before there are threads. What it starts is the daemon's child.
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "channel/spawn.h"

struct ha_starter;

// Forks it. program is the path of hsm-agent-token, config what was loaded; it loads the file again when it is asked
// for something that it doesn't know. Borrows log.
enum ha_code ha_starter_new(const char *program, const struct ha_config *config, const struct ha_log *log,
                            struct ha_starter **ret_starter, struct ha_err *err);
// For tokens' processes: HA_E_CONFIG for one that the configuration doesn't have. Borrowed from the starter.
const struct ha_spawner *ha_starter_spawner(const struct ha_starter *starter);
// Starts a hook (agentd/hook.h). argv[0] has to be the configured one, and the environment to have no other names
// than a hook's.
enum ha_code ha_starter_hook(const struct ha_starter *starter, char *const argv[], char *const environment[],
                             pid_t *ret_pid, struct ha_err *err);
void ha_starter_free(struct ha_starter *starter);  // ends it; NULL is fine
HA_AUTO_DEFINE(struct ha_starter, ha_starter_free)
