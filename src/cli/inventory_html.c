// SPDX-License-Identifier: Apache-2.0
// The page: counts, the timeline, and the table of all. What it shows by colour it says in words too.
#include "cli/inventory.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    DAY_S = 86400,
    PAST_DAYS = 30,     // shown of what is over
    FUTURE_DAYS = 400,  // at most; a public certificate lives for 398
    MARGIN_DAYS = 12,
};

struct expiry {
    const char *class, *mark, *title;
};
static const struct expiry expiries[] = {
    [HA_EXPIRY_EXPIRED] = {"expired", "\u2716", "expired"},  [HA_EXPIRY_URGENT] = {"urgent", "\u25b2", "urgent"},
    [HA_EXPIRY_SOON] = {"soon", "\u25cf", "soon"},           [HA_EXPIRY_LATER] = {"later", "\u2714", "later"},
    [HA_EXPIRY_NONE] = {"none", "\u2013", "no certificate"},
};

// The time that the timeline shows.
struct span {
    int64_t from, to, now;
};

static void put_text(struct ha_buf *out, const char *text)
{
    for (; text && *text; text++) {
        switch (*text) {
        case '&':
            ha_buf_puts(out, "&amp;");
            break;
        case '<':
            ha_buf_puts(out, "&lt;");
            break;
        case '>':
            ha_buf_puts(out, "&gt;");
            break;
        case '"':
            ha_buf_puts(out, "&quot;");
            break;
        default:
            // Other control characters have no place in HTML.
            ha_buf_putc(out, (unsigned char)*text < 0x20 ? ' ' : *text);
        }
    }
}

// A name as RFC 4514 writes it, with a space where a line may end.
static void put_name(struct ha_buf *out, const char *name)
{
    ha_auto(ha_buf_clear) struct ha_buf spaced = {0};
    for (const char *c = name ? name : ""; *c; c++) {
        if (*c == '\\' && c[1])
            ha_buf_putc(&spaced, *c++);
        ha_buf_putc(&spaced, *c);
        if (*c == ',' && c > name && c[-1] != '\\')
            ha_buf_putc(&spaced, ' ');
    }
    put_text(out, ha_buf_text(&spaced));
}

static void put_list(struct ha_buf *out, const ha_json *object, const char *name)
{
    const ha_json *list = ha_json_get(object, name);
    if (!list || ha_json_type(list) != HA_JSON_ARRAY)
        return;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item)) {
        put_text(out, item == ha_json_first(list) ? "" : ", ");
        put_text(out, ha_json_string(item));
    }
}

static void put_member(struct ha_buf *out, const ha_json *object, const char *name)
{
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    ha_table_value(&value, ha_json_get(object, name));
    put_text(out, ha_buf_text(&value));
}

// "19 Dec 2026", without the time of day.
static void put_date(struct ha_buf *out, int64_t at)
{
    char text[32];
    struct tm utc;
    time_t seconds = (time_t)at;
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%-d %b %Y", &utc);
    ha_buf_puts(out, text);
}

// The common name of a subject as RFC 4514 writes it; all of it when there is none.
static void put_common_name(struct ha_buf *out, const char *subject)
{
    ha_auto(ha_buf_clear) struct ha_buf name = {0};
    const char *at = subject;
    while (at && strncmp(at, "CN=", 3) != 0)
        at = (at = strchr(at, ',')) ? at + 1 : NULL;
    at = at ? at + 3 : subject;
    while (at && *at && (at == subject || *at != ',')) {
        at += *at == '\\' && at[1];
        ha_buf_putc(&name, *at++);
    }
    put_text(out, ha_buf_text(&name));
}

static void put_head(const struct ha_inventory *inventory, const char *source, struct ha_buf *out)
{
    char at[40];
    struct tm utc;
    time_t seconds = (time_t)inventory->at;
    gmtime_r(&seconds, &utc);
    strftime(at, sizeof at, "%-d %b %Y, %H:%M UTC", &utc);
    ha_buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'; img-src data:\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n");
    ha_buf_printf(out, "<title>Keys and certificates, %s</title>\n<style>\n%s</style>\n</head>\n<body>\n", at,
                  ha_inventory_style());
    ha_buf_puts(out, "<header>\n<h1>Keys and certificates</h1>\n<p>");
    put_text(out, source);
    ha_buf_printf(out, " <span aria-hidden=\"true\">\u00b7</span> <time datetime=\"%04d-%02d-%02dT%02d:%02d:%02dZ\">",
                  utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    ha_buf_printf(out, "%s</time></p>\n</header>\n<main>\n", at);
}

// What a count is of: "within 30 days".
static void put_range(const struct ha_inventory *inventory, enum ha_expiry expiry, struct ha_buf *out)
{
    unsigned notice = inventory->notice_days;
    switch (expiry) {
    case HA_EXPIRY_EXPIRED:
        ha_buf_puts(out, "expired");
        break;
    case HA_EXPIRY_URGENT:
        ha_buf_printf(out, "within %u days", notice / 3);
        break;
    case HA_EXPIRY_SOON:
        ha_buf_printf(out, "%u to %u days", notice / 3 + 1, notice);
        break;
    case HA_EXPIRY_LATER:
        ha_buf_printf(out, "after %u days", notice);
        break;
    case HA_EXPIRY_NONE:
    case HA_EXPIRY_COUNT:
        ha_buf_puts(out, "no certificate");
        break;
    }
}

static void put_counts(const struct ha_inventory *inventory, struct ha_buf *out)
{
    size_t counts[HA_EXPIRY_COUNT] = {0};
    for (size_t i = 0; i < inventory->n; i++)
        if (!inventory->rows[i].over)
            counts[ha_inventory_expiry(inventory, &inventory->rows[i])]++;
    ha_buf_puts(out, "<section aria-labelledby=\"counts\">\n<h2 id=\"counts\">Certificates by time left</h2>\n"
                     "<ul class=\"tiles\">\n");
    for (size_t i = 0; i < HA_EXPIRY_COUNT; i++) {
        const struct expiry *expiry = &expiries[i];
        ha_buf_printf(out, "<li class=\"%s%s\"><b>%zu</b> <span><i aria-hidden=\"true\">%s</i> ", expiry->class,
                      counts[i] ? "" : " zero", counts[i], expiry->mark);
        put_range(inventory, (enum ha_expiry)i, out);
        ha_buf_puts(out, "</span></li>\n");
    }
    ha_buf_puts(out, "</ul>\n</section>\n");
}

static bool is_shown(const struct ha_inventory_row *row)
{
    return row->certificate && !row->over;
}

static struct span choose_span(const struct ha_inventory *inventory)
{
    int64_t now = inventory->at, first = now, last = now + ((int64_t)inventory->notice_days + 30) * DAY_S;
    for (size_t i = 0; i < inventory->n; i++) {
        const struct ha_inventory_row *row = &inventory->rows[i];
        if (is_shown(row) && row->not_after < first)
            first = row->not_after;
        if (is_shown(row) && row->not_after > last)
            last = row->not_after;
    }
    if (first < now - (int64_t)PAST_DAYS * DAY_S)
        first = now - (int64_t)PAST_DAYS * DAY_S;
    if (last > now + (int64_t)FUTURE_DAYS * DAY_S)
        last = now + (int64_t)FUTURE_DAYS * DAY_S;
    return (struct span){first - (int64_t)MARGIN_DAYS * DAY_S, last + (int64_t)MARGIN_DAYS * DAY_S, now};
}

// Where a time is, in percent of the width; at an edge when it is outside.
static double place(const struct span *span, int64_t at)
{
    double percent = 100.0 * (double)(at - span->from) / (double)(span->to - span->from);
    return percent < 0 ? 0 : percent > 100 ? 100 : percent;
}

// A line for the first day of each month, with its name.
static void put_months(const struct span *span, struct ha_buf *out)
{
    struct tm month;
    time_t at = (time_t)span->from;
    int n = 0;
    gmtime_r(&at, &month);
    month = (struct tm){.tm_year = month.tm_year, .tm_mon = month.tm_mon + 1, .tm_mday = 1};
    while ((at = timegm(&month)) < span->to) {
        char text[16];
        // January is called by its year.
        strftime(text, sizeof text, month.tm_mon == 0 ? "%Y" : "%b", &month);
        // A name near the right edge would stick out of it.
        bool fits = place(span, at) < 95;
        ha_buf_printf(out, "<span class=\"month%s\" style=\"left:%.2f%%\">%s</span>", n++ % 2 ? " odd" : "",
                      place(span, at), fits ? text : "");
        month.tm_mon++;
    }
}

static void put_grid(const struct ha_inventory *inventory, const struct span *span, struct ha_buf *out)
{
    const unsigned days[] = {inventory->notice_days / 3, inventory->notice_days};
    ha_buf_puts(out, "<div class=\"grid\" aria-hidden=\"true\">");
    put_months(span, out);
    ha_buf_printf(out, "<span class=\"today\" style=\"left:%.2f%%\">today</span>", place(span, span->now));
    for (size_t i = 0; i < HA_ARRAY_SIZE(days); i++)
        ha_buf_printf(out, "<span class=\"mark%s\" style=\"left:%.2f%%\">%u d</span>", i ? "" : " near",
                      place(span, span->now + (int64_t)days[i] * DAY_S), days[i]);
    ha_buf_puts(out, "</div>\n");
}

static void put_bar(const struct ha_inventory_row *row, const struct span *span, struct ha_buf *out)
{
    double from = place(span, row->not_before), to = place(span, row->not_after);
    bool cut = row->not_after > span->to;
    if (to - from < 0.6)
        from = to > 0.6 ? to - 0.6 : 0;
    ha_buf_printf(
        out, "<span class=\"track\" aria-hidden=\"true\"><span class=\"bar%s\" style=\"left:%.2f%%;width:%.2f%%\">",
        cut ? " cut" : "", from, to > from ? to - from : 0.6);
    ha_buf_puts(out, "</span></span>");
}

static void put_timeline_row(const struct ha_inventory *inventory, const struct ha_inventory_row *row,
                             const struct span *span, struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf when = {0};
    const struct expiry *expiry = &expiries[ha_inventory_expiry(inventory, row)];
    ha_inventory_when(inventory, row, &when);
    ha_buf_printf(out, "<li class=\"%s\"><span class=\"who\"><b>", expiry->class);
    put_text(out, row->name);
    ha_buf_printf(out, "</b> <span class=\"version\">v%" PRIu64 "</span><small>", row->version);
    put_common_name(out, ha_json_get_string(row->certificate, "subject"));
    ha_buf_puts(out, "</small></span>");
    put_bar(row, span, out);
    ha_buf_printf(out, "<span class=\"when\"><b><i aria-hidden=\"true\">%s</i> %s%s</b><small>", expiry->mark,
                  row->not_after < inventory->at ? "expired " : "", ha_buf_text(&when));
    put_date(out, row->not_after);
    ha_buf_puts(out, "</small></span></li>\n");
}

static void put_timeline(const struct ha_inventory *inventory, struct ha_buf *out)
{
    const struct span span = choose_span(inventory);
    size_t shown = 0, over = 0;
    for (size_t i = 0; i < inventory->n; i++) {
        shown += is_shown(&inventory->rows[i]);
        over += inventory->rows[i].certificate && inventory->rows[i].over;
    }
    ha_buf_puts(out, "<section aria-labelledby=\"timeline\">\n<h2 id=\"timeline\">What expires when</h2>\n");
    if (shown > 0) {
        ha_buf_puts(out, "<div class=\"chart\">\n");
        put_grid(inventory, &span, out);
        ha_buf_puts(out, "<ol>\n");
        for (size_t i = 0; i < inventory->n; i++)
            if (is_shown(&inventory->rows[i]))
                put_timeline_row(inventory, &inventory->rows[i], &span, out);
        ha_buf_puts(out, "</ol>\n</div>\n");
    } else {
        ha_buf_puts(out, "<p>No certificate is installed that is in use.</p>\n");
    }
    if (over > 0)
        ha_buf_printf(out,
                      "<p class=\"note\">Without the certificates of %zu version%s that nobody has to care for: "
                      "retired, disabled or to be deleted.</p>\n",
                      over, over == 1 ? "" : "s");
    ha_buf_puts(out, "</section>\n");
}

static void put_certificate_cells(const struct ha_inventory *inventory, const struct ha_inventory_row *row,
                                  struct ha_buf *out)
{
    ha_auto(ha_buf_clear) struct ha_buf when = {0};
    enum ha_expiry expiry = ha_inventory_expiry(inventory, row);
    if (!row->certificate) {
        ha_buf_puts(out, "<td class=\"none\">none</td><td></td>");
        return;
    }
    ha_inventory_when(inventory, row, &when);
    ha_buf_puts(out, "<td class=\"names\">");
    put_name(out, ha_json_get_string(row->certificate, "subject"));
    ha_buf_puts(out, "<small>issued by ");
    put_name(out, ha_json_get_string(row->certificate, "issuer"));
    ha_buf_puts(out, "</small><small>serial <code>");
    put_member(out, row->certificate, "serial");
    ha_buf_puts(out, "</code></small>");
    ha_buf_printf(out, "</td><td class=\"%s date\"><b>", row->over ? "over" : expiries[expiry].class);
    put_date(out, row->not_after);
    ha_buf_printf(out, "</b><small>%s%s</small></td>", expiry == HA_EXPIRY_EXPIRED ? "expired " : "",
                  ha_buf_text(&when));
}

// The day of a time, when there is one.
static void put_day(struct ha_buf *out, const char *label, const char *time)
{
    char day[11];
    if (!time)
        return;
    snprintf(day, sizeof day, "%s", time);
    ha_buf_printf(out, "<small>%s", label);
    put_text(out, day);
    ha_buf_puts(out, "</small>");
}

// The status of the version, and what is wrong with the key if something is.
static void put_status(const ha_json *key, struct ha_buf *out)
{
    const char *state = ha_json_get_string(key, "state");
    bool disabled = false;
    ha_buf_puts(out, "<td>");
    put_member(out, key, "status");
    if (ha_json_bool(ha_json_get(key, "disabled"), &disabled) && disabled)
        ha_buf_puts(out, ", disabled");
    put_day(out, "until ", ha_json_get_string(key, "retires"));
    put_day(out, "deleted on ", ha_json_get_string(key, "deletes"));
    if (state && strcmp(state, "ready") != 0) {
        ha_buf_puts(out, "<small class=\"trouble\">");
        put_text(out, state);
        ha_buf_puts(out, "</small>");
    }
    ha_buf_puts(out, "</td>");
}

static void put_table_row(const struct ha_inventory *inventory, const struct ha_inventory_row *row, struct ha_buf *out)
{
    static const char *const members[] = {"type", "purposes", "environment", "holder", "tokens"};
    static const bool lists[HA_ARRAY_SIZE(members)] = {[1] = true, [4] = true};
    ha_buf_printf(out, "<tr%s><th scope=\"row\">", row->over ? " class=\"over\"" : "");
    put_text(out, row->name);
    ha_buf_printf(out, " <span class=\"version\">v%" PRIu64 "</span></th>", row->version);
    put_status(row->key, out);
    for (size_t i = 0; i < HA_ARRAY_SIZE(members); i++) {
        ha_buf_puts(out, "<td>");
        (lists[i] ? put_list : put_member)(out, row->key, members[i]);
        ha_buf_puts(out, "</td>");
    }
    put_certificate_cells(inventory, row, out);
    ha_buf_puts(out, "<td class=\"date\">");
    if (row->last_use) {
        put_date(out, row->last_use);
        ha_buf_printf(out, "<small>%02d:%02d UTC</small>", (int)(row->last_use % DAY_S / 3600),
                      (int)(row->last_use % 3600 / 60));
    } else {
        ha_buf_puts(out, "never seen");
    }
    ha_buf_puts(out, "</td></tr>\n");
}

static void put_table(const struct ha_inventory *inventory, struct ha_buf *out)
{
    static const char *const titles[] = {"Key",    "Status", "Type",        "Purposes", "Environment",
                                         "Holder", "Tokens", "Certificate", "Expires",  "Last use"};
    ha_buf_printf(out, "<section aria-labelledby=\"all\">\n<h2 id=\"all\">All %zu versions of keys</h2>\n",
                  inventory->n);
    ha_buf_puts(out,
                "<div class=\"scroll\" role=\"region\" aria-label=\"The table\" tabindex=\"0\">\n<table>\n<thead><tr>");
    for (size_t i = 0; i < HA_ARRAY_SIZE(titles); i++)
        ha_buf_printf(out, "<th scope=\"col\">%s</th>", titles[i]);
    ha_buf_puts(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < inventory->n; i++)
        put_table_row(inventory, &inventory->rows[i], out);
    ha_buf_puts(out, "</tbody>\n</table>\n</div>\n</section>\n");
}

void ha_inventory_html(const struct ha_inventory *inventory, const char *source, struct ha_buf *out)
{
    put_head(inventory, source, out);
    put_counts(inventory, out);
    put_timeline(inventory, out);
    put_table(inventory, out);
    ha_buf_puts(out, "</main>\n</body>\n</html>\n");
}
