// SPDX-License-Identifier: Apache-2.0
// Owned locals that clean up after themselves.
//
//   ha_auto(ha_secret_free) struct ha_secret *pin = NULL;     freed when the block is left
//   return ha_take(&pin);                                     hands the ownership over
//
// Only on values the block owns, never on borrowed ones. The cleaner is called with the address of the
// variable, so a type needs HA_AUTO_DEFINE (for pointers) or a function taking the struct's address.
#pragma once

#define ha_auto(cleaner) __attribute__((cleanup(cleaner##_auto)))

// Makes `ha_auto(free_fn)` work for variables of type `type *`; free_fn accepts NULL.
#define HA_AUTO_DEFINE(type, free_fn)                                                                                  \
    static inline void free_fn##_auto(type **variable)                                                                 \
    {                                                                                                                  \
        free_fn(*variable);                                                                                            \
    }

// Makes `ha_auto(clear_fn)` work for variables of type `type` that are cleared in place.
#define HA_AUTO_DEFINE_CLEAR(type, clear_fn)                                                                           \
    static inline void clear_fn##_auto(type *variable)                                                                 \
    {                                                                                                                  \
        clear_fn(variable);                                                                                            \
    }

#define ha_take(variable)                                                                                              \
    ({                                                                                                                 \
        __typeof__(variable) ha_take_p = (variable);                                                                   \
        __typeof__(*ha_take_p) ha_take_v = *ha_take_p;                                                                 \
        *ha_take_p = NULL;                                                                                             \
        ha_take_v;                                                                                                     \
    })

#define HA_ARRAY_SIZE(array)          (sizeof(array) / sizeof((array)[0]))
#define HA_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

#include <stdlib.h>
#include <unistd.h>

static inline void ha_free_auto(void *variable)
{
    free(*(void **)variable);
}

// An owned descriptor; -1 is none.
static inline void ha_close_auto(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
