// SPDX-License-Identifier: Apache-2.0
// One thread a server, asleep until the earliest deadline.
#include "http/watch.h"

#include "base/clock.h"
#include "http/reply.h"

#include <sys/socket.h>
#include <time.h>

static int64_t deadline_of(const struct ha_http_connection *connection)
{
    const struct ha_http_options *options = &connection->server->options;
    switch (connection->phase) {
    case HA_HTTP_IDLE:
        // What has come of a request line isn't seen, so the first request has as long as its other parts would have.
        return connection->since_ms + (connection->served > 0 ? options->idle_ms : options->receive_ms);
    case HA_HTTP_RECEIVING:
        return connection->since_ms + options->receive_ms;
    case HA_HTTP_SENDING:
        return connection->since_ms + options->idle_ms;
    case HA_HTTP_HANDLING:
    case HA_HTTP_CLOSED:
        break;
    }
    return INT64_MAX;
}

// An idle connection is closed without a word, for a client that is about to send would take 408 for its answer.
static void cut_off(struct ha_http_connection *connection)
{
    bool late =
        connection->phase == HA_HTTP_RECEIVING || (connection->phase == HA_HTTP_IDLE && connection->served == 0);
    if (late) {
        struct ha_err err = {0};
        ha_fail(&err, HA_E_REQUEST_TIMEOUT, "the request wasn't complete within %u ms",
                connection->server->options.receive_ms);
        ha_http_reply_raw(connection, &err);
    }
    connection->phase = HA_HTTP_CLOSED;
    shutdown(connection->fd, SHUT_RDWR);
}

// Returns when to look again. A phase that begins while nobody looks ends no sooner than the shorter limit from then.
static int64_t look(struct ha_http_server *server)
{
    const struct ha_http_options *options = &server->options;
    int64_t now_ms = ha_now_ms();
    int64_t next_ms = now_ms + (options->receive_ms < options->idle_ms ? options->receive_ms : options->idle_ms);
    for (struct ha_http_connection *c = server->connections; c; c = c->next) {
        int64_t deadline_ms = deadline_of(c);
        if (deadline_ms <= now_ms)
            cut_off(c);
        else if (deadline_ms < next_ms)
            next_ms = deadline_ms;
    }
    return next_ms;
}

void *ha_http_watch(void *argument)
{
    struct ha_http_server *server = argument;
    pthread_mutex_lock(&server->lock);
    while (!server->stopping) {
        int64_t next_ms = look(server);
        const struct timespec until = {.tv_sec = next_ms / 1000, .tv_nsec = next_ms % 1000 * 1000000};
        if (server->connections)
            pthread_cond_timedwait(&server->wake, &server->lock, &until);
        else
            pthread_cond_wait(&server->wake, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}
