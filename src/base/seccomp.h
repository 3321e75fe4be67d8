// SPDX-License-Identifier: Apache-2.0
// A filter of system calls, made from a table. It can't be taken off again, and whatever the process starts has it too.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

enum ha_seccomp_action {
    HA_SECCOMP_ALLOW,
    HA_SECCOMP_REFUSE,   // EPERM
    HA_SECCOMP_UNKNOWN,  // ENOSYS, as from a kernel that doesn't have it: libraries then do without
    HA_SECCOMP_KILL,     // the process ends by SIGSYS: nobody but an intruder calls it
};

enum { HA_SECCOMP_VALUES = 4 };
// One system call. With n_values: the action is for calls whose argument (its low 32 bits, masked) is one of the
// values, and all others get `otherwise`. pointer: the high 32 bits count, too, and have to be 0.
struct ha_seccomp_rule {
    int number;
    enum ha_seccomp_action action;
    unsigned argument;
    uint32_t mask;
    uint32_t values[HA_SECCOMP_VALUES];
    size_t n_values;
    bool pointer;
    enum ha_seccomp_action otherwise;
};

// Rules for a call whatever its arguments are.
#define HA_ALLOW(name)                                                                                                 \
    {                                                                                                                  \
        .number = SYS_##name, .action = HA_SECCOMP_ALLOW                                                               \
    }
#define HA_REFUSE(name)                                                                                                \
    {                                                                                                                  \
        .number = SYS_##name, .action = HA_SECCOMP_REFUSE                                                              \
    }
#define HA_KILL(name)                                                                                                  \
    {                                                                                                                  \
        .number = SYS_##name, .action = HA_SECCOMP_KILL                                                                \
    }

// Filters the calling thread's calls, and those of the threads that it makes from now on; needs PR_SET_NO_NEW_PRIVS. A
// call that no rule names gets `rest`; one by another architecture's numbers ends the process. *ret_entered false: the
// kernel has no filters, or they aren't known for this processor. HA_E_IO: it has, and refuses this one.
enum ha_code ha_seccomp_enter(const struct ha_seccomp_rule *rules, size_t n, enum ha_seccomp_action rest,
                              bool *ret_entered, struct ha_err *err);
