// SPDX-License-Identifier: Apache-2.0
// hsm-agent audit show, and audit export.
#include "cli/audit_lines.h"
#include "cli/command_audit.h"
#include "cli/out_stream.h"

#include <inttypes.h>
#include <string.h>

#define FLUSH_BYTES (64 * 1024)

static const char *const columns[] = {
    "seq",       "time",    "event",          "uid",    "gid",     "unit",    "exe",         "listen",
    "client",    "request", "route",          "object", "key",     "version", "spki_sha256", "operation",
    "algorithm", "content", "content_sha256", "digest", "profile", "token",   "result",      "latency_us",
    "policy",
};

// The member's value as text, what is inside it as JSON; "" when there is none.
static void put_value(struct ha_buf *out, const ha_json *line, const char *name)
{
    const ha_json *value = ha_json_get(line, name);
    uint64_t number;
    if (value && ha_json_uint(value, 1ull << 53, &number))
        ha_buf_printf(out, "%" PRIu64, number);
    else if (value && ha_json_string(value))
        ha_buf_puts(out, ha_json_string(value));
}

// --- For people

struct show {
    bool json;
    struct ha_buf out;
};

static void show_clear(struct show *show)
{
    ha_buf_clear(&show->out);
}
HA_AUTO_DEFINE_CLEAR(struct show, show_clear)

static enum ha_code flush(struct show *show, struct ha_err *err)
{
    enum ha_code code = ha_out_text(&show->out, err);
    ha_buf_reset(&show->out);
    return code;
}

// A value that could be taken for several, or for a line of its own, is in quotes.
static void put_shown(struct ha_buf *out, const ha_json *line, const char *name)
{
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    put_value(&value, line, name);
    const char *text = ha_buf_text(&value);
    if (text[0] && !strpbrk(text, " \t\r\n\"=\\"))
        ha_buf_append(out, value.data, value.len);
    else
        ha_jw_quoted(out, text);
}

static enum ha_code show_line(void *context, const ha_json *line, const char *text, size_t n, struct ha_err *err)
{
    static const char *const shown[] = {"time", "seq", "event"};
    static const char *const told[] = {"uid",    "unit",      "client",    "key",     "version",
                                       "object", "operation", "algorithm", "content", "profile",
                                       "token",  "result",    "cause",     "of",      "request"};
    struct show *show = context;
    if (show->json) {
        ha_buf_append(&show->out, text, n);
    } else {
        for (size_t i = 0; i < HA_ARRAY_SIZE(shown); i++) {
            if (i > 0)
                ha_buf_putc(&show->out, ' ');
            put_shown(&show->out, line, shown[i]);
        }
        for (size_t i = 0; i < HA_ARRAY_SIZE(told); i++) {
            if (!ha_json_get(line, told[i]))
                continue;
            ha_buf_printf(&show->out, " %s=", told[i]);
            put_shown(&show->out, line, told[i]);
        }
    }
    ha_buf_putc(&show->out, '\n');
    return show->out.len < FLUSH_BYTES ? HA_OK : flush(show, err);
}

enum ha_code ha_cmd_audit_show(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(show_clear) struct show show = {.json = ha_cli_wants_json(cli)};
    const char *path = NULL;
    if (ha_cli_audit_file(cli, &doc, &path, err) || ha_cli_audit_lines(cli, path, show_line, &show, err))
        return err->code;
    return flush(&show, err);
}

// --- For programs

// RFC 4180, without control characters; a text that a spreadsheet would take for a formula begins with an apostrophe.
static void put_cell(struct ha_buf *out, const char *text)
{
    bool formula = text[0] && strchr("=+-@\t\r", text[0]);
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted)
        ha_buf_putc(out, '"');
    if (formula)
        ha_buf_putc(out, '\'');
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\"");
        ha_out_put_tame(out, at, n);
        if (at[n])
            ha_buf_puts(out, "\"\"");
        at += at[n] ? n + 1 : n;
    }
    if (quoted)
        ha_buf_putc(out, '"');
}

static enum ha_code export_line(void *context, const ha_json *line, const char *text, size_t n, struct ha_err *err)
{
    struct ha_out_stream *stream = context;
    struct ha_buf *out = &stream->out;
    for (size_t i = 0; i < HA_ARRAY_SIZE(columns); i++) {
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        put_value(&value, line, columns[i]);
        if (i > 0)
            ha_buf_putc(out, ',');
        put_cell(out, ha_buf_text(&value));
    }
    ha_buf_puts(out, "\r\n");
    return ha_out_stream_flow(stream, err);
}

enum ha_code ha_cmd_audit_export(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_out_stream_clear) struct ha_out_stream stream = {.fd = -1};
    const char *path = NULL;
    if (ha_cli_audit_file(cli, &doc, &path, err) ||
        ha_out_stream_open(ha_opt_value(cli->opts, HA_OPT_OUTPUT), HA_OUT_PUBLIC, &stream, err))
        return err->code;
    for (size_t i = 0; i < HA_ARRAY_SIZE(columns); i++)
        ha_buf_printf(&stream.out, "%s%s", i > 0 ? "," : "", columns[i]);
    ha_buf_puts(&stream.out, "\r\n");
    if (ha_cli_audit_lines(cli, path, export_line, &stream, err))
        return err->code;
    return ha_out_stream_end(&stream, err);
}
