// SPDX-License-Identifier: Apache-2.0
#include "cli/http_body.h"

#include "base/text.h"
#include "cli/in.h"
#include "cli/jose_body.h"

#include <string.h>
#include <strings.h>

enum { BODY_MAX = 256 * 1024 / 4 * 3, FIELDS_FILE_MAX = 64 * 1024, FIELDS_MAX = 128 };

void ha_cli_http_clear(struct ha_cli_http *http)
{
    for (size_t i = 0; i < http->n_fields; i++) {
        free(http->fields[i].name);
        free(http->fields[i].value);
    }
    free(http->fields);
    ha_buf_clear(&http->body);
    *http = (struct ha_cli_http){0};
}

static enum ha_code add_field(struct ha_cli_http *http, const char *line, size_t n, struct ha_err *err)
{
    const char *colon = memchr(line, ':', n);
    if (!colon || colon == line || !ha_utf8_valid(line, n)) {
        ha_fail(err, HA_E_USAGE, "'%.*s' is no header field", n < 60 ? (int)n : 60, line);
        return ha_hint(err, "Write NAME: VALUE, or @FILE for a file with such lines.");
    }
    if (http->n_fields == FIELDS_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "more than %d header fields were given", FIELDS_MAX);
    struct ha_cli_field *fields = realloc(http->fields, (http->n_fields + 1) * sizeof *fields);
    if (!fields)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    http->fields = fields;
    const char *value = colon + 1, *end = line + n;
    value += strspn(value, " \t");
    if (value > end)
        value = end;
    while (end > value && strchr(" \t\r", end[-1]))
        end--;
    fields[http->n_fields++] =
        (struct ha_cli_field){strndup(line, (size_t)(colon - line)), strndup(value, (size_t)(end - value))};
    const struct ha_cli_field *added = &fields[http->n_fields - 1];
    return added->name && added->value ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

// A field on each line; an empty line ends them, and a line that isn't one at the top (GET / HTTP/1.1) is skipped, so
// that what a server has logged can be given as it is.
static enum ha_code add_file(struct ha_cli_http *http, const char *path, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (ha_in_read(path, FIELDS_FILE_MAX, &text, err) != HA_OK)
        return err->code;
    const char *at = ha_buf_text(&text), *end = at + strlen(at);
    for (bool first = true; at < end; first = false) {
        size_t n = strcspn(at, "\n");
        bool empty = n == 0 || (n == 1 && *at == '\r');
        const char *space = memchr(at, ' ', n), *colon = memchr(at, ':', n);
        bool top = first && space && (!colon || space < colon);
        if (empty)
            break;
        if (!top && add_field(http, at, n, err) != HA_OK)
            return ha_wrap(err, "%.100s", path);
        at += n < (size_t)(end - at) ? n + 1 : n;
    }
    return HA_OK;
}

enum ha_code ha_cli_http_read(const struct ha_opts *opts, struct ha_cli_http *ret_http, struct ha_err *err)
{
    const char *input = ha_opt_value(opts, HA_OPT_INPUT);
    const struct ha_opt_values *given = &opts->values[HA_OPT_HEADER];
    bool response = ha_opt_given(opts, HA_OPT_STATUS);
    if (!response && !ha_opt_given(opts, HA_OPT_URL)) {
        ha_fail(err, HA_E_USAGE, "a request has a URL");
        return ha_hint(err, "Say --url URL, or --status N for a response.");
    }
    for (size_t i = 0; i < given->n; i++) {
        const char *item = given->items[i];
        enum ha_code code =
            *item == '@' ? add_file(ret_http, item + 1, err) : add_field(ret_http, item, strlen(item), err);
        if (code != HA_OK)
            return code;
    }
    if (input && ha_in_read(input, BODY_MAX, &ret_http->body, err) != HA_OK)
        return err->code;
    ret_http->has_body = input != NULL;
    ret_http->url = ha_opt_value(opts, HA_OPT_URL);
    ret_http->method = ha_opt_value(opts, HA_OPT_METHOD);
    if (!ret_http->method && !response)
        ret_http->method = input ? "POST" : "GET";
    return HA_OK;
}

// Fields of one name become one list.
static void put_fields(const struct ha_cli_http *http, struct ha_buf *out)
{
    bool done[FIELDS_MAX] = {false};
    ha_jw_object(out, "headers");
    for (size_t i = 0; i < http->n_fields; i++) {
        if (done[i])
            continue;
        ha_jw_array(out, http->fields[i].name);
        for (size_t k = i; k < http->n_fields; k++) {
            if (strcasecmp(http->fields[k].name, http->fields[i].name) != 0)
                continue;
            ha_jw_string(out, NULL, http->fields[k].value);
            done[k] = true;
        }
        ha_jw_array_end(out);
    }
    ha_jw_object_end(out);
}

enum ha_code ha_cli_http_put(const struct ha_opts *opts, const struct ha_cli_http *http, struct ha_buf *out,
                             struct ha_err *err)
{
    if (ha_jose_put_option(opts, HA_OPT_PROFILE, "profile", out, err) != HA_OK ||
        ha_jose_put_option(opts, HA_OPT_URL, "url", out, err) != HA_OK ||
        ha_jose_put_seconds(opts, HA_OPT_STATUS, "status", out, err) != HA_OK)
        return err->code;
    if (http->method)
        ha_jw_string(out, "method", http->method);
    put_fields(http, out);
    if (http->has_body)
        ha_jw_bytes(out, "body", http->body.data, http->body.len);
    return HA_OK;
}
