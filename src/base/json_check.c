// SPDX-License-Identifier: Apache-2.0
// A recursive-descent checker of JSON; its recursion is as deep as the text may nest.
#include "base/json_check.h"

#include "base/json_plain.h"
#include "base/text.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST_NUMBER = 63 };  // what cJSON converts
static const uint64_t largest_exact = UINT64_C(1) << 53;

struct scan {
    const char *text;
    size_t n;
    size_t at;
    unsigned left;  // levels that may still be opened
    unsigned max_depth;
    struct ha_buf *plain;
    struct ha_err *err;
};

static enum ha_code refuse(const struct scan *scan, const char *what)
{
    ha_fail(scan->err, HA_E_MALFORMED, "this isn't valid JSON: %s at byte %zu", what, scan->at);
    return ha_hint(scan->err, "Send one JSON value as RFC 8259 has it, in UTF-8.");
}

// The next byte, -1 at the end.
static int peek(const struct scan *scan)
{
    return scan->at < scan->n ? (uint8_t)scan->text[scan->at] : -1;
}

static void skip_space(struct scan *scan)
{
    for (int c = peek(scan); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(scan))
        scan->at++;
}

// The four hexadecimal digits at offset `at`; -1 when they aren't there.
static int hex4(const struct scan *scan, size_t at)
{
    int value = 0;
    if (scan->n < 4 || at > scan->n - 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        char c = scan->text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static bool is_low_surrogate(const struct scan *scan, size_t at)
{
    if (scan->n - at < 6 || scan->text[at] != '\\' || scan->text[at + 1] != 'u')
        return false;
    int unit = hex4(scan, at + 2);
    return unit >= 0xdc00 && unit <= 0xdfff;
}

// At the backslash.
static enum ha_code check_escape(struct scan *scan)
{
    char c = scan->n - scan->at >= 2 ? scan->text[scan->at + 1] : '\0';
    if (c != 'u') {
        if (c == '\0' || !strchr("\"\\/bfnrt", c))
            return refuse(scan, "an unknown escape in a string");
        scan->at += 2;
        return HA_OK;
    }
    int unit = hex4(scan, scan->at + 2);
    if (unit < 0)
        return refuse(scan, "\\u without four hexadecimal digits");
    if (unit == 0)
        return refuse(scan, "\\u0000, which is not taken,");
    if (unit < 0xd800 || unit > 0xdfff) {
        scan->at += 6;
        return HA_OK;
    }
    if (unit > 0xdbff || !is_low_surrogate(scan, scan->at + 6))
        return refuse(scan, "half of a surrogate pair");
    scan->at += 12;
    return HA_OK;
}

// What most strings are made of, and nothing is to be said of.
static void skip_letters(struct scan *scan)
{
    size_t at = scan->at;
    while (scan->n - at >= 8 && ha_json_is_plain8(scan->text + at))
        at += 8;
    while (at < scan->n &&
           ((scan->text[at] >= '-' && scan->text[at] <= 'Z') || (scan->text[at] >= '_' && scan->text[at] <= 'z')))
        at++;
    scan->at = at;
}

// At the opening quote.
static enum ha_code check_string(struct scan *scan)
{
    scan->at++;
    for (int c = peek(scan); c != '"'; c = peek(scan)) {
        if (c < 0)
            return refuse(scan, "a string without end");
        if (c < 0x20)
            return refuse(scan, "a control character in a string");
        if (c == '\\') {
            enum ha_code code = check_escape(scan);
            if (code != HA_OK)
                return code;
            continue;
        }
        size_t length = ha_utf8_next(scan->text + scan->at, scan->n - scan->at);
        if (length == 0)
            return refuse(scan, "bytes that aren't UTF-8");
        scan->at += length;
        skip_letters(scan);
    }
    scan->at++;
    return HA_OK;
}

static size_t skip_digits(struct scan *scan)
{
    size_t before = scan->at;
    for (int c = peek(scan); c >= '0' && c <= '9'; c = peek(scan))
        scan->at++;
    return scan->at - before;
}

// Whether those digits, without leading zeros, are an integer that a double holds exactly.
static bool is_exact(const char *digits, size_t n)
{
    uint64_t value = 0;
    if (n > 16)
        return false;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (uint64_t)(digits[i] - '0');
    return value <= largest_exact;
}

static enum ha_code check_number(struct scan *scan)
{
    size_t before = scan->at;
    bool plain = peek(scan) != '-';
    if (!plain)
        scan->at++;
    bool zero = peek(scan) == '0';
    size_t digits = skip_digits(scan);
    if (digits == 0)
        return refuse(scan, "a number without digits");
    if (zero && digits > 1)
        return refuse(scan, "a number with leading zeros that ends");
    if (peek(scan) == '.') {
        plain = false;
        scan->at++;
        if (skip_digits(scan) == 0)
            return refuse(scan, "a number without digits after its point");
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        plain = false;
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->at++;
        if (skip_digits(scan) == 0)
            return refuse(scan, "a number without digits in its exponent");
    }
    if (scan->at - before > LONGEST_NUMBER)
        return refuse(scan, "a number of more than 63 characters");
    if (scan->plain)
        ha_buf_putc(scan->plain, plain && is_exact(scan->text + before, digits));
    return HA_OK;
}

static enum ha_code check_literal(struct scan *scan, const char *literal)
{
    size_t length = strlen(literal);
    if (scan->n - scan->at < length || memcmp(scan->text + scan->at, literal, length) != 0)
        return refuse(scan, "an unknown word");
    scan->at += length;
    return HA_OK;
}

static enum ha_code check_value(struct scan *scan);

// At the member's name, up to the end of its value.
static enum ha_code check_member(struct scan *scan)
{
    if (peek(scan) != '"')
        return refuse(scan, "no member name in double quotes");
    enum ha_code code = check_string(scan);
    if (code != HA_OK)
        return code;
    skip_space(scan);
    if (peek(scan) != ':')
        return refuse(scan, "no ':' after a member's name");
    scan->at++;
    return check_value(scan);
}

// At the opening bracket; `close` is the bracket that ends it.
static enum ha_code check_container(struct scan *scan, char close)
{
    if (scan->left == 0) {
        ha_fail(scan->err, HA_E_MALFORMED, "the JSON is nested deeper than %u levels at byte %zu", scan->max_depth,
                scan->at);
        return ha_hint(scan->err, "Send a flatter value.");
    }
    scan->left--;
    scan->at++;
    skip_space(scan);
    bool empty = peek(scan) == close;
    while (!empty) {
        skip_space(scan);
        enum ha_code code = close == '}' ? check_member(scan) : check_value(scan);
        if (code != HA_OK)
            return code;
        skip_space(scan);
        if (peek(scan) == close)
            break;
        if (peek(scan) != ',')
            return refuse(scan, close == '}' ? "no ',' or '}' after a member" : "no ',' or ']' after an element");
        scan->at++;
    }
    scan->at++;
    scan->left++;
    return HA_OK;
}

static enum ha_code check_value(struct scan *scan)
{
    skip_space(scan);
    int c = peek(scan);
    if (c == '{')
        return check_container(scan, '}');
    if (c == '[')
        return check_container(scan, ']');
    if (c == '"')
        return check_string(scan);
    if (c == '-' || (c >= '0' && c <= '9'))
        return check_number(scan);
    if (c == 't')
        return check_literal(scan, "true");
    if (c == 'f')
        return check_literal(scan, "false");
    if (c == 'n')
        return check_literal(scan, "null");
    return refuse(scan, c < 0 ? "a value is missing" : "no value");
}

enum ha_code ha_json_check(const char *text, size_t n, unsigned max_depth, struct ha_buf *plain, struct ha_err *err)
{
    struct scan scan = {.text = text, .n = n, .left = max_depth, .max_depth = max_depth, .plain = plain, .err = err};
    enum ha_code code = check_value(&scan);
    if (code != HA_OK)
        return code;
    skip_space(&scan);
    if (scan.at < n)
        return refuse(&scan, "more after the value,");
    if (plain && !ha_buf_ok(plain))
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading JSON");
    return HA_OK;
}
