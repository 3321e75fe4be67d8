// SPDX-License-Identifier: Apache-2.0
#include "audit/line.h"

#include "base/clock.h"

#include <string.h>

#define HEAD  "{\"seq\":"
#define PREV  ",\"prev\":\""
#define TIME  "\",\"time\":\""
#define EVENT "\",\"event\":\""

enum { TIME_LEN = 24, SEQ_DIGITS = 18 };

static bool skip(const char **at, const char *end, const char *word, size_t n)
{
    if ((size_t)(end - *at) < n || memcmp(*at, word, n) != 0)
        return false;
    *at += n;
    return true;
}
#define SKIP(at, end, word) skip((at), (end), (word), sizeof(word) - 1)

static bool read_seq(const char **at, const char *end, uint64_t *ret_seq)
{
    const char *start = *at;
    uint64_t seq = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - start < SEQ_DIGITS)
        seq = seq * 10 + (unsigned)(*(*at)++ - '0');
    *ret_seq = seq;
    return *at > start && *start != '0';
}

bool ha_audit_line_read(const char *text, size_t n, struct ha_audit_line *ret_line)
{
    struct ha_audit_line line = {0};
    const char *at = text, *end = text + n;
    if (n == 0 || end[-1] != '}' || !SKIP(&at, end, HEAD) || !read_seq(&at, end, &line.seq) || !SKIP(&at, end, PREV) ||
        end - at < HA_AUDIT_HEX_LEN)
        return false;
    line.prev = at;
    at += HA_AUDIT_HEX_LEN;
    if (!SKIP(&at, end, TIME) || end - at < TIME_LEN)
        return false;
    line.time = at;
    at += TIME_LEN;
    if (!SKIP(&at, end, EVENT))
        return false;
    line.event = at;
    while (at < end && ((*at >= 'a' && *at <= 'z') || *at == '-'))
        at++;
    line.event_len = (size_t)(at - line.event);
    if (line.event_len == 0 || at == end || *at != '"')
        return false;
    *ret_line = line;
    return true;
}

bool ha_audit_line_is(const struct ha_audit_line *line, const char *event)
{
    return line->event_len == strlen(event) && memcmp(line->event, event, line->event_len) == 0;
}

void ha_audit_line_write(struct ha_buf *out, uint64_t seq, const char *prev, const char *event,
                         const struct ha_buf *body)
{
    char time[TIME_LEN + 1];
    ha_time_iso(time);
    ha_buf_puts(out, HEAD);
    ha_buf_decimal(out, (int64_t)seq);
    ha_buf_puts(out, PREV);
    ha_buf_append(out, prev, HA_AUDIT_HEX_LEN);
    ha_buf_puts(out, TIME);
    ha_buf_puts(out, time);
    ha_buf_puts(out, EVENT);
    ha_buf_puts(out, event);
    // The body's own brace becomes a comma, unless it has no members.
    ha_buf_puts(out, body->len > 2 ? "\"," : "\"}");
    if (body->len > 2)
        ha_buf_append(out, body->data + 1, body->len - 1);
    ha_buf_putc(out, '\n');
}

bool ha_audit_line_hash(struct ha_hasher *hasher, const char *text, size_t n, char ret_hex[static HA_AUDIT_HEX_LEN])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[HA_AUDIT_HASH_LEN];
    if (!ha_hasher_digest(hasher, text, n, hash))
        return false;
    for (size_t i = 0; i < HA_AUDIT_HASH_LEN; i++) {
        ret_hex[2 * i] = digits[hash[i] >> 4];
        ret_hex[2 * i + 1] = digits[hash[i] & 15];
    }
    return true;
}
