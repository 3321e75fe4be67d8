// SPDX-License-Identifier: Apache-2.0
// Both ways to write a reply carry the same header fields.
#include "http/reply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static_assert(MHD_VERSION >= 0x00097302, "replies are wiped after use: that needs libmicrohttpd 0.9.74");

enum { FIELDS_MAX = 6 };

struct field {
    const char *name;
    const char *value;
};

// The fields of reply, but for those that libmicrohttpd makes itself. text holds what has to be printed.
static size_t make_fields(const struct ha_reply *reply, const char *request_id, char text[static 16],
                          struct field ret_fields[static FIELDS_MAX])
{
    size_t n = 0;
    if (reply->content_type)
        ret_fields[n++] = (struct field){MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type};
    if (request_id[0] != '\0')
        ret_fields[n++] = (struct field){"Request-Id", request_id};
    ret_fields[n++] = (struct field){MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"};
    if (reply->retry_after_s > 0) {
        snprintf(text, 16, "%u", reply->retry_after_s);
        ret_fields[n++] = (struct field){MHD_HTTP_HEADER_RETRY_AFTER, text};
    }
    if (reply->allow)
        ret_fields[n++] = (struct field){MHD_HTTP_HEADER_ALLOW, reply->allow};
    if (reply->close)
        ret_fields[n++] = (struct field){MHD_HTTP_HEADER_CONNECTION, "close"};
    return n;
}

static void free_body(void *cls)
{
    struct ha_buf *body = cls;
    ha_buf_clear(body);
    free(body);
}

static struct MHD_Response *make_response(struct ha_reply *reply)
{
    struct ha_buf *body = malloc(sizeof *body);
    if (!body)
        return NULL;
    *body = reply->body;
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, free_body, body);
    if (response)
        ha_buf_init(&reply->body);
    else
        free(body);
    return response;
}

enum MHD_Result ha_http_reply_queue(struct MHD_Connection *mhd, const char *request_id, struct ha_reply *reply)
{
    struct field fields[FIELDS_MAX];
    char text[16];
    struct MHD_Response *response = make_response(reply);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_YES;
    size_t n = make_fields(reply, request_id, text, fields);
    for (size_t i = 0; i < n && result == MHD_YES; i++)
        result = MHD_add_response_header(response, fields[i].name, fields[i].value);
    if (result == MHD_YES)
        result = MHD_queue_response(mhd, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

void ha_http_reply_raw(struct ha_http_connection *connection, const struct ha_err *err)
{
    const struct ha_http_options *options = &connection->server->options;
    struct ha_reply reply = {0};
    struct field fields[FIELDS_MAX];
    char text[16];
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    ha_http_connection_refused(connection, err);
    options->problem(options->context, err, connection->id, &reply);
    reply.close = true;
    ha_buf_printf(&out, "HTTP/1.1 %u %s\r\n", reply.status, MHD_get_reason_phrase_for(reply.status));
    size_t n = make_fields(&reply, connection->id, text, fields);
    for (size_t i = 0; i < n; i++)
        ha_buf_printf(&out, "%s: %s\r\n", fields[i].name, fields[i].value);
    ha_buf_printf(&out, "Content-Length: %zu\r\n\r\n", reply.body.len);
    ha_buf_append(&out, reply.body.data, reply.body.len);
    if (ha_buf_ok(&out) && ha_buf_ok(&reply.body))
        send(connection->fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    ha_buf_clear(&reply.body);
}
