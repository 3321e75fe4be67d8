// SPDX-License-Identifier: Apache-2.0
// How many operations of a batch go to a session at once, in one datagram.
//
// A datagram costs two wake-ups. Beside a signature that takes 65 us that is much, so several share one; a token that
// takes 20 ms for each is better asked for one at a time, in as many sessions as there are. So it goes by the time that
// the token was seen to take. Thread-safe.
#pragma once

#include "channel/token.h"

#include <stdatomic.h>

// What an operation takes, by algorithm, in nanoseconds; 0: none was seen yet. Zeros at first.
struct ha_bundle_pace {
    atomic_uint ns[HA_ALG_COUNT];
};

// How many of the n items (1 at least), from the first on, go into the next datagram. n_free: sessions that could work
// on them beside the one that gets it.
size_t ha_bundle_size(const struct ha_bundle_pace *pace, struct ha_exchange *const *items, size_t n, size_t n_free);
// So many operations were done us microseconds after they were sent. Not for those that failed: they are no measure.
void ha_bundle_note(struct ha_bundle_pace *pace, uint32_t alg, size_t n, int64_t us);
