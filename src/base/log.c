// SPDX-License-Identifier: Apache-2.0
// Log lines: built in memory, written at once.
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *level_name(enum ha_log_level level)
{
    switch (level) {
    case HA_LOG_DEBUG:
        return "debug";
    case HA_LOG_INFO:
        return "info";
    case HA_LOG_WARN:
        return "warn";
    case HA_LOG_ERROR:
        return "error";
    }
    return "error";
}

// Whether a value can stand in a text line as it is.
static bool is_bare(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~' || strchr("\"=\\", *text))
            return false;
    }
    return true;
}

static void put_text(const struct ha_log *log, struct ha_buf *line, const char *key, const char *text)
{
    if (log->json) {
        ha_jw_string(line, key, text);
        return;
    }
    ha_buf_printf(line, " %s=", key);
    if (is_bare(text))
        ha_buf_puts(line, text);
    else
        ha_jw_quoted(line, text);
}

static void put_pairs(const struct ha_log *log, struct ha_buf *line, const struct ha_kv *pairs)
{
    for (; pairs->key; pairs++) {
        if (pairs->text)
            put_text(log, line, pairs->key, pairs->text);
        else if (log->json)
            ha_jw_number(line, pairs->key, pairs->number);
        else
            ha_buf_printf(line, " %s=%" PRId64, pairs->key, pairs->number);
    }
}

static void put_head(const struct ha_log *log, struct ha_buf *line, enum ha_log_level level, const char *event)
{
    char now[25];
    ha_time_iso(now);
    if (!log->json) {
        ha_buf_printf(line, "%s %s %s", now, level_name(level), event);
        return;
    }
    ha_jw_object(line, NULL);
    ha_jw_string(line, "time", now);
    ha_jw_string(line, "level", level_name(level));
    ha_jw_string(line, "event", event);
}

static void put_err(const struct ha_log *log, struct ha_buf *line, const struct ha_err *err)
{
    put_text(log, line, "code", ha_code_info(err->code)->name);
    put_text(log, line, "cause", err->detail);
    put_text(log, line, "remedy", err->hint);
    if (err->function[0] == '\0')
        return;
    ha_auto(ha_buf_clear) struct ha_buf rv = {0};
    ha_buf_printf(&rv, "0x%08lx", err->rv);
    put_text(log, line, "function", err->function);
    put_text(log, line, "rv", ha_buf_text(&rv));
}

// A log that can't be written is nothing the program could act on.
static void send_line(const struct ha_log *log, struct ha_buf *line)
{
    static const char lost[] = "a log line is lost: out of memory\n";
    if (log->json)
        ha_jw_object_end(line);
    ha_buf_putc(line, '\n');
    const void *bytes = ha_buf_ok(line) ? (const void *)line->data : lost;
    size_t n = ha_buf_ok(line) ? line->len : sizeof lost - 1;
    while (write(log->fd, bytes, n) < 0 && errno == EINTR)
        continue;
}

void ha_log_event(const struct ha_log *log, enum ha_log_level level, const char *event, const struct ha_kv *pairs)
{
    if (level < log->least)
        return;
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    put_head(log, &line, level, event);
    put_pairs(log, &line, pairs);
    send_line(log, &line);
}

void ha_log_failure(const struct ha_log *log, enum ha_log_level level, const char *event, const struct ha_err *err,
                    const struct ha_kv *pairs)
{
    if (level < log->least)
        return;
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    put_head(log, &line, level, event);
    put_pairs(log, &line, pairs);
    put_err(log, &line, err);
    send_line(log, &line);
}
