// SPDX-License-Identifier: Apache-2.0
// What the daemon gives up when it starts: who it was, system calls, files.
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"

// Becomes the user of `user = USER`, with that user's groups and no capabilities, for good. Nothing to do when it isn't
// set, or the process is that user already. HA_E_CONFIG: it isn't root and so can't; HA_E_IO.
enum ha_code ha_confine_user(const struct ha_agent_config *agent, struct ha_err *err);

// Filters system calls and limits files for the calling thread and those that it makes from now on, so before there are
// others: to the configuration and what it says, with the directories of its sockets, which have to be there. Makes the
// state directory and that of the audit log. Logs what the kernel can't do. What is started from now on is limited
// alike, so nothing is, and executables of other processes are hidden: see agentd/starter.h and agentd/looker.h.
enum ha_code ha_confine_daemon(const struct ha_config *config, const struct ha_log *log, struct ha_err *err);
