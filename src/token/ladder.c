// SPDX-License-Identifier: Apache-2.0
#include "token/ladder.h"

#include "token/module.h"
#include "token/session.h"
#include "token/slot.h"
#include "token/p11.h"

#include <time.h>

#define GATE_WAIT_MS 1000  // for operations under way; making a key takes longer, and isn't to be cut off

void ha_ladder_init(struct ha_ladder *ladder)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    // Else a busy token's operations would never let a rung in.
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&ladder->gate, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

void ha_ladder_enter(struct ha_ladder *ladder)
{
    pthread_rwlock_rdlock(&ladder->gate);
}

void ha_ladder_leave(struct ha_ladder *ladder)
{
    pthread_rwlock_unlock(&ladder->gate);
}

void ha_ladder_well(struct ha_ladder *ladder)
{
    atomic_fetch_add(&ladder->successes, 1);
    atomic_store(&ladder->streak, 0);
}

bool ha_ladder_was_well(const struct ha_ladder *ladder, unsigned since)
{
    return atomic_load(&ladder->successes) != since;
}

static bool close_gate(struct ha_ladder *ladder)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += GATE_WAIT_MS / 1000;
    return pthread_rwlock_clockwrlock(&ladder->gate, CLOCK_MONOTONIC, &until) == 0;
}

static enum ha_code renew_login(struct ha_p11 *token, struct ha_err *err)
{
    // What it says doesn't matter: the sessions may be gone already.
    token->p11->C_CloseAllSessions(token->slot);
    ha_session_forget_all(token);
    return ha_session_open_held(token, err);
}

static enum ha_code renew_module(struct ha_p11 *token, struct ha_err *err)
{
    ha_session_forget_all(token);
    ha_module_finalize(token);
    if (ha_module_initialize(token, err) || ha_slot_find(token, err))
        return err->code;
    return ha_session_open_held(token, err);
}

// Inside the closed gate.
static enum ha_code climb(struct ha_p11 *token, enum ha_rung rung, struct ha_err *err)
{
    struct ha_err failure = {0};
    atomic_fetch_add(&token->generation, 1);
    if (rung == HA_RUNG_LOGIN && renew_login(token, &failure) == HA_OK)
        return HA_OK;
    if (failure.code != HA_E_PIN) {
        failure = (struct ha_err){0};
        if (renew_module(token, &failure) == HA_OK)
            return HA_OK;
    }
    *err = failure;
    if (err->code != HA_E_PIN)
        err->code = HA_E_TOKEN_DOWN;
    return err->code;
}

enum ha_code ha_ladder_climb(struct ha_p11 *token, enum ha_rung rung, unsigned seen, struct ha_err *err)
{
    struct ha_ladder *ladder = &token->ladder;
    enum ha_code code = HA_OK;
    if (!close_gate(ladder))
        return HA_OK;
    if (atomic_load(&ladder->climbs) == seen) {
        code = climb(token, rung, err);
        if (code == HA_OK)
            atomic_fetch_add(&ladder->climbs, 1);
    }
    pthread_rwlock_unlock(&ladder->gate);
    return code;
}
