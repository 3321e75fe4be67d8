// SPDX-License-Identifier: Apache-2.0
// A request's way: its line, its header (limits and refusals), its body piece by piece, the handler, the reply, the
// end.
#include "http/request.h"

#include "base/clock.h"
#include "http/complaint.h"
#include "http/fields.h"
#include "http/reply.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

// How much of a refused body is read, so that the client comes to read why; then the connection is cut.
// How long a thread stays awake for its caller's next request: that one has to wake up, and to send it. Only where the
// request before it came soon enough, the time included that waking up takes.
enum { AWAKE_US = 100, QUICK_US = 200 };
enum { LINGER_MS = 1000, LINGER_BYTES = 8 * 1024 * 1024 };

void *ha_http_request_line(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct ha_http_connection *connection = ha_http_connection_of(mhd);
    if (!connection)
        return NULL;
    ha_http_complaint_about(connection);
    ha_http_connection_begin(connection);
    connection->quick = connection->done_us && ha_now_us() - connection->done_us < QUICK_US;
    connection->line_done = true;
    ha_buf_puts(&connection->target, target ? target : "");
    return connection;
}

static enum MHD_Result send_reply(struct ha_http_connection *connection, struct MHD_Connection *mhd,
                                  struct ha_reply *reply)
{
    const struct ha_http_options *options = &connection->server->options;
    if (!ha_buf_ok(&reply->body)) {
        struct ha_err err = {0};
        ha_buf_clear(&reply->body);
        ha_fail(&err, HA_E_MEMORY, "out of memory for the reply");
        options->problem(options->context, &err, connection->id, reply);
    }
    bool last = false;
    connection->answered = true;
    ha_http_connection_reply(connection, &last);
    reply->close = reply->close || last;
    enum MHD_Result result = ha_buf_ok(&reply->body) ? ha_http_reply_queue(mhd, connection->id, reply) : MHD_NO;
    ha_buf_clear(&reply->body);
    return result;
}

// Answers before the body is read; the connection ends after it.
static enum MHD_Result refuse(struct ha_http_connection *connection, struct MHD_Connection *mhd,
                              const struct ha_err *err)
{
    const struct ha_http_options *options = &connection->server->options;
    struct ha_reply reply = {0};
    ha_http_connection_refused(connection, err);
    options->problem(options->context, err, connection->id, &reply);
    reply.close = true;
    connection->linger = connection->has_body;
    return send_reply(connection, mhd, &reply);
}

static enum ha_code check_connection(const struct ha_http_connection *connection, bool draining, bool too_many,
                                     struct ha_err *err)
{
    const struct ha_http_options *options = &connection->server->options;
    if (draining)
        return ha_fail(err, HA_E_STOPPING, "the agent is shutting down");
    if (connection->over_limit == HA_E_TOO_MANY)
        return ha_fail(err, HA_E_TOO_MANY, "the user %u has %u connections already, as many as one user may",
                       (unsigned)connection->principal.uid, options->connections_per_uid);
    if (too_many)
        return ha_fail(err, HA_E_TOO_MANY, "the user %u has %u requests under way already, as many as one user may",
                       (unsigned)connection->principal.uid, options->requests_per_uid);
    if (connection->over_limit) {
        ha_fail(err, HA_E_BUSY, "there are %u connections already, as many as are served", options->connections);
        return ha_hint(err, "Try again in a moment; if it persists, raise 'connections' in the section [agent].");
    }
    if (connection->stranger.code != HA_OK) {
        *err = connection->stranger;
        err->code = HA_E_FORBIDDEN;
    }
    return err->code;
}

// The request's header is whole.
static enum MHD_Result start(struct ha_http_connection *connection, struct MHD_Connection *mhd, const char *version)
{
    struct ha_err err = {0};
    bool draining, too_many;
    connection->header_done = true;
    if (!ha_http_connection_count(connection, &draining, &too_many))
        return MHD_NO;
    ha_affinity_enter(connection->server->options.affinity, &connection->seat);
    connection->seated = true;
    enum ha_code code = HA_OK;
    if (!ha_buf_ok(&connection->target))
        code = ha_fail(&err, HA_E_MEMORY, "out of memory for the request");
    if (code == HA_OK)
        code = ha_http_fields_check(mhd, version, ha_buf_text(&connection->target), &connection->has_body, &err);
    if (code == HA_OK)
        code = check_connection(connection, draining, too_many, &err);
    return code == HA_OK ? MHD_YES : refuse(connection, mhd, &err);
}

// In the middle of a body libmicrohttpd takes no reply, so a refusal is written past it.
static enum MHD_Result take_body(struct ha_http_connection *connection, const char *data, size_t *data_len)
{
    struct ha_err err = {0};
    if (*data_len > HA_BODY_MAX - connection->body.len)
        ha_fail(&err, HA_E_TOO_LARGE, "the body has more than %d bytes", HA_BODY_MAX);
    else
        ha_buf_append(&connection->body, data, *data_len);
    if (!ha_buf_ok(&connection->body))
        ha_fail(&err, HA_E_MEMORY, "out of memory for the request");
    if (err.code == HA_OK) {
        *data_len = 0;
        return MHD_YES;
    }
    // Once in this phase the watcher writes nothing, so that there are no two replies.
    if (ha_http_connection_enter(connection, HA_HTTP_SENDING))
        ha_http_reply_raw(connection, &err);
    connection->answered = connection->linger = true;
    return MHD_NO;
}

static enum MHD_Result hand_over(struct ha_http_connection *connection, struct MHD_Connection *mhd, const char *method)
{
    const struct ha_http_server *server = connection->server;
    struct ha_reply reply = {0};
    struct ha_request request = {
        .method = method,
        .origin = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ORIGIN),
        .if_none_match = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH),
        .request_timeout = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Request-Timeout"),
        .body = connection->body.data,
        .body_len = connection->body.len,
        .principal = &connection->principal,
        .cpu = connection->seat.cpu,
        .admin = server->admin,
        .listen = server->listen,
    };
    memcpy(request.id, connection->id, sizeof request.id);
    ha_http_fields_split((char *)connection->target.data, &request.path, &request.query);
    if (!ha_http_connection_enter(connection, HA_HTTP_HANDLING))
        return MHD_NO;
    server->options.handle(server->options.context, &request, &reply);
    return send_reply(connection, mhd, &reply);
}

enum MHD_Result ha_http_request_take(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                     const char *version, const char *data, size_t *data_len, void **context)
{
    struct ha_http_connection *connection = *context;
    if (!connection)
        return MHD_NO;
    if (!connection->header_done)
        return start(connection, mhd, version);
    if (*data_len > 0)
        return take_body(connection, data, data_len);
    return hand_over(connection, mhd, method);
}

// A descriptor that is closed with bytes unread looks like a failure to a client that is still sending: it might never
// read the refusal. So what comes is read and forgotten for a while.
static void linger(int fd)
{
    int64_t deadline_ms = ha_now_ms() + LINGER_MS;
    size_t left = LINGER_BYTES;
    shutdown(fd, SHUT_WR);
    while (left > 0) {
        char bytes[4096];
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, ha_left_ms(deadline_ms)) <= 0)
            return;
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n <= 0)
            return;
        left -= (size_t)n < left ? (size_t)n : left;
    }
}

// A caller that asks one thing after the other has its next request ready soon. A processor that goes to sleep until
// then takes longer to wake up than that, so a thread that has it for itself looks out for a while.
static void await_next(struct ha_http_connection *connection)
{
    struct ha_affinity *affinity = connection->server->options.affinity;
    int64_t now_us = ha_now_us();
    const int64_t until_us = now_us + AWAKE_US;
    char byte;
    connection->done_us = now_us;
    while (connection->quick && now_us < until_us && ha_affinity_alone(affinity, &connection->seat) &&
           recv(connection->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) < 0) {
        int64_t before_us = now_us;
        sched_yield();
        now_us = ha_now_us();
        if (now_us - before_us > AWAKE_US)
            ha_affinity_disturbed(&connection->seat);
    }
}

void ha_http_request_completed(void *cls, struct MHD_Connection *mhd, void **context,
                               enum MHD_RequestTerminationCode code)
{
    struct ha_http_connection *connection = *context;
    if (!connection)
        return;
    bool lingers = connection->linger;
    if (connection->seated)
        ha_affinity_leave(connection->server->options.affinity, &connection->seat);
    ha_buf_clear(&connection->target);
    ha_buf_clear(&connection->body);
    connection->line_done = connection->header_done = connection->has_body = false;
    connection->answered = connection->linger = connection->seated = false;
    ha_http_connection_end(connection);
    if (lingers)
        linger(connection->fd);
    else
        await_next(connection);
}

size_t ha_http_request_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    return strlen(text);
}
