// SPDX-License-Identifier: Apache-2.0
// A server's life: start, drain, wait, stop.
#include "http/server.h"

#include "base/clock.h"
#include "base/sanitizer.h"
#include "http/complaint.h"
#include "http/connection.h"
#include "http/request.h"
#include "http/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
    // A connection's memory for the header: what fits is measured against HA_HEADERS_MAX and refused with a problem
    // document; what doesn't is refused by libmicrohttpd. It wipes all of it after each request, so it is both memory
    // that each idle connection keeps and time that each request takes.
    CONNECTION_MEMORY = HA_HEADERS_MAX + HA_HEADERS_MAX / 2,
    // Connections over the limit that are accepted so that they can be told.
    CONNECTIONS_SPARE = 64,
    THREAD_STACK = (HA_SANITIZER ? 2048 : 256) * 1024,
};

static enum ha_code init_lock(struct ha_http_server *server, struct ha_err *err)
{
    pthread_condattr_t monotonic;
    int error = pthread_condattr_init(&monotonic);
    if (error == 0)
        error = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(&server->wake, &monotonic);
    if (error == 0)
        error = pthread_cond_init(&server->quiet, &monotonic);
    if (error == 0)
        error = pthread_mutex_init(&server->lock, NULL);
    if (error == 0)
        error = pthread_key_create(&server->current, NULL);
    return error == 0 ? HA_OK : ha_fail_errno(err, error, "making the HTTP server's locks");
}

static enum ha_code start_watcher(struct ha_http_server *server, struct ha_err *err)
{
    int error = pthread_create(&server->watcher, NULL, ha_http_watch, server);
    if (error != 0)
        return ha_fail_errno(err, error, "starting the HTTP server's watcher");
    server->watching = true;
    return HA_OK;
}

// libmicrohttpd closes the descriptor it is given when it fails to start, at some points, so it gets one of its own;
// what it leaves open then is lost.
static enum ha_code start_daemon(struct ha_http_server *server, int fd, struct ha_err *err)
{
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                           MHD_USE_ITC | MHD_USE_ERROR_LOG;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return ha_fail_errno(err, errno, "duplicating the listening socket");
    const struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)ha_http_complaint, server},
        {MHD_OPTION_LISTEN_SOCKET, own, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)ha_http_connection_notify, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)ha_http_request_line, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)ha_http_request_unescape, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)ha_http_request_completed, server},
        {MHD_OPTION_CONNECTION_LIMIT, server->options.connections + CONNECTIONS_SPARE, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, ha_http_request_take, server, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (server->daemon)
        return HA_OK;
    ha_fail(err, HA_E_IO, "the HTTP server doesn't start");
    return ha_hint(err, "Check the limits on threads and open files (TasksMax= and LimitNOFILE= of the agent's unit).");
}

static enum ha_code make_id_prefix(struct ha_http_server *server, struct ha_err *err)
{
    uint8_t random[5];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return ha_fail_errno(err, errno, "asking for random bytes");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(server->id_prefix + 2 * i, 3, "%02x", random[i]);
    return HA_OK;
}

enum ha_code ha_http_server_new(int fd, bool admin, const char *listen, const struct ha_http_options *options,
                                struct ha_http_server **ret_server, struct ha_err *err)
{
    struct ha_http_server *server = calloc(1, sizeof *server);
    if (!server)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the HTTP server");
    server->options = *options;
    server->admin = admin;
    server->listen = listen;
    enum ha_code code = init_lock(server, err);
    if (code != HA_OK) {
        free(server);
        return code;
    }
    code = make_id_prefix(server, err);
    if (code == HA_OK)
        code = start_watcher(server, err);
    if (code == HA_OK)
        code = start_daemon(server, fd, err);
    if (code != HA_OK) {
        ha_http_server_free(server);
        return code;
    }
    *ret_server = server;
    return HA_OK;
}

void ha_http_server_drain(struct ha_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->draining = true;
    pthread_mutex_unlock(&server->lock);
    MHD_quiesce_daemon(server->daemon);
}

void ha_http_server_retire(struct ha_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->retiring = true;
    pthread_mutex_unlock(&server->lock);
}

void ha_http_server_shut(struct ha_http_server *server)
{
    MHD_quiesce_daemon(server->daemon);
}

void ha_http_server_end_idle(struct ha_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->ending_idle = true;
    for (struct ha_http_connection *c = server->connections; c; c = c->next)
        ha_http_connection_end_idle(c);
    pthread_mutex_unlock(&server->lock);
}

unsigned ha_http_server_connections(struct ha_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned connections = server->n_connections;
    pthread_mutex_unlock(&server->lock);
    return connections;
}

unsigned ha_http_server_pending(struct ha_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned pending = server->pending;
    pthread_mutex_unlock(&server->lock);
    return pending;
}

bool ha_http_server_wait(struct ha_http_server *server, int64_t deadline_ms)
{
    const struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    int error = 0;
    pthread_mutex_lock(&server->lock);
    while (server->pending > 0 && error == 0)
        error = pthread_cond_timedwait(&server->quiet, &server->lock, &until);
    bool quiet = server->pending == 0;
    pthread_mutex_unlock(&server->lock);
    return quiet;
}

// Idle and half-open connections end at once, those in a handler when it returns.
static void end_connections(struct ha_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_cond_signal(&server->wake);
    for (struct ha_http_connection *c = server->connections; c; c = c->next)
        shutdown(c->fd, SHUT_RDWR);
    while (server->n_connections > 0)
        pthread_cond_wait(&server->quiet, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

// libmicrohttpd 0.9.75 crashes when it refuses a request by itself while it is being stopped, so that it is stopped
// only when no connection is left. Only from a daemon that was quiesced comes its descriptor back.
static void stop_daemon(struct MHD_Daemon *daemon)
{
    int own = MHD_quiesce_daemon(daemon);
    MHD_stop_daemon(daemon);
    close(own);
}

void ha_http_server_free(struct ha_http_server *server)
{
    if (!server)
        return;
    if (server->daemon)
        MHD_quiesce_daemon(server->daemon);
    end_connections(server);
    if (server->watching)
        pthread_join(server->watcher, NULL);
    if (server->daemon)
        stop_daemon(server->daemon);
    pthread_key_delete(server->current);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->quiet);
    pthread_cond_destroy(&server->wake);
    free(server);
}
