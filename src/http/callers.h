// SPDX-License-Identifier: Apache-2.0
// What each user has on a server now: connections, and requests under way. Not thread-safe: the server's lock guards
// it.
#pragma once

#include <sys/types.h>

struct ha_http_caller {
    uid_t uid;
    unsigned connections, requests;
    struct ha_http_caller *next;
};

// Counts one more connection of uid's in *callers (NULL: nobody is there). NULL: out of memory.
struct ha_http_caller *ha_http_callers_enter(struct ha_http_caller **callers, uid_t uid);
// Counts one less; with the last one the caller is freed.
void ha_http_callers_leave(struct ha_http_caller **callers, struct ha_http_caller *caller);
