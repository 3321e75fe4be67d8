// SPDX-License-Identifier: Apache-2.0
// A lane for each user that waits for something, in a ring. There are few of them, so that they are looked through.
#include "channel/queue.h"

#include <stdlib.h>

struct ha_queue_lane {
    uid_t uid;
    struct ha_queue_lane *previous, *next;
    struct ha_queue_place *first, *last;
    size_t n;
};

static struct ha_queue_lane *find(const struct ha_queue *queue, uid_t uid)
{
    struct ha_queue_lane *lane = queue->turn;
    while (lane && lane->uid != uid)
        lane = lane->next == queue->turn ? NULL : lane->next;
    return lane;
}

// At the end of the ring, which is just before its beginning.
static struct ha_queue_lane *add(struct ha_queue *queue, uid_t uid)
{
    struct ha_queue_lane *lane = calloc(1, sizeof(*lane));
    if (!lane)
        return NULL;
    lane->uid = uid;
    lane->next = queue->turn ? queue->turn : lane;
    lane->previous = queue->turn ? queue->turn->previous : lane;
    lane->next->previous = lane;
    lane->previous->next = lane;
    if (!queue->turn)
        queue->turn = lane;
    return lane;
}

static void drop(struct ha_queue *queue, struct ha_queue_lane *lane)
{
    if (queue->turn == lane)
        queue->turn = lane->next == lane ? NULL : lane->next;
    lane->next->previous = lane->previous;
    lane->previous->next = lane->next;
    free(lane);
}

bool ha_queue_join(struct ha_queue *queue, uid_t uid, struct ha_queue_place *place)
{
    struct ha_queue_lane *lane = find(queue, uid);
    if (!lane)
        lane = add(queue, uid);
    if (!lane)
        return false;
    place->lane = lane;
    place->behind = NULL;
    place->ahead = lane->last;
    if (lane->last)
        lane->last->behind = place;
    else
        lane->first = place;
    lane->last = place;
    lane->n++;
    queue->n++;
    return true;
}

void ha_queue_leave(struct ha_queue *queue, struct ha_queue_place *place)
{
    struct ha_queue_lane *lane = place->lane;
    if (place->ahead)
        place->ahead->behind = place->behind;
    else
        lane->first = place->behind;
    if (place->behind)
        place->behind->ahead = place->ahead;
    else
        lane->last = place->ahead;
    place->lane = NULL;
    queue->n--;
    if (--lane->n == 0)
        drop(queue, lane);
}

void ha_queue_walk(const struct ha_queue *queue, void *context,
                   void (*see)(void *context, struct ha_queue_place *place))
{
    for (const struct ha_queue_lane *lane = queue->turn; lane; lane = lane->next == queue->turn ? NULL : lane->next)
        for (struct ha_queue_place *place = lane->first; place; place = place->behind)
            see(context, place);
}

struct ha_queue_place *ha_queue_next(struct ha_queue *queue)
{
    struct ha_queue_lane *lane = queue->turn;
    if (!lane)
        return NULL;
    struct ha_queue_place *place = lane->first;
    queue->turn = lane->next;
    ha_queue_leave(queue, place);
    return place;
}

struct ha_queue_place *ha_queue_outdone(const struct ha_queue *queue, uid_t uid)
{
    const struct ha_queue_lane *own = find(queue, uid), *longest = queue->turn;
    if (!longest)
        return NULL;
    for (const struct ha_queue_lane *lane = longest->next; lane != queue->turn; lane = lane->next)
        if (lane->n > longest->n)
            longest = lane;
    if (longest->n <= (own ? own->n : 0) + 1)
        return NULL;
    struct ha_queue_place *place = longest->last;
    while (place && place->pushy)
        place = place->ahead;
    return place;
}
