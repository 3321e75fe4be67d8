// SPDX-License-Identifier: Apache-2.0
// JSON in one form: no white space, members sorted by UTF-16 code units, strings and numbers as JSON.stringify writes
// them (RFC 8785, and safe-stable-stringify). Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

// Appends. A number beyond 2^53 is refused, since it may be another one than was meant.
enum ha_code ha_canonical_json(const ha_json *json, struct ha_buf *out, struct ha_err *err);
// The number as ECMAScript's Number::toString has it; finite.
void ha_canonical_json_number(double number, struct ha_buf *out);
