// SPDX-License-Identifier: Apache-2.0
// The rules that are in force now: the rule file, read again whenever it was replaced. Thread-safe.
#pragma once

#include "rules.h"
#include "state.h"

#include <threads.h>

// A version of the rule file. It never changes, and lives until the process ends, since a thread may hang in it.
struct fault_set {
    struct fault_rules rules;
    struct fault_version version;
    struct fault_counts *counts;               // of all processes
    struct fault_counts own[FAULT_RULES_MAX];  // of this one
    struct fault_set *previous;
};

struct fault_watch {
    const char *path;
    struct fault_shared *shared;
    int state_fd;
    mtx_t lock;  // of whoever reads the file
    _Atomic(struct fault_set *) current;
};

// path lives as long as the watch. Maps PATH.state.
enum ha_code fault_watch_init(struct fault_watch *watch, const char *path, struct ha_err *err);
// Costs a stat. A file that isn't there has no rules; one with a mistake ends the process, with a message, because a
// test whose rules aren't obeyed proves nothing.
struct fault_set *fault_watch_get(struct fault_watch *watch);
// Whether something that lasts `for_ms` (0: as long as the file) is still on.
bool fault_set_lasts(const struct fault_set *set, uint64_t for_ms);
