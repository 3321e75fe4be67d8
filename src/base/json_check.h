// SPDX-License-Identifier: Apache-2.0
// The grammar of RFC 8259, checked before a lenient parser sees the text. Private to base/json*.c.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

// Goes over the text once. HA_E_MALFORMED says what is wrong and at which byte, counted from 0.
// plain may be NULL; otherwise each number of the text appends a byte to it, in the order of the text: 1 when it is
// written as an integer 0..2^53 without sign, fraction or exponent, else 0.
enum ha_code ha_json_check(const char *text, size_t n, unsigned max_depth, struct ha_buf *plain, struct ha_err *err);
