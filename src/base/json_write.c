// SPDX-License-Identifier: Apache-2.0
// Writing JSON straight into a buffer, and indenting it for people.
#include "base/json.h"

#include "base/json_check.h"
#include "base/json_plain.h"
#include "base/text.h"

#include <string.h>

// One character of a string: `length` bytes at `at`, 0 when the byte there isn't UTF-8.
static void put_character(struct ha_buf *out, const char *at, size_t length)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    uint8_t c = (uint8_t)*at;
    if (length == 0) {
        ha_buf_puts(out, "\xef\xbf\xbd");  // U+FFFD
    } else if (c == '"' || c == '\\') {
        ha_buf_putc(out, '\\');
        ha_buf_putc(out, (char)c);
    } else if (c < sizeof letters && letters[c]) {
        ha_buf_putc(out, '\\');
        ha_buf_putc(out, letters[c]);
    } else if (c < 0x20 || c == 0x7f) {
        ha_buf_printf(out, "\\u%04x", c);
    } else if (c == 0xc2 && (uint8_t)at[1] < 0xa0) {
        ha_buf_printf(out, "\\u%04x", (uint8_t)at[1]);  // a C1 control character, which terminals may obey
    } else {
        ha_buf_append(out, at, length);
    }
}

// Whether a character stands for itself in a string. A NUL doesn't.
static bool is_plain(char c)
{
    static const bool special[UINT8_MAX + 1] = {
        [0x00 ... 0x1f] = true, ['"'] = true, ['\\'] = true, [0x7f ... 0xff] = true};
    return !special[(uint8_t)c];
}

// Behind those of n characters, from at on, that stand for themselves.
static size_t plain(const char *text, size_t at, size_t n)
{
    while (at < n && is_plain(text[at]))
        at++;
    return at;
}

// Copies n characters if all of them stand for themselves. The last eight, or four, may be some that were copied
// already.
static inline bool copy_plain(uint8_t *to, const char *text, size_t n)
{
    if (n < 4) {
        memcpy(to, text, n);
        return plain(text, 0, n) == n;
    }
    if (n < 8) {
        uint32_t first, last;
        memcpy(&first, text, 4);
        memcpy(&last, text + n - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + n - 4, &last, 4);
        return ha_json_are_plain((uint64_t)first << 32 | last);
    }
    uint64_t eight;
    for (size_t at = 0; n - at > 8; at += 8) {
        memcpy(&eight, text + at, 8);
        memcpy(to + at, &eight, 8);
        if (!ha_json_are_plain(eight))
            return false;
    }
    memcpy(&eight, text + n - 8, 8);
    memcpy(to + n - 8, &eight, 8);
    return ha_json_are_plain(eight);
}

static void put_escaped(struct ha_buf *out, const char *text, size_t n)
{
    ha_buf_putc(out, '"');
    for (size_t at = 0; at < n;) {
        size_t run = plain(text, at, n);
        ha_buf_append(out, text + at, run - at);
        at = run;
        if (at < n) {
            size_t length = ha_utf8_next(text + at, n - at);
            put_character(out, text + at, length);
            at += length > 0 ? length : 1;
        }
    }
    ha_buf_putc(out, '"');
}

// Most text has nothing to be escaped.
void ha_jw_quoted_text(struct ha_buf *out, const char *text, size_t n)
{
    uint8_t *room = ha_buf_reserve(out, n + 2);
    if (!room)
        return;
    if (copy_plain(room + 1, text, n)) {
        room[0] = room[n + 1] = '"';
        ha_buf_advance(out, n + 2);
    } else {
        put_escaped(out, text, n);
    }
}

void ha_jw_quoted(struct ha_buf *out, const char *text)
{
    ha_jw_quoted_text(out, text, strlen(text));
}

// Puts the comma if one is due (the buffer's last byte tells: no value ends in one of these), then the name.
static void begin(struct ha_buf *out, const char *name)
{
    char last = out->len > 0 ? (char)out->data[out->len - 1] : '\n';
    size_t comma = last != '{' && last != '[' && last != ':' && last != '\n';
    size_t n = name ? strlen(name) : 0;
    uint8_t *room = ha_buf_reserve(out, n + 4);
    if (!room)
        return;
    room[0] = ',';
    if (!name) {
        ha_buf_advance(out, comma);
    } else if (copy_plain(room + comma + 1, name, n)) {
        room[comma] = room[comma + n + 1] = '"';
        room[comma + n + 2] = ':';
        ha_buf_advance(out, comma + n + 3);
    } else {
        ha_buf_advance(out, comma);
        put_escaped(out, name, n);
        ha_buf_putc(out, ':');
    }
}

void ha_jw_object(struct ha_buf *out, const char *name)
{
    begin(out, name);
    ha_buf_putc(out, '{');
}

void ha_jw_object_end(struct ha_buf *out)
{
    ha_buf_putc(out, '}');
}

void ha_jw_array(struct ha_buf *out, const char *name)
{
    begin(out, name);
    ha_buf_putc(out, '[');
}

void ha_jw_array_end(struct ha_buf *out)
{
    ha_buf_putc(out, ']');
}

void ha_jw_string(struct ha_buf *out, const char *name, const char *text)
{
    ha_jw_text(out, name, text, strlen(text));
}

void ha_jw_text(struct ha_buf *out, const char *name, const char *text, size_t n)
{
    begin(out, name);
    ha_jw_quoted_text(out, text, n);
}

void ha_jw_bytes(struct ha_buf *out, const char *name, const void *bytes, size_t n)
{
    begin(out, name);
    ha_buf_putc(out, '"');
    ha_b64u_encode(out, bytes, n);
    ha_buf_putc(out, '"');
}

void ha_jw_hex(struct ha_buf *out, const char *name, const void *bytes, size_t n)
{
    begin(out, name);
    ha_buf_putc(out, '"');
    ha_hex_encode(out, bytes, n);
    ha_buf_putc(out, '"');
}

void ha_jw_number(struct ha_buf *out, const char *name, int64_t number)
{
    begin(out, name);
    ha_buf_decimal(out, number);
}

void ha_jw_bool(struct ha_buf *out, const char *name, bool value)
{
    begin(out, name);
    ha_buf_puts(out, value ? "true" : "false");
}

void ha_jw_null(struct ha_buf *out, const char *name)
{
    begin(out, name);
    ha_buf_puts(out, "null");
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void new_line(struct ha_buf *out, unsigned depth)
{
    ha_buf_putc(out, '\n');
    for (unsigned i = 0; i < depth; i++)
        ha_buf_puts(out, "  ");
}

// Copies the string that begins at text[at]; returns the offset after it.
static size_t copy_string(struct ha_buf *out, const char *text, size_t at)
{
    size_t end = at + 1;
    while (text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
    ha_buf_append(out, text + at, end + 1 - at);
    return end + 1;
}

// Valid JSON only.
static void indent(struct ha_buf *out, const char *text, size_t n)
{
    unsigned depth = 0;
    for (size_t at = 0; at < n;) {
        char c = text[at];
        if (c == '"') {
            at = copy_string(out, text, at);
            continue;
        }
        at++;
        if (is_space(c))
            continue;
        if (c == '}' || c == ']')
            new_line(out, --depth);
        ha_buf_putc(out, c);
        if (c == ':')
            ha_buf_putc(out, ' ');
        if (c == ',')
            new_line(out, depth);
        if (c == '{' || c == '[') {
            while (is_space(text[at]))
                at++;
            if (text[at] == '}' || text[at] == ']')
                ha_buf_putc(out, text[at++]);
            else
                new_line(out, ++depth);
        }
    }
}

enum ha_code ha_json_pretty(struct ha_buf *out, const char *text, size_t n, struct ha_err *err)
{
    enum ha_code code = ha_json_check(text, n, HA_JSON_DEPTH_LIMIT, NULL, err);
    if (code != HA_OK)
        return code;
    indent(out, text, n);
    if (!ha_buf_ok(out))
        return ha_fail(err, HA_E_MEMORY, "out of memory for indenting JSON");
    return HA_OK;
}
