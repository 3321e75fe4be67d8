// SPDX-License-Identifier: Apache-2.0
// What the agent does by the clock, in a thread of its own: gives notice of certificates that expire, and writes down
// when keys were last used.
#pragma once

#include "agentd/snapshot.h"
#include "agentd/starter.h"

struct ha_keeper;

// Reads what was written down before and starts the thread. Borrows all of it. A file that can't be read is logged, and
// is no failure. starter starts hooks; NULL: this process does.
enum ha_code ha_keeper_new(const char *state_dir, struct ha_keys *keys, struct ha_snapshots *snapshots,
                           const struct ha_starter *starter, const struct ha_log *log, struct ha_keeper **ret_keeper,
                           struct ha_err *err);
// Has it look now: another configuration is in force.
void ha_keeper_look(struct ha_keeper *keeper);
// Ends the thread, and a hook that runs; writes what is to be written. NULL is fine. The keys are still there.
void ha_keeper_free(struct ha_keeper *keeper);
