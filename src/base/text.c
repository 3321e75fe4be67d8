// SPDX-License-Identifier: Apache-2.0
// Base64, hex, UTF-8, and the small checks of names and numbers.
#include "base/text.h"

#include <fnmatch.h>
#include <string.h>

static const char standard_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Writes the 2 to 4 characters of 1 to 3 bytes; returns how many.
static size_t encode_group(const char *alphabet, const uint8_t *bytes, size_t n, char *out)
{
    uint32_t bits = (uint32_t)bytes[0] << 16;
    if (n > 1)
        bits |= (uint32_t)bytes[1] << 8;
    if (n > 2)
        bits |= bytes[2];
    size_t count = n >= 3 ? 4 : n + 1;
    for (size_t i = 0; i < count; i++)
        out[i] = alphabet[bits >> (18 - 6 * i) & 63];
    return count;
}

void ha_b64u_encode(struct ha_buf *out, const void *bytes, size_t n)
{
    const uint8_t *in = bytes;
    size_t room = n / 3 * 4 + 4;
    char *at = (char *)ha_buf_reserve(out, room);
    if (!at)
        return;
    size_t written = 0, i = 0;
    for (; n - i >= 3; i += 3, written += 4) {
        uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        at[written] = url_alphabet[bits >> 18];
        at[written + 1] = url_alphabet[bits >> 12 & 63];
        at[written + 2] = url_alphabet[bits >> 6 & 63];
        at[written + 3] = url_alphabet[bits & 63];
    }
    if (i < n)
        written += encode_group(url_alphabet, in + i, n - i, at + written);
    ha_buf_advance(out, written);
}

void ha_b64_encode(struct ha_buf *out, const void *bytes, size_t n, size_t wrap)
{
    const uint8_t *in = bytes;
    size_t column = 0;
    for (size_t i = 0; i < n; i += 3) {
        char group[4] = {'=', '=', '=', '='};
        encode_group(standard_alphabet, in + i, n - i < 3 ? n - i : 3, group);
        for (size_t k = 0; k < sizeof group; k++) {
            ha_buf_putc(out, group[k]);
            if (++column == wrap) {
                ha_buf_putc(out, '\n');
                column = 0;
            }
        }
    }
    if (wrap > 0 && column > 0)
        ha_buf_putc(out, '\n');
}

// The values of the URL alphabet's characters, plus VALID; 0: it isn't one.
enum { VALID = 64 };
static const uint8_t url_values[UINT8_MAX + 1] = {
    ['A'] = 64,  ['B'] = 65,  ['C'] = 66,  ['D'] = 67,  ['E'] = 68,  ['F'] = 69,  ['G'] = 70,  ['H'] = 71,
    ['I'] = 72,  ['J'] = 73,  ['K'] = 74,  ['L'] = 75,  ['M'] = 76,  ['N'] = 77,  ['O'] = 78,  ['P'] = 79,
    ['Q'] = 80,  ['R'] = 81,  ['S'] = 82,  ['T'] = 83,  ['U'] = 84,  ['V'] = 85,  ['W'] = 86,  ['X'] = 87,
    ['Y'] = 88,  ['Z'] = 89,  ['a'] = 90,  ['b'] = 91,  ['c'] = 92,  ['d'] = 93,  ['e'] = 94,  ['f'] = 95,
    ['g'] = 96,  ['h'] = 97,  ['i'] = 98,  ['j'] = 99,  ['k'] = 100, ['l'] = 101, ['m'] = 102, ['n'] = 103,
    ['o'] = 104, ['p'] = 105, ['q'] = 106, ['r'] = 107, ['s'] = 108, ['t'] = 109, ['u'] = 110, ['v'] = 111,
    ['w'] = 112, ['x'] = 113, ['y'] = 114, ['z'] = 115, ['0'] = 116, ['1'] = 117, ['2'] = 118, ['3'] = 119,
    ['4'] = 120, ['5'] = 121, ['6'] = 122, ['7'] = 123, ['8'] = 124, ['9'] = 125, ['-'] = 126, ['_'] = 127};

static int b64u_value(char c)
{
    return url_values[(uint8_t)c] - VALID;
}

static enum ha_code b64u_refuse(const char *text, size_t at, struct ha_err *err)
{
    char c = text[at];
    if (c == '+' || c == '/' || c == '=') {
        ha_fail(err, HA_E_MALFORMED, "the character '%c' at byte %zu isn't base64url", c, at);
        return ha_hint(err,
                       "Base64url without padding is expected (RFC 4648 section 5): '-' for '+', '_' for '/', and no "
                       "'=' at the end. In a shell: basenc --base64url -w0 | tr -d =");
    }
    ha_fail(err, HA_E_MALFORMED, "the byte 0x%02x at offset %zu isn't base64url", (unsigned char)c, at);
    return ha_hint(err,
                   "Base64url without padding is expected (RFC 4648 section 5): A-Z a-z 0-9 '-' '_', without white "
                   "space or newlines.");
}

enum ha_code ha_b64u_decode(struct ha_buf *out, const char *text, size_t n, struct ha_err *err)
{
    // Decoded beyond the end of out, and made part of it only when all is well.
    uint8_t *room = ha_buf_reserve(out, n / 4 * 3 + 3);
    if (!room)
        return ha_fail(err, HA_E_MEMORY, "out of memory for decoding base64url");
    uint32_t bits = 0;
    unsigned held = 0;
    size_t written = 0, whole = 0;
    // Four characters at a time as long as all are good; the rest, or the bad one, one at a time.
    for (; n - whole >= 4; whole += 4) {
        uint32_t a = url_values[(uint8_t)text[whole]], b = url_values[(uint8_t)text[whole + 1]],
                 c = url_values[(uint8_t)text[whole + 2]], d = url_values[(uint8_t)text[whole + 3]];
        if (!(a & b & c & d & VALID))
            break;
        const uint32_t group = (a << 18) + (b << 12) + (c << 6) + d - VALID * (1U << 18 | 1U << 12 | 1U << 6 | 1U);
        room[written++] = (uint8_t)(group >> 16);
        room[written++] = (uint8_t)(group >> 8);
        room[written++] = (uint8_t)group;
    }
    for (size_t i = whole; i < n; i++) {
        int value = b64u_value(text[i]);
        if (value < 0)
            return b64u_refuse(text, i, err);
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            room[written++] = (uint8_t)(bits >> held);
            bits &= (1U << held) - 1;
        }
    }
    if (n % 4 == 1)
        return ha_fail(err, HA_E_MALFORMED, "base64url can't be %zu characters long; the text seems to be cut off", n);
    if (bits != 0)
        return ha_fail(err, HA_E_MALFORMED, "the last base64url character has bits set that belong to no byte");
    ha_buf_advance(out, written);
    return HA_OK;
}

void ha_hex_digits(const void *bytes, size_t n, char *ret_digits)
{
#define SIXTEEN(h) h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7" h "8" h "9" h "a" h "b" h "c" h "d" h "e" h "f"
    static const char pairs[] =
        SIXTEEN("0") SIXTEEN("1") SIXTEEN("2") SIXTEEN("3") SIXTEEN("4") SIXTEEN("5") SIXTEEN("6") SIXTEEN("7")
            SIXTEEN("8") SIXTEEN("9") SIXTEEN("a") SIXTEEN("b") SIXTEEN("c") SIXTEEN("d") SIXTEEN("e") SIXTEEN("f");
#undef SIXTEEN
    const uint8_t *in = bytes;
    for (size_t i = 0; i < n; i++)
        memcpy(ret_digits + 2 * i, pairs + 2 * (size_t)in[i], 2);
}

void ha_hex_encode(struct ha_buf *out, const void *bytes, size_t n)
{
    uint8_t *room = ha_buf_reserve(out, 2 * n);
    if (!room)
        return;
    ha_hex_digits(bytes, n, (char *)room);
    ha_buf_advance(out, 2 * n);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum ha_code ha_hex_decode(struct ha_buf *out, const char *text, size_t n, struct ha_err *err)
{
    if (n % 2 != 0)
        return ha_fail(err, HA_E_MALFORMED, "hexadecimal text has two digits a byte; these are %zu", n);
    uint8_t *room = ha_buf_reserve(out, n / 2);
    if (!room)
        return ha_fail(err, HA_E_MEMORY, "out of memory for decoding hexadecimal text");
    for (size_t i = 0; i < n; i += 2) {
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0)
            return ha_fail(err, HA_E_MALFORMED, "the byte at offset %zu isn't a hexadecimal digit",
                           high < 0 ? i : i + 1);
        room[i / 2] = (uint8_t)(high << 4 | low);
    }
    ha_buf_advance(out, n / 2);
    return HA_OK;
}

size_t ha_utf8_next(const char *text, size_t n)
{
    if (n == 0)
        return 0;
    const uint8_t *in = (const uint8_t *)text;
    uint8_t lead = in[0];
    if (lead < 0x80)
        return 1;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || n < length)
        return 0;
    // RFC 3629 section 4: only the second byte's range depends on the first.
    uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (in[1] < least || in[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((in[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

bool ha_utf8_valid(const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t length = ha_utf8_next(text + at, n - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

// Not isalnum(), which depends on the locale.
static bool is_alphanumeric(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool ha_name_valid(const char *name)
{
    enum { LONGEST = 64 };
    if (!is_alphanumeric(name[0]))
        return false;
    size_t length = strnlen(name, LONGEST + 1);
    for (size_t i = 1; i < length; i++) {
        if (!is_alphanumeric(name[i]) && !strchr("._-", name[i]))
            return false;
    }
    return length <= LONGEST;
}

bool ha_glob_match(const char *pattern, const char *text)
{
    return fnmatch(pattern, text, FNM_NOESCAPE) == 0;
}

bool ha_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    if (value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

bool ha_equal_ct(const void *a, const void *b, size_t n)
{
    // volatile keeps the compiler from leaving the loop at the first difference
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < n; i++)
        difference |= x[i] ^ y[i];
    return difference == 0;
}
