// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 on listening Unix sockets: a thread per connection, limits, timeouts, draining. The only door to
// libmicrohttpd.
#pragma once

#include "api/message.h"
#include "base/affinity.h"
#include "base/err.h"

#include <stdint.h>

struct ha_http_server;

struct ha_http_options {
    unsigned connections;          // most at one time for this server; one more is answered 503 and closed
    unsigned connections_per_uid;  // likewise of one user: 429; 0: no limit
    unsigned requests_per_uid;     // most requests under way at one time for one user: 429; 0: no limit
    // Not 0: a kept connection without a request is closed after this, and so is one whose client takes no reply.
    unsigned idle_ms;
    // Not 0: a request must have arrived whole within this from its first header line, a connection's first request
    // from the connection's beginning: 408.
    unsigned receive_ms;
    const struct ha_exe_reader *exes;  // reads callers' executables; borrowed; NULL: this process does
    struct ha_affinity *affinity;      // spreads connections over processors; borrowed; NULL: nobody does
    void *context;
    // Answers one complete request. Called from the connection's thread.
    void (*handle)(void *context, const struct ha_request *request, struct ha_reply *reply);
    // Makes a problem document for what goes wrong before (400, 403, 408, 413, 431, 503). Called from any thread, also
    // with the server's lock held: it must not call the server.
    void (*problem)(void *context, const struct ha_err *err, const char *request_id, struct ha_reply *reply);
    // Is told of each of these, and of connections that are closed without a word; as problem. NULL: nobody is.
    // principal: NULL when it isn't known; request_id: "" when there is none yet.
    void (*refused)(void *context, const struct ha_principal *principal, const char *request_id,
                    const struct ha_err *err);
};

// Serves fd, a listening AF_UNIX descriptor; it stays the caller's, but must not be used any more until _free returns.
// admin and listen go into each request; listen is borrowed for the server's life. options are copied.
enum ha_code ha_http_server_new(int fd, bool admin, const char *listen, const struct ha_http_options *options,
                                struct ha_http_server **ret_server, struct ha_err *err);
// Accepts no more connections, and answers new requests with 503 and Connection: close. Requests under way go on.
void ha_http_server_drain(struct ha_http_server *server);
// Requests under way. Reaches 0 while draining.
unsigned ha_http_server_pending(struct ha_http_server *server);
// Waits until nothing is under way or deadline_ms (ha_now_ms) has passed; true: nothing is.
bool ha_http_server_wait(struct ha_http_server *server, int64_t deadline_ms);
// From now on each connection ends with its next reply, which says so.
void ha_http_server_retire(struct ha_http_server *server);
// Accepts no more connections.
void ha_http_server_shut(struct ha_http_server *server);
// After _retire: ends the connections that wait for another request. What was sent already is answered.
void ha_http_server_end_idle(struct ha_http_server *server);
unsigned ha_http_server_connections(struct ha_http_server *server);  // open ones; reaches 0 after the three above
void ha_http_server_free(struct ha_http_server *server);             // closes every connection and joins every thread
