// SPDX-License-Identifier: Apache-2.0
#include "audit/refusals.h"

#include <stddef.h>

enum { EACH_MS = 1000 };

// Their own place, or a free one: one in which there is nothing to be remembered.
static struct ha_refusals_user *place_of(struct ha_refusals *refusals, uid_t uid, int64_t now_ms)
{
    struct ha_refusals_user *free = NULL;
    for (size_t i = 0; i < HA_REFUSALS_USERS; i++) {
        struct ha_refusals_user *user = &refusals->users[i];
        bool forgotten = user->full_ms <= now_ms && user->suppressed == 0;
        if (!forgotten && user->uid == uid)
            return user;
        if (forgotten && !free)
            free = user;
    }
    if (!free)
        return &refusals->users[HA_REFUSALS_USERS];
    *free = (struct ha_refusals_user){.uid = uid};
    return free;
}

bool ha_refusals_take(struct ha_refusals *refusals, uid_t uid, int64_t now_ms)
{
    struct ha_refusals_user *user = place_of(refusals, uid, now_ms);
    if (user->full_ms < now_ms)
        user->full_ms = now_ms;
    // Each one that is told puts the time at which the burst is whole off.
    if (user->full_ms + EACH_MS <= now_ms + (int64_t)HA_REFUSALS_BURST * EACH_MS) {
        user->full_ms += EACH_MS;
        return true;
    }
    if (user->suppressed++ == 0)
        user->since_ms = now_ms;
    return false;
}

struct ha_refusals_user *ha_refusals_untold(struct ha_refusals *refusals, int64_t now_ms, bool at_all)
{
    for (size_t i = 0; i <= HA_REFUSALS_USERS; i++) {
        struct ha_refusals_user *user = &refusals->users[i];
        if (user->suppressed && (at_all || now_ms - user->since_ms >= HA_REFUSALS_PAUSE_MS))
            return user;
    }
    return NULL;
}

bool ha_refusals_is_shared(const struct ha_refusals *refusals, const struct ha_refusals_user *user)
{
    return user == &refusals->users[HA_REFUSALS_USERS];
}
