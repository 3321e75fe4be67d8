// SPDX-License-Identifier: Apache-2.0
// What the processes on each side of an operation use of the processors.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SIDES_MAX = 9, PIDS_MAX = 512 };

struct side {
    const char *name;
    pid_t pid[PIDS_MAX];
    int n_pids;
    bool with_children;  // those that live when it is first read
    int64_t ns;
};

// Adds SIDE=PID[+], '+' for the children too, to n sides of SIDES_MAX; how many they are now, -1: it isn't that.
int cpu_add(struct side *sides, int n, char *text);

// Adds the children, if the side wants them.
void cpu_find_children(struct side *side);

// Nanoseconds of all threads, the ended ones too.
int64_t cpu_used(const struct side *side);
