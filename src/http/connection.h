// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: a server's state, its connections, and the moves between a connection's phases.
//
// A connection has a thread of its own (libmicrohttpd's); the watcher's thread looks at all of them. What both touch is
// guarded by the server's lock.
#pragma once

#include "http/callers.h"
#include "http/server.h"

#include <microhttpd.h>
#include <pthread.h>

enum ha_http_phase {
    HA_HTTP_IDLE,       // waits for a request line; after the first request it may wait long
    HA_HTTP_RECEIVING,  // the request line is there, the rest may not be
    HA_HTTP_HANDLING,   // the handler has it: as long as it takes
    HA_HTTP_SENDING,    // the reply is on its way
    HA_HTTP_CLOSED,     // cut off by the watcher; nothing may be sent any more
};

struct ha_http_connection {
    struct ha_http_server *server;
    int fd;  // libmicrohttpd's; open as long as this struct lives

    // Set when the connection is made.
    struct ha_principal principal;
    struct ha_err stranger;   // code HA_OK: the principal is known; else why not
    enum ha_code over_limit;  // not HA_OK: one connection too many; its request is answered with that

    // Guarded by the server's lock.
    struct ha_http_connection *previous, *next;
    enum ha_http_phase phase;
    int64_t since_ms;           // when the phase began
    unsigned long long served;  // requests completed
    bool counted;               // the request is one of the server's pending ones
    struct ha_http_caller *caller;

    // The connection's own thread's: the request under way.
    char id[sizeof(((struct ha_request *)NULL)->id)];
    struct ha_seat seat;
    int64_t done_us;       // when the request before was over; 0: there was none
    bool quick;            // and this one came soon after it
    struct ha_buf target;  // as sent
    struct ha_buf body;
    bool line_done;
    bool header_done;
    bool seated;  // counted at its seat
    bool has_body;
    bool answered;  // there is a reply, at least a part of it
    bool linger;    // answered before the body was read
};

struct ha_http_server {
    struct ha_http_options options;
    bool admin;
    const char *listen;
    struct MHD_Daemon *daemon;
    pthread_t watcher;
    pthread_key_t current;  // in a connection's thread: the connection
    bool watching;          // the watcher was started
    char id_prefix[11];

    pthread_mutex_t lock;  // guards all that follows
    pthread_cond_t wake;   // for the watcher
    pthread_cond_t quiet;  // pending reached 0
    struct ha_http_connection *connections;
    struct ha_http_caller *callers;
    unsigned n_connections;
    unsigned pending;
    unsigned long long requests;
    bool draining;
    bool retiring;     // each reply is its connection's last
    bool ending_idle;  // so is the one before
    bool stopping;
};

// For MHD_OPTION_NOTIFY_CONNECTION; cls is the server.
void ha_http_connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode what);
// NULL when there was no memory for it.
struct ha_http_connection *ha_http_connection_of(struct MHD_Connection *mhd);

// A request line has come. Makes the request's id.
void ha_http_connection_begin(struct ha_http_connection *connection);
// The request's header is whole: it is under way now. False: the watcher cut the connection off. ret_too_many: its user
// has more under way than it may.
bool ha_http_connection_count(struct ha_http_connection *connection, bool *ret_draining, bool *ret_too_many);
// False: the watcher cut the connection off, so that the phase stays what it is.
bool ha_http_connection_enter(struct ha_http_connection *connection, enum ha_http_phase phase);
// The reply is on its way. False as above; *ret_close: it is the last one of this connection.
bool ha_http_connection_reply(struct ha_http_connection *connection, bool *ret_close);
// With the server's lock held: a connection that waits for another request gets none any more.
void ha_http_connection_end_idle(struct ha_http_connection *connection);
// It is refused before any handler sees it.
void ha_http_connection_refused(const struct ha_http_connection *connection, const struct ha_err *err);
// The request is over, one way or another.
void ha_http_connection_end(struct ha_http_connection *connection);
