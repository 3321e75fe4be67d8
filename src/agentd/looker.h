// SPDX-License-Identifier: Apache-2.0
// The process that looks up callers' executables for the daemon, from which Landlock hides them. It can do nothing
// else: its system calls are filtered to opening and reading.
//
// It is forked before the daemon limits itself and before there are threads. A file system that hangs keeps it, and
// not the daemon: whoever asks meanwhile is told at once that nothing is known.
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "policy/process.h"

struct ha_looker;

// Forks it. Borrows log, to which it says when it waits in vain.
enum ha_code ha_looker_new(const struct ha_log *log, struct ha_looker **ret_looker, struct ha_err *err);
// Thread-safe; waits half a second at most. Borrowed from the looker.
const struct ha_exe_reader *ha_looker_reader(const struct ha_looker *looker);
void ha_looker_free(struct ha_looker *looker);  // ends it; NULL is fine
HA_AUTO_DEFINE(struct ha_looker, ha_looker_free)
