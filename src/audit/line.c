// SPDX-License-Identifier: Apache-2.0
#include "audit/line.h"

#include "base/text.h"

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

static uint8_t *put(uint8_t *at, const char *text, size_t n)
{
    memcpy(at, text, n);
    return at + n;
}
#define PUT(at, word) put((at), (word), sizeof(word) - 1)

void ha_audit_line_write(struct ha_buf *out, uint64_t seq, const char *prev, const char *time, const char *event,
                         const char *body, size_t n)
{
    const size_t event_len = strlen(event);
    ha_buf_append(out, HEAD, sizeof HEAD - 1);
    ha_buf_decimal(out, (int64_t)seq);
    uint8_t *room = ha_buf_reserve(out, sizeof PREV + HA_AUDIT_HEX_LEN + sizeof TIME + TIME_LEN + sizeof EVENT +
                                            event_len + sizeof "\"}\n" + n);
    if (!room)
        return;
    uint8_t *at = PUT(room, PREV);
    at = put(at, prev, HA_AUDIT_HEX_LEN);
    at = PUT(at, TIME);
    at = put(at, time, TIME_LEN);
    at = PUT(at, EVENT);
    at = put(at, event, event_len);
    // The body's own brace becomes a comma, unless it has no members.
    at = n > 2 ? PUT(at, "\",") : PUT(at, "\"}");
    if (n > 2)
        at = put(at, body + 1, n - 1);
    at = PUT(at, "\n");
    ha_buf_advance(out, (size_t)(at - room));
}

bool ha_audit_line_hash(struct ha_hasher *hasher, const char *text, size_t n, char ret_hex[static HA_AUDIT_HEX_LEN])
{
    uint8_t hash[HA_AUDIT_HASH_LEN];
    if (!ha_hasher_digest(hasher, text, n, hash))
        return false;
    ha_hex_digits(hash, sizeof hash, ret_hex);
    return true;
}
