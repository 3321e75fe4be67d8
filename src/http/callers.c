// SPDX-License-Identifier: Apache-2.0
// A list: there are few users, and it is looked through once a connection.
#include "http/callers.h"

#include <stdlib.h>

struct ha_http_caller *ha_http_callers_enter(struct ha_http_caller **callers, uid_t uid)
{
    struct ha_http_caller *caller = *callers;
    while (caller && caller->uid != uid)
        caller = caller->next;
    if (!caller) {
        caller = calloc(1, sizeof *caller);
        if (!caller)
            return NULL;
        caller->uid = uid;
        caller->next = *callers;
        *callers = caller;
    }
    caller->connections++;
    return caller;
}

void ha_http_callers_leave(struct ha_http_caller **callers, struct ha_http_caller *caller)
{
    if (--caller->connections > 0)
        return;
    struct ha_http_caller **link = callers;
    while (*link != caller)
        link = &(*link)->next;
    *link = caller->next;
    free(caller);
}
