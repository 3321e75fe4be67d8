// SPDX-License-Identifier: Apache-2.0
// A request and a reply, free of any HTTP library.
#pragma once

#include "base/buf.h"
#include "policy/principal.h"

#include <stdbool.h>

#define HA_BODY_MAX    (256 * 1024)  // bytes of a request's body
#define HA_HEADERS_MAX (16 * 1024)   // bytes of a request's line and header fields

struct ha_request {
    const char *method;  // "GET"
    const char *path;    // as sent, not decoded, without the query: "/v1/keys"
    const char *query;   // behind the '?', not decoded; "" when there is none
    const char *origin;  // header fields; NULL when absent
    const char *if_none_match;
    const char *request_timeout;
    const uint8_t *body;
    size_t body_len;
    const struct ha_principal *principal;
    unsigned cpu;        // the processor that the calling thread is bound to; HA_CPU_ANY
    bool admin;          // it came over an admin socket
    const char *listen;  // that section's name
    char id[24];         // the request's id, in the Request-Id header of the reply and in log lines
};

struct ha_reply {
    unsigned status;
    const char *content_type;  // a constant
    struct ha_buf body;
    unsigned retry_after_s;  // 0: no Retry-After
    const char *allow;       // a constant; NULL: no Allow
    bool close;              // the connection ends after it
};
