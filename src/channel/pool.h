// SPDX-License-Identifier: Apache-2.0
// The channels of a token's present child, and those who wait for one. Thread-safe.
//
// A child is published when it is ready and retired when it is gone or must go. Channels on loan keep a retired child's
// descriptors open, so that none is closed (and its number used again) under a thread that still waits on it.
//
// A channel that comes back goes to whose turn it is (queue.h), and only that thread wakes up. As long as anybody
// waits, no channel is free.
#pragma once

#include "base/err.h"
#include "channel/child.h"
#include "channel/minder.h"
#include "channel/queue.h"

#include <pthread.h>

// What a taker finds when there is no child.
enum ha_pool_mood {
    HA_POOL_WAIT,  // one is being started: wait for it
    HA_POOL_FAIL,  // the last try failed, see `why`: don't wait
};

struct ha_pool {
    pthread_mutex_t lock;
    pthread_condattr_t monotonic;
    struct ha_child *child;   // NULL: none
    struct ha_channel *free;  // a stack: the one used last is the warmest
    size_t n_free;
    struct ha_queue queue;
    enum ha_pool_mood mood;
    struct ha_err why;  // for HA_POOL_FAIL
    struct ha_minder minder;
};

enum ha_code ha_pool_init(struct ha_pool *pool, struct ha_err *err);
// No child may be left that wasn't retired.
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

struct ha_pool_wish {
    uid_t uid;  // who gets the turn
    int64_t deadline_ms;
    size_t queue_max;  // most that may wait, this one included
    bool pushy;        // for a request that has had its turn once: it waits even if there is no room
    unsigned cpu;      // where a worker is wanted; HA_CPU_ANY
    pid_t run;         // the one child whose channel it may be; 0: any
};

// Loans a channel. While there is none, waits in the queue for its turn. HA_E_BUSY: the queue is full; that is told at
// once to those of whoever has the most there. HA_E_DEADLINE: no turn until the deadline. HA_E_TOKEN_DOWN: no child
// until then, or at once when the child that it has to be is gone. What the mood says.
enum ha_code ha_pool_take(struct ha_pool *pool, const struct ha_pool_wish *wish, struct ha_channel **ret_channel,
                          struct ha_err *err);
// The same without waiting, of any child. NULL: none is free.
struct ha_channel *ha_pool_take_free(struct ha_pool *pool);
size_t ha_pool_waiting(struct ha_pool *pool);  // in the queue now
void ha_pool_return(struct ha_pool *pool, struct ha_channel *channel);
// Returns a channel whose question is still under way: the answer, which nobody wants, is waited for elsewhere. After
// hung_ms the child is lost.
void ha_pool_leave(struct ha_pool *pool, struct ha_channel *channel, int64_t hung_ms);
// The channels on loan and those who wait for one, and the present child's pid. False: there is no child.
bool ha_pool_outstanding(struct ha_pool *pool, unsigned *ret_outstanding, pid_t *ret_pid);
