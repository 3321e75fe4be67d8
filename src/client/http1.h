// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP/1.1 response, read strictly: a pure function of the bytes. What the agent never sends is refused.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    HA_HTTP1_HEAD_MAX = 16 * 1024,        // bytes of status line and header fields, the empty line included
    HA_HTTP1_BODY_MAX = 8 * 1024 * 1024,  // bytes
};

struct ha_http1_head {
    size_t len;              // bytes of the head, the empty line included
    unsigned status;         // 200..599
    size_t body_len;         // of Content-Length, at most HA_HTTP1_BODY_MAX
    bool close;              // the server ends the connection after this response
    unsigned retry_after_s;  // 0: unsaid
};

// Looks for a head at the start of the n bytes that came so far. HA_OK with *ret_complete false: more bytes are needed
// (never when n >= HA_HTTP1_HEAD_MAX). HA_E_AGENT: that isn't such a response, or becomes none; refused as soon as the
// bytes tell. Refused are other versions than 1.1, interim responses (1xx), chunked bodies, a Content-Length that is
// missing, doubled or too large, folded lines, bare CR or LF, control characters. Thread-safe.
enum ha_code ha_http1_head_read(const char *bytes, size_t n, bool *ret_complete, struct ha_http1_head *ret_head,
                                struct ha_err *err);
