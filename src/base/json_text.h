// SPDX-License-Identifier: Apache-2.0
// Where the members and items of JSON text stand in it: for whoever passes values on as they were written, since a
// number that was read and written again may be another one. Thread-safe.
//
// The text is one that ha_json_parse took; the children come in the order of ha_json_first and ha_json_next, so that
// both can be walked side by side.
#pragma once

#include "base/buf.h"
#include "base/json.h"

// A piece of somebody else's text; data NULL: none.
struct ha_json_text {
    const char *data;
    size_t n;
};

struct ha_json_walk {
    const char *at, *end;
};

// Begins with the object or array that is the text (white space around it is fine).
void ha_json_walk_begin(struct ha_json_walk *walk, struct ha_json_text text);
// The next child's value, without white space around it. False after the last, and for what is neither object nor
// array.
bool ha_json_walk_next(struct ha_json_walk *walk, struct ha_json_text *ret_value);
// Appends the text without the white space between its tokens.
void ha_json_text_compact(struct ha_buf *out, struct ha_json_text text);
// The text of a child of the object or list that text is of; data NULL: the child is NULL, or none of it.
struct ha_json_text ha_json_text_of(const ha_json *json, struct ha_json_text text, const ha_json *child);
