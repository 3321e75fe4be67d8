// SPDX-License-Identifier: Apache-2.0
// The growing buffer: memory is never realloc'ed, since realloc leaves copies behind that nobody wipes.
#include "base/buf.h"

#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_CAPACITY = 128 };

void ha_buf_init(struct ha_buf *buf)
{
    *buf = (struct ha_buf){0};
}

void ha_buf_clear(struct ha_buf *buf)
{
    if (buf->data) {
        ha_wipe(buf->data, buf->cap);
        free(buf->data);
    }
    ha_buf_init(buf);
}

void ha_buf_reset(struct ha_buf *buf)
{
    if (buf->data)
        ha_wipe(buf->data, buf->cap);
    buf->len = 0;
    buf->failed = false;
}

void ha_buf_rewind(struct ha_buf *buf)
{
    if (buf->data)
        buf->data[0] = 0;
    buf->len = 0;
    buf->failed = false;
}

bool ha_buf_ok(const struct ha_buf *buf)
{
    return !buf->failed;
}

static bool grow(struct ha_buf *buf, size_t needed)
{
    size_t cap = buf->cap < LEAST_CAPACITY ? LEAST_CAPACITY : buf->cap;
    while (cap < needed) {
        if (cap > SIZE_MAX / 2)
            return false;
        cap *= 2;
    }
    uint8_t *data = malloc(cap);
    if (!data)
        return false;
    if (buf->data) {
        memcpy(data, buf->data, buf->len);
        ha_wipe(buf->data, buf->cap);
        free(buf->data);
    }
    data[buf->len] = 0;
    buf->data = data;
    buf->cap = cap;
    return true;
}

uint8_t *ha_buf_reserve_more(struct ha_buf *buf, size_t n)
{
    if (buf->failed)
        return NULL;
    size_t needed;
    if (__builtin_add_overflow(buf->len, n, &needed) || __builtin_add_overflow(needed, 1, &needed) ||
        (needed > buf->cap && !grow(buf, needed))) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->len;
}

void ha_buf_append(struct ha_buf *buf, const void *bytes, size_t n)
{
    uint8_t *room = ha_buf_reserve(buf, n);
    if (!room)
        return;
    if (n > 0)
        memcpy(room, bytes, n);
    ha_buf_advance(buf, n);
}

void ha_buf_puts(struct ha_buf *buf, const char *text)
{
    ha_buf_append(buf, text, strlen(text));
}

void ha_buf_decimal(struct ha_buf *buf, int64_t number)
{
    char text[sizeof "-9223372036854775808"], *at = text + sizeof text;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0)
        *--at = '-';
    ha_buf_append(buf, at, (size_t)(text + sizeof text - at));
}

void ha_buf_printf(struct ha_buf *buf, const char *format, ...)
{
    va_list args;
    uint8_t *room = ha_buf_reserve(buf, 0);
    if (!room)
        return;
    const size_t left = buf->cap - buf->len;
    va_start(args, format);
    int n = vsnprintf((char *)room, left, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < left) {
        ha_buf_advance(buf, (size_t)n);
        return;
    }
    *room = 0;  // what didn't fit
    if (n < 0) {
        buf->failed = true;
        return;
    }
    room = ha_buf_reserve(buf, (size_t)n);
    if (!room)
        return;
    va_start(args, format);
    vsnprintf((char *)room, (size_t)n + 1, format, args);
    va_end(args);
    ha_buf_advance(buf, (size_t)n);
}

const char *ha_buf_text(const struct ha_buf *buf)
{
    return buf->data ? (const char *)buf->data : "";
}

char *ha_buf_steal(struct ha_buf *buf, size_t *ret_len)
{
    if (!ha_buf_reserve(buf, 0)) {
        ha_buf_clear(buf);
        return NULL;
    }
    char *text = (char *)buf->data;
    if (ret_len)
        *ret_len = buf->len;
    ha_buf_init(buf);
    return text;
}
