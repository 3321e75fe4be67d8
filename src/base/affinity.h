// SPDX-License-Identifier: Apache-2.0
// Which processor a thread runs on. Those that work for one request do so one after the other, and spend their time
// waking each other; to wake a thread on another processor takes longer than most of what it then does. So they share
// one, and the requests are spread over the processors.
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

// A processor: one more than its number. 0: any.
#define HA_CPU_ANY 0u

// The processors that this process may use, and how many requests are under way on each. Thread-safe.
struct ha_affinity;

// NULL, and HA_OK: there is only one.
enum ha_code ha_affinity_new(struct ha_affinity **ret_affinity, struct ha_err *err);
void ha_affinity_free(struct ha_affinity *affinity);  // NULL is fine
HA_AUTO_DEFINE(struct ha_affinity, ha_affinity_free)

// Where a thread is bound to; zeros at first. Owned by one thread.
struct ha_seat {
    unsigned cpu;
    pid_t caller;        // for whom it works: if that process is bound to one processor, it sits there; 0: nobody
    bool beside;         // and does
    bool loose;          // internal, all the rest: the scheduler chooses where the next request finds it
    int64_t since_ms;    // when it was bound
    unsigned at;         // which of the processors, counted from 1
    unsigned alone;      // how many of its requests in a row met none there
    unsigned disturbed;  // how many more of them there have to be, because others run there
    unsigned crowded;    // how often it was found busier than another, less how often it wasn't
    unsigned moves;      // of all threads together when that count began
};

// A request begins on the calling thread, and has ended. The thread stays where it sits, unless requests there meet
// more others than elsewhere time and again. Some times a second the scheduler is asked, who knows of other processes.
// affinity NULL: nothing is bound.
void ha_affinity_enter(struct ha_affinity *affinity, struct ha_seat *seat);
void ha_affinity_leave(struct ha_affinity *affinity, struct ha_seat *seat);
// Between two requests: there has been no other on the thread's processor for a while, and its caller isn't bound
// there.
bool ha_affinity_alone(struct ha_affinity *affinity, const struct ha_seat *seat);
// It wasn't alone after all: when it gave its processor up, something else ran there.
void ha_affinity_disturbed(struct ha_seat *seat);

// Binds the calling thread to a processor. False: the system says no, and it runs where it did.
bool ha_affinity_bind(unsigned cpu);
// Lets it run where the process's first thread may, and so threads that it starts from now on.
void ha_affinity_unbind(void);
