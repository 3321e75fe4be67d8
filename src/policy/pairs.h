// SPDX-License-Identifier: Apache-2.0
// Requests that take two people within a time: the first one's is remembered until somebody else makes the same.
// Thread-safe.
#pragma once

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

#define HA_PAIRS_HASH_LEN 32
#define HA_PAIRS_MAX      1024  // requests that are remembered at one time

struct ha_pairs;
struct ha_pairs *ha_pairs_new(void);  // NULL: out of memory
void ha_pairs_free(struct ha_pairs *pairs);

enum ha_pair {
    HA_PAIR_FIRST,  // it is remembered, until *ret_until_s
    HA_PAIR_MET,    // by *ret_other, who asked within the time; it is forgotten now
    HA_PAIR_FULL,   // too much is remembered already
};
// A request, known by a hash of all that matters of it, by that user. now_s counts like any clock that is never set
// back; who asks a second time doesn't gain time. ret_other and ret_until_s are set as said.
enum ha_pair ha_pairs_ask(struct ha_pairs *pairs, const uint8_t hash[static HA_PAIRS_HASH_LEN], uid_t uid,
                          int64_t now_s, unsigned within_s, uid_t *ret_other, int64_t *ret_until_s);
