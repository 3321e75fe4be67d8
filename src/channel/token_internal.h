// SPDX-License-Identifier: Apache-2.0
// What the files that make up a ha_token share.
#pragma once

#include "channel/pool.h"
#include "channel/token.h"

#include <stdatomic.h>

struct ha_token {
    const struct ha_token_config *config;
    struct ha_token_host host;
    struct ha_pool pool;
    pthread_t supervisor;
    int wake;  // eventfd: stop, or try again
    int end;   // eventfd: stop; never read, so that it ends every wait
    atomic_bool stopping;
    _Atomic uint8_t ways[HA_ALG_COUNT];

    pthread_mutex_t control_lock;    // one question at a time; also held while the child is retired
    struct ha_child *control_child;  // the present child; guarded by control_lock

    pthread_mutex_t status_lock;
    pthread_cond_t first;
    bool first_done;  // guarded by status_lock, as is what follows
    bool retry;       // a refused PIN is to be tried again
    struct ha_token_status status;
};
