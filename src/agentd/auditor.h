// SPDX-License-Identifier: Apache-2.0
// The audit log of the daemon, and the thread that looks after it: checkpoints by the audit key, new files, old files.
#pragma once

#include "agentd/snapshot.h"

// Opens the log that config wants; ret_audit is NULL when it wants none.
enum ha_code ha_auditor_open(const struct ha_config *config, const struct ha_log *log, struct ha_audit **ret_audit,
                             struct ha_err *err);

struct ha_auditor;
// Starts the thread. Borrows all of it. audit NULL: there is nothing to do.
enum ha_code ha_auditor_new(struct ha_audit *audit, const struct ha_config *config, struct ha_keys *keys,
                            struct ha_snapshots *snapshots, const struct ha_log *log, struct ha_auditor **ret_auditor,
                            struct ha_err *err);
// Signs what isn't signed yet, if the token answers, and ends the thread. The keys and tokens are still there. NULL is
// fine.
void ha_auditor_free(struct ha_auditor *auditor);
