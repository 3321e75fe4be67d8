// SPDX-License-Identifier: Apache-2.0
#include "format/canonical_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double SAFE = 9007199254740991.0;  // 2^53 - 1: what is beyond may have been rounded when it was read

// The shortest digits that read back as the number; digits without the point, exponent as in 0.DIGITS * 10^exponent.
static void shortest(double number, char ret_digits[static 24], int *ret_exponent)
{
    char text[40];
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, number);
        if (strtod(text, NULL) == number)
            break;
    }
    size_t n = 0;
    const char *at = text;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            ret_digits[n++] = *at;
    while (n > 1 && ret_digits[n - 1] == '0')
        n--;
    ret_digits[n] = '\0';
    *ret_exponent = atoi(at + 1) + 1;
}

static void put_zeros(struct ha_buf *out, int n)
{
    for (; n > 0; n--)
        ha_buf_putc(out, '0');
}

// ECMA-262, Number::toString; n and k as there.
void ha_canonical_json_number(double number, struct ha_buf *out)
{
    char digits[24];
    int n;
    if (number == 0) {
        ha_buf_putc(out, '0');
        return;
    }
    if (number < 0)
        ha_buf_putc(out, '-');
    shortest(fabs(number), digits, &n);
    int k = (int)strlen(digits);
    if (k <= n && n <= 21) {
        ha_buf_puts(out, digits);
        put_zeros(out, n - k);
    } else if (0 < n && n <= 21) {
        ha_buf_printf(out, "%.*s.%s", n, digits, digits + n);
    } else if (-6 < n && n <= 0) {
        ha_buf_puts(out, "0.");
        put_zeros(out, -n);
        ha_buf_puts(out, digits);
    } else {
        ha_buf_printf(out, "%c%s%s", digits[0], k > 1 ? "." : "", digits + 1);
        ha_buf_printf(out, "e%c%d", n > 0 ? '+' : '-', abs(n - 1));
    }
}

static enum ha_code put_number(const ha_json *json, struct ha_buf *out, struct ha_err *err)
{
    double number = ha_json_number(json);
    if (fabs(number) > SAFE) {
        ha_fail(err, HA_E_MALFORMED, "a number is beyond 2^53, where its reader may take it for another one");
        return ha_hint(err, "write it as a string");
    }
    ha_canonical_json_number(number, out);
    return HA_OK;
}

static void put_string(const char *text, struct ha_buf *out)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    ha_buf_putc(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            ha_buf_putc(out, '\\');
        if (c >= 0x20)
            ha_buf_putc(out, (char)c);
        else if (c < sizeof letters && letters[c])
            ha_buf_printf(out, "\\%c", letters[c]);
        else
            ha_buf_printf(out, "\\u%04x", c);
    }
    ha_buf_putc(out, '"');
}

// UTF-8 sorts like the code points. UTF-16 does too, but for those beyond U+FFFF: their surrogates come before U+E000.
static int utf16_rank(unsigned char first)
{
    return first >= 0xf0 ? first - 2 : first >= 0xee ? first + 0x10 : first;
}

static int by_name(const void *a, const void *b)
{
    const unsigned char *x = (const unsigned char *)ha_json_name(*(const ha_json *const *)a);
    const unsigned char *y = (const unsigned char *)ha_json_name(*(const ha_json *const *)b);
    while (*x && *x == *y)
        x++, y++;
    return *x == *y ? 0 : utf16_rank(*x) < utf16_rank(*y) ? -1 : 1;
}

static enum ha_code put_object(const ha_json *json, struct ha_buf *out, struct ha_err *err)
{
    size_t n = ha_json_size(json), i = 0;
    ha_auto(ha_free) const ha_json **members = calloc(n ? n : 1, sizeof *members);
    if (!members)
        return ha_fail(err, HA_E_MEMORY, "out of memory for sorting JSON");
    for (const ha_json *member = ha_json_first(json); member; member = ha_json_next(member))
        members[i++] = member;
    qsort(members, n, sizeof *members, by_name);
    ha_buf_putc(out, '{');
    for (i = 0; i < n; i++) {
        if (i > 0)
            ha_buf_putc(out, ',');
        put_string(ha_json_name(members[i]), out);
        ha_buf_putc(out, ':');
        if (ha_canonical_json(members[i], out, err))
            return err->code;
    }
    ha_buf_putc(out, '}');
    return HA_OK;
}

static enum ha_code put_array(const ha_json *json, struct ha_buf *out, struct ha_err *err)
{
    bool first = true;
    ha_buf_putc(out, '[');
    for (const ha_json *item = ha_json_first(json); item; item = ha_json_next(item)) {
        if (!first)
            ha_buf_putc(out, ',');
        first = false;
        if (ha_canonical_json(item, out, err))
            return err->code;
    }
    ha_buf_putc(out, ']');
    return HA_OK;
}

enum ha_code ha_canonical_json(const ha_json *json, struct ha_buf *out, struct ha_err *err)
{
    bool value = false;
    switch (ha_json_type(json)) {
    case HA_JSON_NULL:
        ha_buf_puts(out, "null");
        return HA_OK;
    case HA_JSON_BOOL:
        ha_json_bool(json, &value);
        ha_buf_puts(out, value ? "true" : "false");
        return HA_OK;
    case HA_JSON_NUMBER:
        return put_number(json, out, err);
    case HA_JSON_STRING:
        put_string(ha_json_string(json), out);
        return HA_OK;
    case HA_JSON_ARRAY:
        return put_array(json, out, err);
    case HA_JSON_OBJECT:
        return put_object(json, out, err);
    }
    return HA_OK;
}
