// SPDX-License-Identifier: Apache-2.0
// The free channels of a token's present child. Thread-safe.
//
// A child is published when it is ready and retired when it is gone or must go. Channels on loan keep a retired child's
// descriptors open, so that none is closed (and its number used again) under a thread that still waits on it.
#pragma once

#include "base/err.h"
#include "channel/child.h"

#include <pthread.h>

// What a taker finds when there is no child.
enum ha_pool_mood {
    HA_POOL_WAIT,  // one is being started: wait for it
    HA_POOL_FAIL,  // the last try failed, see `why`: don't wait
};

struct ha_pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct ha_child *child;   // NULL: none
    struct ha_channel *free;  // a stack: the one used last is the warmest
    enum ha_pool_mood mood;
    struct ha_err why;  // for HA_POOL_FAIL
};

void ha_pool_init(struct ha_pool *pool);
void ha_pool_clear(struct ha_pool *pool);

void ha_pool_publish(struct ha_pool *pool, struct ha_child *child);
// Lends no more of this child's channels: one of them proved dead, or it hangs. Kills it, so that its supervisor
// notices. Does nothing when another child has been published since.
void ha_pool_lost(struct ha_pool *pool, struct ha_child *child);
// Lends no more of this child's channels: it said why it is about to end by itself.
void ha_pool_gave_up(struct ha_pool *pool, struct ha_child *child, const struct ha_err *why);
// The end of an ended child (ha_child_end): it is freed when its last loan returns, at once if there is none.
void ha_pool_retire(struct ha_pool *pool, struct ha_child *child);
// Says what takers do until the next child: wait (why NULL) or fail with a copy of why.
void ha_pool_set_mood(struct ha_pool *pool, const struct ha_err *why);

// Loans a channel. Waits for one until deadline_ms; a deadline in the past takes only what is free now (then
// HA_E_BUSY).
enum ha_code ha_pool_take(struct ha_pool *pool, int64_t deadline_ms, struct ha_channel **ret_channel,
                          struct ha_err *err);
void ha_pool_return(struct ha_pool *pool, struct ha_channel *channel);
