// SPDX-License-Identifier: Apache-2.0
// Reading the head of a response: find its end, then the status line, then one header field after the other.
#include "client/http1.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

static const char version[] = "HTTP/1.1 ";
enum { VERSION_LEN = sizeof version - 1 };

struct span {
    const char *start;
    size_t n;
};

// What was seen of the header fields so far.
struct fields {
    bool has_length;
    size_t body_len;
    bool close;
    unsigned retry_after_s;
};

static enum ha_code refuse(struct ha_err *err, const char *what)
{
    ha_fail(err, HA_E_AGENT, "the answer is not the agent's: %s", what);
    return ha_hint(err,
                   "Check that --socket or HSM_AGENT_SOCKET names the socket of hsm-agentd, not of another server.");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// RFC 9110 section 5.6.2: the characters of a field's name.
static bool is_token_char(char c)
{
    if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c);
}

static bool equals(struct span span, const char *text)
{
    return span.n == strlen(text) && strncasecmp(span.start, text, span.n) == 0;
}

static struct span trim(struct span span)
{
    while (span.n > 0 && (span.start[0] == ' ' || span.start[0] == '\t')) {
        span.start++;
        span.n--;
    }
    while (span.n > 0 && (span.start[span.n - 1] == ' ' || span.start[span.n - 1] == '\t'))
        span.n--;
    return span;
}

// Digits only, at most max.
static bool read_number(struct span span, size_t max, size_t *ret_number)
{
    size_t number = 0;
    if (span.n == 0)
        return false;
    for (size_t i = 0; i < span.n; i++) {
        if (!is_digit(span.start[i]))
            return false;
        number = number * 10 + (size_t)(span.start[i] - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return true;
}

// "HTTP/1.1 200 OK", the line's end not included. The reason may be empty, its space too.
static enum ha_code read_status(struct span line, unsigned *ret_status, struct ha_err *err)
{
    const char *digits = line.start + VERSION_LEN;
    if (line.n < VERSION_LEN + 3 || !is_digit(digits[0]) || !is_digit(digits[1]) || !is_digit(digits[2]) ||
        (line.n > VERSION_LEN + 3 && digits[3] != ' '))
        return refuse(err, "its status line is wrong");
    unsigned status = (unsigned)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    if (status < 200 || status > 599)
        return refuse(err, "its status is out of range");
    *ret_status = status;
    return HA_OK;
}

// "close" among the elements of a list.
static bool lists_close(struct span value)
{
    while (value.n > 0) {
        const char *comma = memchr(value.start, ',', value.n);
        size_t n = comma ? (size_t)(comma - value.start) : value.n;
        if (equals(trim((struct span){value.start, n}), "close"))
            return true;
        size_t step = comma ? n + 1 : n;
        value = (struct span){value.start + step, value.n - step};
    }
    return false;
}

static enum ha_code take_field(struct span name, struct span value, struct fields *fields, struct ha_err *err)
{
    size_t seconds;
    if (equals(name, "Content-Length")) {
        if (fields->has_length)
            return refuse(err, "it tells its length twice");
        if (!read_number(value, HA_HTTP1_BODY_MAX, &fields->body_len))
            return refuse(err, "its length is no number or too large");
        fields->has_length = true;
    } else if (equals(name, "Transfer-Encoding")) {
        return refuse(err, "it has a transfer encoding");
    } else if (equals(name, "Connection")) {
        fields->close = fields->close || lists_close(value);
    } else if (equals(name, "Retry-After") && read_number(value, 24 * 3600, &seconds)) {
        fields->retry_after_s = (unsigned)seconds;
    }
    return HA_OK;
}

static enum ha_code read_field(struct span line, struct fields *fields, struct ha_err *err)
{
    const char *colon = memchr(line.start, ':', line.n);
    if (!colon || colon == line.start)
        return refuse(err, "a header field has no name");
    struct span name = {line.start, (size_t)(colon - line.start)};
    for (size_t i = 0; i < name.n; i++)
        if (!is_token_char(name.start[i]))
            return refuse(err, "a header field's name has a wrong character");
    struct span value = trim((struct span){colon + 1, line.n - name.n - 1});
    return take_field(name, value, fields, err);
}

// Cuts the next line, without its end, off head. A control character inside it, CR and LF too, is refused.
static enum ha_code next_line(struct span *head, struct span *ret_line, struct ha_err *err)
{
    const char *end = memmem(head->start, head->n, "\r\n", 2);
    struct span line = {head->start, (size_t)(end - head->start)};
    for (size_t i = 0; i < line.n; i++)
        if (((unsigned char)line.start[i] < 0x20 && line.start[i] != '\t') || line.start[i] == 0x7f)
            return refuse(err, "its head has a control character");
    *head = (struct span){end + 2, head->n - line.n - 2};
    *ret_line = line;
    return HA_OK;
}

// head ends with the empty line.
static enum ha_code read_head(struct span head, struct ha_http1_head *ret_head, struct ha_err *err)
{
    struct ha_http1_head found = {.len = head.n};
    struct fields fields = {0};
    struct span line;
    if (next_line(&head, &line, err) != HA_OK || read_status(line, &found.status, err) != HA_OK)
        return err->code;
    for (;;) {
        if (next_line(&head, &line, err) != HA_OK)
            return err->code;
        if (line.n == 0)
            break;
        if (read_field(line, &fields, err) != HA_OK)
            return err->code;
    }
    if (!fields.has_length)
        return refuse(err, "it doesn't tell its length");
    found.body_len = fields.body_len;
    found.close = fields.close;
    found.retry_after_s = fields.retry_after_s;
    *ret_head = found;
    return HA_OK;
}

enum ha_code ha_http1_head_read(const char *bytes, size_t n, bool *ret_complete, struct ha_http1_head *ret_head,
                                struct ha_err *err)
{
    size_t seen = n < HA_HTTP1_HEAD_MAX ? n : HA_HTTP1_HEAD_MAX;
    // Another protocol's server may wait for us after its greeting, so its first bytes must do.
    if (memcmp(bytes, version, seen < VERSION_LEN ? seen : VERSION_LEN) != 0)
        return refuse(err, "it isn't HTTP/1.1");
    const char *end = memmem(bytes, seen, "\r\n\r\n", 4);
    if (!end && seen == HA_HTTP1_HEAD_MAX)
        return refuse(err, "its head is too large");
    if (!end) {
        *ret_complete = false;
        return HA_OK;
    }
    enum ha_code code = read_head((struct span){bytes, (size_t)(end - bytes) + 4}, ret_head, err);
    if (code == HA_OK)
        *ret_complete = true;
    return code;
}
