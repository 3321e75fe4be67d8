// SPDX-License-Identifier: Apache-2.0
// Fields of a JSON body by their path, and the body with other values in their places: all else keeps its bytes.
// Thread-safe.
#pragma once

#include "base/json.h"
#include "base/json_text.h"

// A value that is another's place is taken by.
struct ha_fspiop_value {
    struct ha_json_text old;  // within the body
    struct ha_buf text;       // JSON
};
struct ha_fspiop_values {
    struct ha_fspiop_value *items;
    size_t n;
};
// n values, all zero. HA_E_MEMORY.
enum ha_code ha_fspiop_values_new(size_t n, struct ha_fspiop_values *ret_values, struct ha_err *err);
void ha_fspiop_values_clear(struct ha_fspiop_values *values);
HA_AUTO_DEFINE_CLEAR(struct ha_fspiop_values, ha_fspiop_values_clear)

// Names with dots between them, from the object at the top on. json is the body as it was parsed. The value as it
// stands there, and parsed; false when there is none.
bool ha_fspiop_find(const ha_json *json, struct ha_json_text body, const char *path, struct ha_json_text *ret_text,
                    const ha_json **ret_value);
// Whether two of the values overlap.
bool ha_fspiop_overlap(const struct ha_fspiop_values *values);
// Appends the body with each value's text in the place of the old one.
void ha_fspiop_replace(struct ha_json_text body, const struct ha_fspiop_values *values, struct ha_buf *out);
