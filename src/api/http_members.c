// SPDX-License-Identifier: Apache-2.0
#include "api/http_members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ha_http_members_clear(struct ha_http_members *members)
{
    ha_buf_clear(&members->body.buf);
    ha_buf_clear(&members->content_digest.buf);
    free(members->fields);
    members->fields = NULL;
}

enum ha_code ha_http_members_at(const char *prefix, struct ha_err *err)
{
    char pointer[sizeof err->pointer];
    snprintf(pointer, sizeof pointer, "%s", err->pointer);
    return ha_at(err, "%s%s", prefix, pointer);
}

static enum ha_code add(struct ha_http_message *message, struct ha_http_field *fields, const char *name,
                        const ha_json *value, struct ha_err *err)
{
    if (!ha_json_string(value)) {
        ha_fail(err, HA_E_MALFORMED, "the header field %.40s must be a string, or a list of strings", name);
        return ha_at(err, "/headers/%.40s", name);
    }
    fields[message->n_fields++] = (struct ha_http_field){.name = name, .value = ha_json_string(value)};
    return HA_OK;
}

static enum ha_code read_headers(struct ha_http_members *members, struct ha_err *err)
{
    size_t n = 0;
    for (const ha_json *member = ha_json_first(members->headers); member; member = ha_json_next(member))
        n += ha_json_type(member) == HA_JSON_ARRAY ? ha_json_size(member) : 1;
    if (n > HA_HTTP_FIELDS_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "a message has at most %d header fields", HA_HTTP_FIELDS_MAX);
        return ha_at(err, "/headers");
    }
    members->fields = calloc(n ? n : 1, sizeof *members->fields);
    if (!members->fields)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (const ha_json *member = ha_json_first(members->headers); member; member = ha_json_next(member)) {
        const char *name = ha_json_name(member);
        bool list = ha_json_type(member) == HA_JSON_ARRAY;
        const ha_json *value = list ? ha_json_first(member) : member;
        for (; value; value = list ? ha_json_next(value) : NULL)
            if (add(&members->message, members->fields, name, value, err))
                return err->code;
    }
    members->message.fields = members->fields;
    return HA_OK;
}

static enum ha_code read_body(struct ha_http_members *members, struct ha_err *err)
{
    struct ha_http_message *message = &members->message;
    if (members->body.present + !!members->body_text + members->content_digest.present > 1) {
        ha_fail(err, HA_E_MALFORMED, "at most one of \"body\", \"body_text\" and \"content_digest\" is taken");
        return ha_at(err, "/body");
    }
    if (members->content_digest.present) {
        if (members->content_digest.buf.len != 32) {
            ha_fail(err, HA_E_MALFORMED, "the content's digest is SHA-256, which has 32 bytes, not %zu",
                    members->content_digest.buf.len);
            return ha_at(err, "/content_digest");
        }
        message->body_sha256 = members->content_digest.buf.data;
    } else if (members->body_text) {
        message->body = (const uint8_t *)members->body_text;
        message->body_len = strlen(members->body_text);
    } else if (members->body.present) {
        message->body = members->body.buf.data;
        message->body_len = members->body.buf.len;
    }
    return HA_OK;
}

enum ha_code ha_http_members_finish(struct ha_http_members *members, const char *prefix, struct ha_err *err)
{
    members->message.method = members->method;
    members->message.url = members->url;
    members->message.status = (unsigned)members->status;
    if (read_body(members, err) || read_headers(members, err) || ha_http_message_check(&members->message, err))
        return ha_http_members_at(prefix, err);
    return HA_OK;
}
