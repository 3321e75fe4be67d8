// SPDX-License-Identifier: Apache-2.0
#include "channel/pool.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

void ha_pool_init(struct ha_pool *pool)
{
    *pool = (struct ha_pool){.mood = HA_POOL_WAIT};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void ha_pool_clear(struct ha_pool *pool)
{
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
}

void ha_pool_publish(struct ha_pool *pool, struct ha_child *child)
{
    pthread_mutex_lock(&pool->lock);
    pool->child = child;
    pool->free = NULL;
    for (size_t i = child->n_channels; i-- > 0;) {
        child->channels[i].next_free = pool->free;
        pool->free = &child->channels[i];
    }
    pool->mood = HA_POOL_WAIT;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

static void forget(struct ha_pool *pool, const struct ha_child *child)
{
    if (pool->child == child) {
        pool->child = NULL;
        pool->free = NULL;
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
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

enum ha_code ha_pool_take(struct ha_pool *pool, int64_t deadline_ms, struct ha_channel **ret_channel,
                          struct ha_err *err)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    pthread_mutex_lock(&pool->lock);
    int waited = 0;
    while (!pool->free && (pool->child || pool->mood == HA_POOL_WAIT) && waited != ETIMEDOUT)
        waited = ha_left_ms(deadline_ms) > 0 ? pthread_cond_timedwait(&pool->changed, &pool->lock, &until) : ETIMEDOUT;

    struct ha_channel *channel = pool->free;
    enum ha_code code = HA_OK;
    if (channel) {
        pool->free = channel->next_free;
        channel->child->loans++;
    } else if (pool->child) {
        code = ha_fail(err, HA_E_BUSY, "every session of the token was in use until the deadline");
        err->retry_after_s = 1;
    } else if (pool->mood == HA_POOL_FAIL) {
        *err = pool->why;
        code = err->code;
    } else {
        code = ha_fail(err, HA_E_TOKEN_DOWN, "the token's process is being started");
        err->retry_after_s = 1;
    }
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
    if (pool->child == child) {
        channel->next_free = pool->free;
        pool->free = channel;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    ha_child_free(last);
}
