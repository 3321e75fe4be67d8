// SPDX-License-Identifier: Apache-2.0
// Connections come and go, and go through their phases, under the server's lock.
#include "http/connection.h"

#include "base/clock.h"

#include <string.h>
#include <sys/socket.h>

// Nothing that was sent is read any more, and nothing can be sent. Only before the connection's thread runs.
static void turn_away(int fd)
{
    char bytes[4096];
    shutdown(fd, SHUT_RDWR);
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

// A few over a user's limit are told; more would take the others' places.
enum { SPARE_PER_UID = 8 };

static enum ha_code over_limit(const struct ha_http_connection *connection)
{
    const struct ha_http_options *options = &connection->server->options;
    if (options->connections_per_uid && connection->caller->connections > options->connections_per_uid)
        return HA_E_TOO_MANY;
    return connection->server->n_connections > options->connections ? HA_E_BUSY : HA_OK;
}

void ha_http_connection_refused(const struct ha_http_connection *connection, const struct ha_err *err)
{
    const struct ha_http_options *options = &connection->server->options;
    const bool known = connection->stranger.code == HA_OK;
    if (options->refused)
        options->refused(options->context, known ? &connection->principal : NULL, connection->id, err);
}

static void refuse_connection(const struct ha_http_connection *connection)
{
    struct ha_err err = {0};
    ha_fail(&err, HA_E_TOO_MANY, "too many connections");
    ha_http_connection_refused(connection, &err);
}

// False: out of memory.
static bool insert(struct ha_http_connection *connection)
{
    struct ha_http_server *server = connection->server;
    uid_t uid = connection->stranger.code == HA_OK ? connection->principal.uid : (uid_t)-1;
    pthread_mutex_lock(&server->lock);
    connection->caller = ha_http_callers_enter(&server->callers, uid);
    if (!connection->caller) {
        pthread_mutex_unlock(&server->lock);
        return false;
    }
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    else
        pthread_cond_signal(&server->wake);
    server->connections = connection;
    server->n_connections++;
    connection->over_limit = over_limit(connection);
    connection->since_ms = ha_now_ms();
    unsigned most = server->options.connections_per_uid;
    bool too_many = most && connection->caller->connections > most + SPARE_PER_UID;
    if (too_many)
        refuse_connection(connection);
    if (server->stopping || too_many)
        turn_away(connection->fd);
    pthread_mutex_unlock(&server->lock);
    return true;
}

static void take_out(struct ha_http_connection *connection)
{
    struct ha_http_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    ha_http_callers_leave(&server->callers, connection->caller);
    if (--server->n_connections == 0)
        pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
}

static void *start(struct ha_http_server *server, struct MHD_Connection *mhd)
{
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct ha_http_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        turn_away(fd);
        return NULL;
    }
    connection->server = server;
    connection->fd = fd;
    ha_principal_read(connection->fd, server->options.exes, &connection->principal, &connection->stranger);
    connection->seat.caller = connection->principal.pid;
    if (!insert(connection)) {
        turn_away(fd);
        ha_principal_clear(&connection->principal);
        free(connection);
        return NULL;
    }
    return connection;
}

void ha_http_connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_ConnectionNotificationCode what)
{
    struct ha_http_connection *connection = *context;
    switch (what) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        *context = start(cls, mhd);
        break;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        // The descriptor is closed only after this, so the watcher never meets one that means something else by now.
        if (!connection)
            return;
        take_out(connection);
        ha_buf_clear(&connection->target);
        ha_buf_clear(&connection->body);
        ha_principal_clear(&connection->principal);
        free(connection);
        *context = NULL;
        break;
    }
}

struct ha_http_connection *ha_http_connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static bool enter_locked(struct ha_http_connection *connection, enum ha_http_phase phase)
{
    if (connection->phase == HA_HTTP_CLOSED)
        return false;
    connection->phase = phase;
    connection->since_ms = ha_now_ms();
    return true;
}

bool ha_http_connection_enter(struct ha_http_connection *connection, enum ha_http_phase phase)
{
    pthread_mutex_lock(&connection->server->lock);
    bool entered = enter_locked(connection, phase);
    pthread_mutex_unlock(&connection->server->lock);
    return entered;
}

bool ha_http_connection_reply(struct ha_http_connection *connection, bool *ret_close)
{
    pthread_mutex_lock(&connection->server->lock);
    bool entered = enter_locked(connection, HA_HTTP_SENDING);
    *ret_close = connection->server->retiring;
    pthread_mutex_unlock(&connection->server->lock);
    return entered;
}

// What has been sent already can still be read, and answered; then comes the end of file. A connection that is new has
// its first request.
void ha_http_connection_end_idle(struct ha_http_connection *connection)
{
    if (connection->phase == HA_HTTP_IDLE && connection->served > 0)
        shutdown(connection->fd, SHUT_RD);
}

// The server's prefix, '-', and the number in hexadecimal digits.
static void put_id(struct ha_http_connection *connection, unsigned long long number)
{
    size_t at = sizeof connection->server->id_prefix - 1, n = 1;
    memcpy(connection->id, connection->server->id_prefix, at);
    connection->id[at++] = '-';
    while (n < sizeof number * 2 && number >> 4 * n)
        n++;
    while (n-- > 0)
        connection->id[at++] = "0123456789abcdef"[number >> 4 * n & 15];
    connection->id[at] = '\0';
}

void ha_http_connection_begin(struct ha_http_connection *connection)
{
    struct ha_http_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    unsigned long long number = ++server->requests;
    enter_locked(connection, HA_HTTP_RECEIVING);
    put_id(connection, number & 0xffffffffffff);
    pthread_mutex_unlock(&server->lock);
}

bool ha_http_connection_count(struct ha_http_connection *connection, bool *ret_draining, bool *ret_too_many)
{
    struct ha_http_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    bool open = connection->phase != HA_HTTP_CLOSED;
    if (open) {
        unsigned most = server->options.requests_per_uid;
        server->pending++;
        connection->counted = true;
        *ret_draining = server->draining;
        *ret_too_many = ++connection->caller->requests > most && most;
    }
    pthread_mutex_unlock(&server->lock);
    return open;
}

void ha_http_connection_end(struct ha_http_connection *connection)
{
    struct ha_http_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    connection->served++;
    enter_locked(connection, HA_HTTP_IDLE);
    if (server->ending_idle)
        ha_http_connection_end_idle(connection);
    if (connection->counted)
        connection->caller->requests--;
    if (connection->counted && --server->pending == 0)
        pthread_cond_broadcast(&server->quiet);
    connection->counted = false;
    pthread_mutex_unlock(&server->lock);
}
