// SPDX-License-Identifier: Apache-2.0
// What is done about a token that fails, rung by rung; enum ha_rung in ckr.h. Thread-safe.
//
// Operations are inside the ladder's gate; a rung that takes the ground from under all of them waits until they are
// out. Whatever a rung renews gets a new generation, so nothing that was found before it is used after it.
#pragma once

#include "base/err.h"
#include "token/ckr.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct ha_p11;

struct ha_ladder {
    pthread_rwlock_t gate;
    atomic_uint climbs;     // that have succeeded
    atomic_uint successes;  // of operations
    atomic_uint streak;     // operations that failed in spite of everything, with no success since
};

void ha_ladder_init(struct ha_ladder *ladder);

// Around each operation. Not twice by one thread.
void ha_ladder_enter(struct ha_ladder *ladder);
void ha_ladder_leave(struct ha_ladder *ladder);

// An operation succeeded: the token is well.
void ha_ladder_well(struct ha_ladder *ladder);
// Whether one succeeded since `successes` was that. Then a failure is no reason to disturb the others.
bool ha_ladder_was_well(const struct ha_ladder *ladder, unsigned since);

// Does what the rung (LOGIN or MODULE) says, and goes on to MODULE if LOGIN fails. Outside of the gate. seen is
// ladder.climbs from before the failure: nothing is done when somebody has climbed since, nor when operations under way
// don't end soon. HA_E_TOKEN_DOWN: only a new process can help. HA_E_PIN.
enum ha_code ha_ladder_climb(struct ha_p11 *token, enum ha_rung rung, unsigned seen, struct ha_err *err);
