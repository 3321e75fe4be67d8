// SPDX-License-Identifier: Apache-2.0
// What the files that make up a ha_token share.
#pragma once

#include "channel/bundle.h"
#include "channel/pool.h"
#include "channel/token.h"

#include <stdatomic.h>

struct ha_token {
    const struct ha_token_config *config;
    struct ha_token_host host;
    struct ha_pool pool;
    struct ha_bundle_pace pace;
    pthread_t supervisor;
    char *pin_guard;  // path of the record of refused PINs; NULL: none is kept
    int wake;         // eventfd: stop or retry
    int halt;         // eventfd: stop, and don't wait for the child any more
    atomic_bool stopping, retry;
    _Atomic uint8_t ways[HA_ALG_COUNT];

    pthread_mutex_t control_lock;    // one question at a time; also held while the child is retired
    struct ha_child *control_child;  // the present child; guarded by control_lock

    pthread_mutex_t status_lock;
    pthread_cond_t first;
    bool first_done;  // guarded by status_lock, as are the two that follow
    unsigned ends;    // of starts, good or bad
    struct ha_token_status status;
};

// Counts n signatures that the child has held back.
void ha_token_faulty(struct ha_token *token, unsigned n);

// The supervisor thread's whole life; argument is the ha_token.
void *ha_token_supervise(void *argument);
