// SPDX-License-Identifier: Apache-2.0
// Which characters of JSON's strings stand for themselves and are ASCII, eight of them looked at together.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

// The eight bytes of c. A byte's highest bit shows one that isn't plain: 0x7f gets it from the addition, and what is
// below 0x20 (or 0, after one of the exclusive ors) from a borrow. It may also come from a neighbour's carry or borrow,
// but only where that isn't plain either.
static inline bool ha_json_are_plain(uint64_t c)
{
    const uint64_t each = UINT64_MAX / UINT8_MAX;
    uint64_t special = c | (c + each) | (c - each * 0x20) | ((c ^ each * '"') - each) | ((c ^ each * '\\') - each);
    return !(special & each * 0x80);
}

static inline bool ha_json_is_plain8(const char *text)
{
    uint64_t c;
    memcpy(&c, text, sizeof c);
    return ha_json_are_plain(c);
}
