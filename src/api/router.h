// SPDX-License-Identifier: Apache-2.0
// THE table of routes: what the daemon answers, the manual lists and the tests go through.
#pragma once

#include "api/call.h"
#include "base/text.h"

struct ha_route {
    const char *method;
    const char *pattern;  // "/v1/keys/{name}/sign"
    size_t pattern_len;
    bool admin;         // only on admin sockets
    bool body;          // takes a JSON body
    const char *query;  // what may follow the '?' (api/query.h); NULL: nothing
    enum ha_code (*handle)(struct ha_call_context *call, struct ha_err *err);
    const char *summary;
};

// NULL-pattern-terminated.
const struct ha_route *ha_routes(void);
// Finds the route and copies {name}. HA_E_NO_ROUTE, or HA_E_METHOD with the methods there are in ret_allow (a
// constant).
enum ha_code ha_route_find(const char *method, const char *path, const struct ha_route **ret_route,
                           char ret_name[static HA_NAME_MAX + 1], const char **ret_allow, struct ha_err *err);
