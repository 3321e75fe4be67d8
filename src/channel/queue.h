// SPDX-License-Identifier: Apache-2.0
// Whose turn it is: round robin over the users, and for one user in the order of arrival. A connection waits for one
// thing at a time and joins anew for the next, so that for one user it is round robin over connections, and a batch
// gets no more turns than a single request. Not thread-safe; nothing waits here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ha_queue_lane;

// A place in the queue; lives in whoever waits.
struct ha_queue_place {
    struct ha_queue_lane *lane;  // NULL: isn't in the queue
    struct ha_queue_place *ahead, *behind;
    bool pushy;  // was served before, for the same request: it isn't turned away for a newcomer
};

struct ha_queue {
    struct ha_queue_lane *turn;  // a ring: whose turn is next; NULL: nobody waits
    size_t n;                    // places taken
};

// To the end of uid's places. False: out of memory.
bool ha_queue_join(struct ha_queue *queue, uid_t uid, struct ha_queue_place *place);
void ha_queue_leave(struct ha_queue *queue, struct ha_queue_place *place);
// Shows each place to see, which leaves the queue as it is.
void ha_queue_walk(const struct ha_queue *queue, void *context,
                   void (*see)(void *context, struct ha_queue_place *place));
// Takes out whose turn it is. NULL: nobody waits.
struct ha_queue_place *ha_queue_next(struct ha_queue *queue);
// Who should go so that one more of uid's fits: the last one of whoever has the most places, if that is more than uid
// would have then. NULL: the newcomer itself. Nobody is taken out.
struct ha_queue_place *ha_queue_outdone(const struct ha_queue *queue, uid_t uid);
