// SPDX-License-Identifier: Apache-2.0
// The log line of a refusal, and the problem document for its status.
#include "http/complaint.h"

#include "http/reply.h"

#include <string.h>
#include <sys/socket.h>

void ha_http_complaint_about(struct ha_http_connection *connection)
{
    pthread_setspecific(connection->server->current, connection);
}

static void describe(unsigned status, struct ha_err *err)
{
    switch (status) {
    case MHD_HTTP_CONTENT_TOO_LARGE:
        ha_fail(err, HA_E_TOO_LARGE, "the body has more than %d bytes", HA_BODY_MAX);
        break;
    case MHD_HTTP_URI_TOO_LONG:
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        ha_fail(err, HA_E_HEADERS_TOO_LARGE, "the request's header has more than %d bytes", HA_HEADERS_MAX);
        break;
    default:
        ha_fail(err, HA_E_MALFORMED, "the request is not well-formed HTTP/1.1");
        break;
    }
}

void ha_http_complaint(void *cls, const char *format, va_list args)
{
    struct ha_http_server *server = cls;
    struct ha_http_connection *connection = pthread_getspecific(server->current);
    struct ha_err err = {0};
    if (!strstr(format, "(HTTP response code is %u ") || (connection && connection->answered))
        return;
    describe(va_arg(args, unsigned), &err);
    if (!connection) {
        if (server->options.refused)
            server->options.refused(server->options.context, NULL, "", &err);
        return;
    }
    if (!connection->line_done)
        ha_http_connection_begin(connection);
    if (!ha_http_connection_enter(connection, HA_HTTP_SENDING))
        return;
    ha_http_reply_raw(connection, &err);
    connection->answered = connection->linger = true;
    shutdown(connection->fd, SHUT_WR);
}
