// SPDX-License-Identifier: Apache-2.0
// A growing byte buffer with a sticky failure bit: append as much as you like, ask once at the end.
//
// Everything it held is wiped when it grows or is cleared, so it may hold secrets. Not thread-safe.
#pragma once

#include "base/auto.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ha_buf {
    uint8_t *data;  // data[len] is always 0 once something was appended, so text can be read as a C string
    size_t len;
    size_t cap;
    bool failed;  // out of memory happened; later appends do nothing
};

void ha_buf_init(struct ha_buf *buf);
void ha_buf_clear(struct ha_buf *buf);   // wipes, frees, leaves it ready for use; accepts a zeroed struct
void ha_buf_reset(struct ha_buf *buf);   // wipes the content, keeps the memory and clears failed
void ha_buf_rewind(struct ha_buf *buf);  // the same without wiping: of what is no secret
HA_AUTO_DEFINE_CLEAR(struct ha_buf, ha_buf_clear)

bool ha_buf_ok(const struct ha_buf *buf);
void ha_buf_append(struct ha_buf *buf, const void *bytes, size_t n);
void ha_buf_puts(struct ha_buf *buf, const char *text);
void ha_buf_decimal(struct ha_buf *buf, int64_t number);
void ha_buf_printf(struct ha_buf *buf, const char *format, ...) HA_PRINTF(2, 3);
// The content as a NUL-terminated string ("" when empty). Borrowed, until the next change.
const char *ha_buf_text(const struct ha_buf *buf);
// Gives the memory away (malloc'ed, NUL-terminated); the buffer is empty after. NULL when failed.
char *ha_buf_steal(struct ha_buf *buf, size_t *ret_len);

// What follows is here, since it is most of what is done to buffers.

// For ha_buf_reserve alone: what it does when there isn't room yet.
uint8_t *ha_buf_reserve_more(struct ha_buf *buf, size_t n);
// Room for n more bytes; the caller writes there and then calls ha_buf_advance. NULL when failed.
static inline uint8_t *ha_buf_reserve(struct ha_buf *buf, size_t n)
{
    if (!buf->failed && n < buf->cap - buf->len)
        return buf->data + buf->len;
    return ha_buf_reserve_more(buf, n);
}

static inline void ha_buf_advance(struct ha_buf *buf, size_t n)
{
    assert(n < buf->cap - buf->len);
    buf->len += n;
    buf->data[buf->len] = 0;
}

static inline void ha_buf_putc(struct ha_buf *buf, char c)
{
    uint8_t *room = ha_buf_reserve(buf, 1);
    if (!room)
        return;
    room[0] = (uint8_t)c;
    room[1] = 0;
    buf->len++;
}
