// SPDX-License-Identifier: Apache-2.0
// What a request works with, as it was when the request began: the configuration and the tokens. Thread-safe but for
// ha_snapshots_reap, which is one thread's.
//
// A snapshot never changes. Another one takes its place, and requests that hold the old one go on with it. Snapshots
// end in the order in which they came into force, so whoever wants to take something away that only requests can still
// hold takes it out of the present state, publishes a new snapshot, and waits until that one is the oldest.
#pragma once

#include "api/api.h"

#include <pthread.h>
#include <stdatomic.h>

struct ha_snapshot {
    struct ha_api api;  // the configuration, and as many tokens as it has
    struct ha_config *config;
    uint64_t number;  // the first is 1
    atomic_uint users;
    struct ha_snapshot *next;  // the one that came after it
    struct ha_token *tokens[];
};

struct ha_snapshots {
    pthread_mutex_t lock;
    struct ha_audit *audit;                // for each snapshot; borrowed; NULL: none
    struct ha_snapshot *oldest, *current;  // NULL before the first
};

void ha_snapshots_init(struct ha_snapshots *snapshots);
void ha_snapshots_clear(struct ha_snapshots *snapshots);  // nobody holds one any more

// A snapshot that isn't in force yet; the caller fills in tokens. Takes a reference to config. NULL: out of memory.
struct ha_snapshot *ha_snapshot_new(struct ha_config *config, struct ha_keys *keys, const struct ha_log *log);
void ha_snapshot_free(struct ha_snapshot *snapshot);  // one that was never published
// Puts it in force, and owns it from then on. Returns its number.
uint64_t ha_snapshots_publish(struct ha_snapshots *snapshots, struct ha_snapshot *snapshot);

// The one in force, until it is given back.
struct ha_snapshot *ha_snapshots_take(struct ha_snapshots *snapshots);
void ha_snapshots_return(struct ha_snapshot *snapshot);

// Frees those that are neither in force nor held, oldest first. Returns the number of the oldest that is left.
uint64_t ha_snapshots_reap(struct ha_snapshots *snapshots);
bool ha_snapshots_quiet(struct ha_snapshots *snapshots);  // none is left but the one in force
