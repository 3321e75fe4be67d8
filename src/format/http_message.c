// SPDX-License-Identifier: Apache-2.0
#include "format/http_message.h"

#include "crypto/digest.h"

#include <string.h>
#include <strings.h>

static bool is_token(const char *text)
{
    static const char characters[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *text && text[strspn(text, characters)] == '\0';
}

// No control characters but the tab.
static bool is_value(const char *text)
{
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static enum ha_code check_fields(const struct ha_http_message *message, struct ha_err *err)
{
    size_t total = 0;
    for (size_t i = 0; i < message->n_fields; i++) {
        const struct ha_http_field *field = &message->fields[i];
        if (!is_token(field->name)) {
            ha_fail(err, HA_E_MALFORMED, "\"%.40s\" is no name of a header field", field->name);
            return ha_at(err, "/headers");
        }
        if (!is_value(field->value)) {
            ha_fail(err, HA_E_MALFORMED, "the value of the header field %.40s has a control character", field->name);
            return ha_at(err, "/headers/%.40s", field->name);
        }
        total += strlen(field->name) + strlen(field->value);
    }
    if (message->n_fields > HA_HTTP_FIELDS_MAX || total > HA_HTTP_HEADER_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "the message's header has %zu fields and %zu bytes; %d and %d are the limits",
                message->n_fields, total, HA_HTTP_FIELDS_MAX, HA_HTTP_HEADER_MAX);
        return ha_at(err, "/headers");
    }
    return HA_OK;
}

enum ha_code ha_http_message_check(const struct ha_http_message *message, struct ha_err *err)
{
    struct ha_url url;
    if (message->status == 0 && !message->method) {
        ha_fail(err, HA_E_MALFORMED, "a request needs a method");
        return ha_at(err, "/method");
    }
    if (message->method && (!is_token(message->method) || strlen(message->method) > HA_HTTP_METHOD_MAX)) {
        ha_fail(err, HA_E_MALFORMED, "\"%.40s\" is no method of HTTP", message->method);
        return ha_at(err, "/method");
    }
    if (message->status == 0 && !message->url) {
        ha_fail(err, HA_E_MALFORMED, "a request needs a URL");
        return ha_at(err, "/url");
    }
    if (message->url && ha_url_split(message->url, &url, err))
        return ha_at(err, "/url");
    if (message->status != 0 && (message->status < 100 || message->status > 999)) {
        ha_fail(err, HA_E_MALFORMED, "%u is no status of a response", message->status);
        return ha_at(err, "/status");
    }
    if (message->body_len > HA_HTTP_BODY_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "the message's body has over %d bytes", HA_HTTP_BODY_MAX);
        return ha_at(err, "/body");
    }
    return check_fields(message, err);
}

size_t ha_http_field_count(const struct ha_http_message *message, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < message->n_fields; i++)
        count += strcasecmp(message->fields[i].name, name) == 0;
    return count;
}

bool ha_http_field_combined(const struct ha_http_message *message, const char *name, struct ha_buf *out)
{
    static const char space[] = " \t";
    bool found = false;
    for (size_t i = 0; i < message->n_fields; i++) {
        if (strcasecmp(message->fields[i].name, name) != 0)
            continue;
        const char *value = message->fields[i].value + strspn(message->fields[i].value, space);
        size_t n = strlen(value);
        while (n > 0 && strchr(space, value[n - 1]))
            n--;
        if (found)
            ha_buf_puts(out, ", ");
        ha_buf_append(out, value, n);
        found = true;
    }
    return found;
}

const char *ha_http_field_only(const struct ha_http_message *message, const char *name, struct ha_buf *out)
{
    if (ha_http_field_count(message, name) != 1)
        return NULL;
    ha_http_field_combined(message, name, out);
    return ha_buf_text(out);
}

enum ha_code ha_http_body_sha256(const struct ha_http_message *message, const char *empty, uint8_t ret_hash[static 32],
                                 struct ha_err *err)
{
    uint8_t digest[HA_DIGEST_MAX];
    if (message->body_sha256) {
        memcpy(ret_hash, message->body_sha256, 32);
        return HA_OK;
    }
    const void *body = message->body_len ? (const void *)message->body : empty;
    size_t n = message->body_len ? message->body_len : strlen(empty);
    if (ha_digest(HA_HASH_SHA256, body, n, digest, err))
        return err->code;
    memcpy(ret_hash, digest, 32);
    return HA_OK;
}

static enum ha_code bad_url(const char *why, struct ha_err *err)
{
    ha_fail(err, HA_E_MALFORMED, "the URL %s", why);
    return ha_hint(err, "give it whole and as it is sent, for example https://host/path?query");
}

enum ha_code ha_url_split(const char *url, struct ha_url *ret_url, struct ha_err *err)
{
    size_t n = strlen(url);
    if (n > HA_HTTP_URL_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the URL has over %d bytes", HA_HTTP_URL_MAX);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)url[i] <= 0x20 || (unsigned char)url[i] >= 0x7f)
            return bad_url("has a character that has to be percent-encoded", err);
    size_t scheme = strncasecmp(url, "https://", 8) == 0 ? 5 : strncasecmp(url, "http://", 7) == 0 ? 4 : 0;
    if (scheme == 0)
        return bad_url("begins neither with https:// nor with http://", err);
    struct ha_url parts = {.scheme = url, .scheme_len = scheme, .authority = url + scheme + 3};
    parts.authority_len = strcspn(parts.authority, "/?#");
    if (parts.authority_len == 0 || memchr(parts.authority, '@', parts.authority_len))
        return bad_url("names no host, or a user", err);
    parts.path = parts.authority + parts.authority_len;
    parts.path_len = strcspn(parts.path, "?#");
    parts.query = parts.path + parts.path_len;
    parts.query_len = strcspn(parts.query, "#");
    if (parts.query[parts.query_len] != '\0')
        return bad_url("has a fragment, which is never sent", err);
    *ret_url = parts;
    return HA_OK;
}
