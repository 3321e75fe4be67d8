// SPDX-License-Identifier: Apache-2.0
// A run: callers that ask one way for one operation, and what is counted.
#pragma once

#include "callers.h"
#include "cpu.h"
#include "times.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { CALLERS_MAX = 256, PATIENCE_S = 60 };

struct caller {
    struct times times;
    double done;  // operations within the time
    size_t failed;
    char why[WHY_MAX];
    struct run *run;
    pthread_t thread;
    pid_t pid;
};

// In memory that all processes share.
struct run {
    struct job job;
    const struct way *way;
    EVP_PKEY *public_key;
    void *opened;  // of threads, by all of them
    int n_callers;
    bool processes;
    double rate, warm_s, seconds;
    struct side sides[SIDES_MAX];
    int n_sides;
    sem_t ready, go, leave;
    int64_t from_ns, to_ns, read_ns;
    int64_t *arrivals;  // with a rate
    size_t n_arrivals;
    atomic_size_t arrived;
    struct caller caller[CALLERS_MAX];
};

// Nanoseconds of the clock that doesn't jump.
int64_t run_now_ns(void);

void run_sleep_until(int64_t ns);

// A caller's whole life, in a thread or process of its own: opens, asks once and looks at the result, posts `ready`,
// waits for `go`, asks until the time is over, and waits for `leave`, until when all processes on the way live. Before
// `ready`, `why` says what it isn't able to.
void run_live(struct caller *me);
