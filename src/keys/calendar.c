// SPDX-License-Identifier: Apache-2.0
// What happens to keys when a time comes: deletions that were put off are done, and a version that has begun to sign is
// told of in the log. A thread that sleeps on the wall clock; what it has to do is in the files, so that a restart
// loses nothing.
#include "keys/keys_internal.h"

#include <assert.h>
#include <time.h>

#define AGAIN_S 60  // after a deletion that failed, and between two looks: the clock may be set meanwhile

static void log_activations(struct ha_keys *keys, struct ha_key *const *all, size_t n, int64_t after_s, int64_t now_s)
{
    for (size_t i = 0; i < n; i++) {
        int64_t activates_s = atomic_load(&all[i]->activates_s);
        if (activates_s > after_s && activates_s <= now_s && all[i]->phase == HA_PHASE_READY)
            ha_log(keys->log, HA_LOG_INFO, "key-version-active", HA_S("key", all[i]->name),
                   HA_N("version", all[i]->version));
    }
}

static void delete_due(struct ha_keys *keys, struct ha_key *const *all, size_t n, int64_t now_s)
{
    for (size_t i = 0; i < n; i++) {
        struct ha_key *key = all[i];
        struct ha_err err = {0};
        bool due = false, destroyed = false;
        int64_t deletes_s = atomic_load(&key->deletes_s);
        // Binding looks again.
        if (!deletes_s || deletes_s > now_s || ha_key_state(key) == HA_STATE_TOKEN_DOWN)
            continue;
        if (ha_keys_delete_due(keys, key, now_s, &due, &destroyed, &err))
            ha_log_err(keys->log, HA_LOG_ERROR, "key-deletion-failed", &err, HA_S("key", key->name),
                       HA_N("version", key->version));
        else if (due)
            ha_log(keys->log, HA_LOG_WARN, "key-deleted", HA_S("key", key->name), HA_N("version", key->version),
                   HA_S("objects", destroyed ? "destroyed" : "kept"), HA_S("cause", "its time came"));
    }
}

// The next time after now_s at which something happens.
static int64_t next_after(struct ha_key *const *all, size_t n, int64_t now_s)
{
    int64_t next_s = now_s + AGAIN_S;
    for (size_t i = 0; i < n; i++) {
        const int64_t times[] = {atomic_load(&all[i]->activates_s), atomic_load(&all[i]->deletes_s)};
        for (size_t j = 0; j < HA_ARRAY_SIZE(times); j++)
            if (times[j] > now_s && times[j] < next_s)
                next_s = times[j];
    }
    return next_s;
}

static void *run(void *context)
{
    struct ha_keys *keys = context;
    struct ha_calendar *calendar = &keys->calendar;
    int64_t seen_s = time(NULL);
    pthread_mutex_lock(&calendar->lock);
    while (!calendar->stop) {
        size_t n;
        calendar->look = false;
        pthread_mutex_unlock(&calendar->lock);
        int64_t now_s = time(NULL);
        struct ha_key **all = ha_keys_all(keys, &n);
        log_activations(keys, all, n, seen_s, now_s);
        void *held = calendar->hold.take(calendar->hold.context);
        delete_due(keys, all, n, now_s);
        calendar->hold.give_back(held);
        const struct timespec until = {.tv_sec = next_after(all, n, now_s)};
        ha_keys_list_free(all, n);
        seen_s = now_s;
        pthread_mutex_lock(&calendar->lock);
        while (!calendar->stop && !calendar->look)
            if (pthread_cond_timedwait(&calendar->changed, &calendar->lock, &until))
                break;
    }
    pthread_mutex_unlock(&calendar->lock);
    return NULL;
}

enum ha_code ha_keys_start(struct ha_keys *keys, const struct ha_keys_hold *hold, struct ha_err *err)
{
    keys->calendar.hold = *hold;
    int failed = pthread_create(&keys->calendar.thread, NULL, run, keys);
    if (failed)
        return ha_fail_errno(err, failed, "the calendar's thread");
    keys->calendar.running = true;
    return HA_OK;
}

void ha_calendar_look(struct ha_keys *keys)
{
    pthread_mutex_lock(&keys->calendar.lock);
    keys->calendar.look = true;
    pthread_cond_signal(&keys->calendar.changed);
    pthread_mutex_unlock(&keys->calendar.lock);
}

void ha_keys_stop(struct ha_keys *keys)
{
    if (!keys)
        return;
    struct ha_calendar *calendar = &keys->calendar;
    pthread_mutex_lock(&calendar->lock);
    calendar->stop = true;
    pthread_cond_signal(&calendar->changed);
    pthread_mutex_unlock(&calendar->lock);
    if (calendar->running)
        pthread_join(calendar->thread, NULL);
    calendar->running = false;
}
