// SPDX-License-Identifier: Apache-2.0
// Minds the channels whose askers are gone: a request's deadline may pass while the token is still at work, and that
// alone doesn't make it hang. A thread waits for the answers that nobody wants any more and returns the channels to the
// pool; a child that doesn't answer within the token's own deadline is given up.
#pragma once

#include "base/err.h"
#include "channel/child.h"

#include <pthread.h>
#include <stdbool.h>

struct ha_pool;

struct ha_minder {
    struct ha_pool *pool;
    pthread_t thread;
    int wake;  // eventfd: there is another channel, or it is time to end
    pthread_mutex_t lock;
    struct ha_channel *left;  // guarded by lock, as is ending; linked by `next`
    bool ending;
};

enum ha_code ha_minder_init(struct ha_minder *minder, struct ha_pool *pool, struct ha_err *err);
// Ends the thread when no channel is left. The children must have ended before.
void ha_minder_clear(struct ha_minder *minder);
// Takes over a loan with a question under way. After hung_ms (a point of ha_now_ms) the child counts as hanging.
// Thread-safe.
void ha_minder_leave(struct ha_minder *minder, struct ha_channel *channel, int64_t hung_ms);
