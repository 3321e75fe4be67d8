// SPDX-License-Identifier: Apache-2.0
// How many refusals of a user have a line of their own, so that nobody fills the disk by being refused: 256 at once (a
// batch), and one a second after that. The others are counted, and a line tells how many. Not thread-safe.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { HA_REFUSALS_BURST = 256, HA_REFUSALS_USERS = 64, HA_REFUSALS_PAUSE_MS = 10000 };

struct ha_refusals {
    struct ha_refusals_user {
        uid_t uid;
        int64_t full_ms;   // when all of the burst is there again; 0: the place is free
        int64_t since_ms;  // of the first one that wasn't told
        uint64_t suppressed;
    } users[HA_REFUSALS_USERS + 1];  // the last one is of all who have no place of their own
};

// now_ms: of ha_now_ms. false: it is counted instead.
bool ha_refusals_take(struct ha_refusals *refusals, uid_t uid, int64_t now_ms);
// A user of whom something is to be told: since HA_REFUSALS_PAUSE_MS, or at all. The caller zeroes suppressed when it
// is told. NULL: there is none.
struct ha_refusals_user *ha_refusals_untold(struct ha_refusals *refusals, int64_t now_ms, bool at_all);
// Whether that one is the place of several.
bool ha_refusals_is_shared(const struct ha_refusals *refusals, const struct ha_refusals_user *user);
