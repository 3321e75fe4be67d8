// SPDX-License-Identifier: Apache-2.0
// A rate's credit is counted in parts of which a use costs 10^9 and a nanosecond brings per_s, so that nothing is ever
// rounded.
#include "policy/limits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USE   INT64_C(1000000000)
#define DAY_S INT64_C(86400)

// Of one section.
struct count {
    struct count *next;
    char *name;
    int64_t credit;  // of the rate
    int64_t last_ns;
    int64_t day;  // since 1970, that `used` is of
    uint64_t used;
};

struct ha_limits {
    pthread_mutex_t lock;
    struct count *counts;
};

struct ha_limits_clock ha_limits_now(void)
{
    struct timespec monotonic, wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct ha_limits_clock){monotonic.tv_sec * USE + monotonic.tv_nsec, wall.tv_sec};
}

struct ha_limits *ha_limits_new(void)
{
    struct ha_limits *limits = calloc(1, sizeof *limits);
    if (limits)
        pthread_mutex_init(&limits->lock, NULL);
    return limits;
}

void ha_limits_free(struct ha_limits *limits)
{
    if (!limits)
        return;
    while (limits->counts) {
        struct count *count = limits->counts;
        limits->counts = count->next;
        free(count->name);
        free(count);
    }
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

static int64_t most(const struct ha_client_config *client)
{
    return (int64_t)client->rate.burst * USE;
}

static struct count *find(struct ha_limits *limits, const struct ha_client_config *client, struct ha_limits_clock now)
{
    for (struct count *count = limits->counts; count; count = count->next)
        if (strcmp(count->name, client->name) == 0)
            return count;
    struct count *count = calloc(1, sizeof *count);
    char *name = strdup(client->name);
    if (!count || !name) {
        free(count);
        free(name);
        return NULL;
    }
    *count = (struct count){.next = limits->counts,
                            .name = name,
                            .credit = most(client),
                            .last_ns = now.monotonic_ns,
                            .day = now.wall_s / DAY_S};
    limits->counts = count;
    return count;
}

// What time has brought since the last look.
static void refresh(struct count *count, const struct ha_client_config *client, struct ha_limits_clock now)
{
    int64_t passed = now.monotonic_ns - count->last_ns;
    if (client->rate.per_s && passed > 0) {
        int64_t missing = most(client) - count->credit;
        bool full = missing <= 0 || passed > missing / client->rate.per_s;
        count->credit = full ? most(client) : count->credit + passed * client->rate.per_s;
    }
    if (passed > 0)
        count->last_ns = now.monotonic_ns;
    // A clock that is set back doesn't give a day's budget twice.
    if (now.wall_s / DAY_S > count->day) {
        count->day = now.wall_s / DAY_S;
        count->used = 0;
    }
}

static enum ha_limit take(struct count *count, const struct ha_client_config *client, struct ha_limits_clock now,
                          unsigned *ret_wait_s)
{
    refresh(count, client, now);
    if (client->daily_budget && count->used >= client->daily_budget) {
        int64_t wait_s = (count->day + 1) * DAY_S - now.wall_s;
        *ret_wait_s = wait_s < UINT32_MAX ? (unsigned)wait_s : UINT32_MAX;
        return HA_LIMIT_BUDGET;
    }
    if (client->rate.per_s && count->credit < USE) {
        *ret_wait_s = 1;  // the longest that it can take
        return HA_LIMIT_RATE;
    }
    if (client->rate.per_s)
        count->credit -= USE;
    count->used++;
    return HA_LIMIT_NONE;
}

enum ha_limit ha_limits_take(struct ha_limits *limits, const struct ha_client_config *client,
                             struct ha_limits_clock now, unsigned *ret_wait_s)
{
    if (!client->rate.per_s && !client->daily_budget)
        return HA_LIMIT_NONE;
    enum ha_limit limit = HA_LIMIT_RATE;
    pthread_mutex_lock(&limits->lock);
    struct count *count = find(limits, client, now);
    if (count)
        limit = take(count, client, now, ret_wait_s);
    else
        *ret_wait_s = 1;
    pthread_mutex_unlock(&limits->lock);
    return limit;
}
