// SPDX-License-Identifier: Apache-2.0
#include "channel/pool.h"

#include "base/affinity.h"
#include "base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

enum verdict { WAITING, SERVED, OUTDONE, NO_CHILD, RUN_OVER };

// Somebody who waits; all but `wake` is guarded by the pool's lock.
struct waiter {
    struct ha_queue_place place;
    pthread_cond_t wake;
    enum verdict verdict;
    struct ha_channel *channel;  // for SERVED
    pid_t run;                   // of the wish
};

static struct waiter *waiter_at(struct ha_queue_place *place)
{
    return (struct waiter *)((char *)place - offsetof(struct waiter, place));
}

enum ha_code ha_pool_init(struct ha_pool *pool, struct ha_err *err)
{
    *pool = (struct ha_pool){.mood = HA_POOL_WAIT};
    if (ha_minder_init(&pool->minder, pool, err))
        return err->code;
    pthread_condattr_init(&pool->monotonic);
    pthread_condattr_setclock(&pool->monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    return HA_OK;
}

void ha_pool_clear(struct ha_pool *pool)
{
    ha_minder_clear(&pool->minder);
    pthread_condattr_destroy(&pool->monotonic);
    pthread_mutex_destroy(&pool->lock);
}

// With the lock held, under which the waiter's struct can't go away.
static void tell(struct waiter *waiter, enum verdict verdict)
{
    waiter->verdict = verdict;
    pthread_cond_signal(&waiter->wake);
}

static struct ha_channel *lend(const struct ha_pool *pool, struct ha_channel *channel)
{
    channel->n_lent = ++channel->child->loans;
    channel->n_free = pool->n_free;
    return channel;
}

// A channel of the present child: to whose turn it is, or to the free ones.
static void give(struct ha_pool *pool, struct ha_channel *channel)
{
    struct ha_queue_place *place = ha_queue_next(&pool->queue);
    if (place) {
        waiter_at(place)->channel = lend(pool, channel);
        tell(waiter_at(place), SERVED);
        return;
    }
    channel->next = pool->free;
    pool->free = channel;
    pool->n_free++;
}

void ha_pool_publish(struct ha_pool *pool, struct ha_child *child)
{
    pthread_mutex_lock(&pool->lock);
    pool->child = child;
    pool->free = NULL;
    pool->n_free = 0;
    pool->mood = HA_POOL_WAIT;
    for (size_t i = child->n_channels; i-- > 0;)
        give(pool, &child->channels[i]);
    pthread_mutex_unlock(&pool->lock);
}

// Nobody waits for a child when none is being started.
static void dismiss(struct ha_pool *pool)
{
    if (pool->child || pool->mood == HA_POOL_WAIT)
        return;
    struct ha_queue_place *place;
    while ((place = ha_queue_next(&pool->queue)))
        tell(waiter_at(place), NO_CHILD);
}

// Who waits for the child that is gone has nothing to wait for, and takes itself out of the queue.
static void end_run(void *context, struct ha_queue_place *place)
{
    const struct ha_child *child = context;
    if (waiter_at(place)->run == child->pid)
        tell(waiter_at(place), RUN_OVER);
}

static void forget(struct ha_pool *pool, struct ha_child *child)
{
    if (pool->child == child) {
        pool->child = NULL;
        pool->free = NULL;
        pool->n_free = 0;
        ha_queue_walk(&pool->queue, child, end_run);
        dismiss(pool);
    }
}

void ha_pool_lost(struct ha_pool *pool, struct ha_child *child)
{
    pthread_mutex_lock(&pool->lock);
    forget(pool, child);
    pthread_mutex_unlock(&pool->lock);
    ha_child_kill(child);
}

void ha_pool_gave_up(struct ha_pool *pool, struct ha_child *child, const struct ha_err *why)
{
    pthread_mutex_lock(&pool->lock);
    forget(pool, child);
    if (!child->why.code)
        child->why = *why;
    pthread_mutex_unlock(&pool->lock);
}

void ha_pool_retire(struct ha_pool *pool, struct ha_child *child)
{
    pthread_mutex_lock(&pool->lock);
    forget(pool, child);
    child->retired = true;
    bool unused = child->loans == 0;
    pthread_mutex_unlock(&pool->lock);
    if (unused)
        ha_child_free(child);
}

void ha_pool_set_mood(struct ha_pool *pool, const struct ha_err *why)
{
    pthread_mutex_lock(&pool->lock);
    pool->mood = why ? HA_POOL_FAIL : HA_POOL_WAIT;
    if (why)
        pool->why = *why;
    dismiss(pool);
    pthread_mutex_unlock(&pool->lock);
}

// The link to a free channel whose worker runs there, else to one that runs anywhere, else to any.
static struct ha_channel **find_free(struct ha_pool *pool, unsigned cpu)
{
    struct ha_channel **found = &pool->free;
    for (struct ha_channel **link = found; cpu != HA_CPU_ANY && *link; link = &(*link)->next) {
        if ((*link)->cpu == cpu)
            return link;
        if ((*link)->cpu == HA_CPU_ANY && (*found)->cpu != HA_CPU_ANY)
            found = link;
    }
    return found;
}

static struct ha_channel *take_free(struct ha_pool *pool, unsigned cpu)
{
    struct ha_channel **link = find_free(pool, cpu);
    struct ha_channel *channel = *link;
    if (!channel)
        return NULL;
    *link = channel->next;
    pool->n_free--;
    if (cpu != HA_CPU_ANY)
        channel->cpu = cpu;
    return lend(pool, channel);
}

struct ha_channel *ha_pool_take_free(struct ha_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct ha_channel *channel = take_free(pool, HA_CPU_ANY);
    pthread_mutex_unlock(&pool->lock);
    return channel;
}

size_t ha_pool_waiting(struct ha_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t n = pool->queue.n;
    pthread_mutex_unlock(&pool->lock);
    return n;
}

static enum ha_code fail_busy(const struct ha_pool_wish *wish, struct ha_err *err)
{
    ha_fail(err, HA_E_BUSY, "%zu requests wait for a session of the token already", wish->queue_max);
    err->retry_after_s = 1;
    return ha_hint(err, "try again in a moment; if it persists, raise 'sessions' or 'queue' in the token's section");
}

static enum ha_code fail_mood(const struct ha_pool *pool, struct ha_err *err)
{
    *err = pool->why;
    return err->code;
}

static enum ha_code fail_late(const struct ha_pool *pool, struct ha_err *err)
{
    if (pool->child) {
        ha_fail(err, HA_E_DEADLINE, "every session of the token was in use until the request's deadline");
        return ha_hint(err,
                       "try again; if it persists, raise 'sessions' in the token's section, if the token has more");
    }
    ha_fail(err, HA_E_TOKEN_DOWN, "the token's process is being started");
    err->retry_after_s = 1;
    return err->code;
}

static enum ha_code fail_over(struct ha_err *err)
{
    ha_fail(err, HA_E_TOKEN_DOWN, "the token's process ended");
    err->retry_after_s = 1;
    return err->code;
}

// What is lent comes back.
static void take_back(struct ha_pool *pool, struct ha_channel *channel)
{
    struct ha_child *child = channel->child;
    child->loans--;
    if (pool->child == child)
        give(pool, channel);
    else if (child->retired && child->loans == 0)
        ha_child_free(child);
}

static enum ha_code join(struct ha_pool *pool, const struct ha_pool_wish *wish, struct waiter *waiter,
                         struct ha_err *err)
{
    if (pool->queue.n >= wish->queue_max && !wish->pushy) {
        struct ha_queue_place *place = ha_queue_outdone(&pool->queue, wish->uid);
        if (!place)
            return fail_busy(wish, err);
        ha_queue_leave(&pool->queue, place);
        tell(waiter_at(place), OUTDONE);
    }
    waiter->place.pushy = wish->pushy;
    if (!ha_queue_join(&pool->queue, wish->uid, &waiter->place))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return HA_OK;
}

static enum ha_code wait_for_turn(struct ha_pool *pool, const struct ha_pool_wish *wish,
                                  struct ha_channel **ret_channel, struct ha_err *err)
{
    const struct timespec until = {.tv_sec = wish->deadline_ms / 1000, .tv_nsec = wish->deadline_ms % 1000 * 1000000};
    struct waiter waiter = {.verdict = WAITING, .run = wish->run};
    if (join(pool, wish, &waiter, err))
        return err->code;
    pthread_cond_init(&waiter.wake, &pool->monotonic);
    int waited = 0;
    while (waiter.verdict == WAITING && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&waiter.wake, &pool->lock, &until);
    pthread_cond_destroy(&waiter.wake);
    switch (waiter.verdict) {
    case WAITING:
        ha_queue_leave(&pool->queue, &waiter.place);
        return fail_late(pool, err);
    case SERVED:
        if (wish->run && waiter.channel->child->pid != wish->run) {
            take_back(pool, waiter.channel);  // before it could leave the queue, the next child served it
            return fail_over(err);
        }
        *ret_channel = waiter.channel;
        return HA_OK;
    case RUN_OVER:
        ha_queue_leave(&pool->queue, &waiter.place);
        return fail_over(err);
    case OUTDONE:
        return fail_busy(wish, err);
    case NO_CHILD:
        break;
    }
    return fail_mood(pool, err);
}

static bool is_over(const struct ha_pool *pool, pid_t run)
{
    return run && (!pool->child || pool->child->pid != run);
}

enum ha_code ha_pool_take(struct ha_pool *pool, const struct ha_pool_wish *wish, struct ha_channel **ret_channel,
                          struct ha_err *err)
{
    enum ha_code code = HA_OK;
    pthread_mutex_lock(&pool->lock);
    bool over = is_over(pool, wish->run);
    struct ha_channel *channel = over ? NULL : take_free(pool, wish->cpu);
    if (over)
        code = fail_over(err);
    else if (!channel && !pool->child && pool->mood == HA_POOL_FAIL)
        code = fail_mood(pool, err);
    else if (!channel)
        code = wait_for_turn(pool, wish, &channel, err);
    pthread_mutex_unlock(&pool->lock);
    if (code == HA_OK)
        *ret_channel = channel;
    return code;
}

void ha_pool_return(struct ha_pool *pool, struct ha_channel *channel)
{
    struct ha_child *child = channel->child, *last = NULL;
    pthread_mutex_lock(&pool->lock);
    child->loans--;
    if (child->retired && child->loans == 0)
        last = child;
    if (pool->child == child)
        give(pool, channel);
    pthread_mutex_unlock(&pool->lock);
    ha_child_free(last);
}

void ha_pool_leave(struct ha_pool *pool, struct ha_channel *channel, int64_t hung_ms)
{
    ha_minder_leave(&pool->minder, channel, hung_ms);
}

bool ha_pool_outstanding(struct ha_pool *pool, unsigned *ret_outstanding, pid_t *ret_pid)
{
    pthread_mutex_lock(&pool->lock);
    bool there = pool->child;
    if (there) {
        *ret_outstanding = (unsigned)(pool->child->loans + pool->queue.n);
        *ret_pid = pool->child->pid;
    }
    pthread_mutex_unlock(&pool->lock);
    return there;
}
