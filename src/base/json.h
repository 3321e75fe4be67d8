// SPDX-License-Identifier: Apache-2.0
// Reading JSON, strictly; and writing it into a buffer. The only door to cJSON.
//
// Refused while reading: anything RFC 8259 doesn't allow, invalid UTF-8, \u0000, lone surrogates, duplicate
// members, nesting deeper than asked, numbers of more than 63 characters, bytes after the value.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct cJSON ha_json;

enum ha_json_type { HA_JSON_NULL, HA_JSON_BOOL, HA_JSON_NUMBER, HA_JSON_STRING, HA_JSON_ARRAY, HA_JSON_OBJECT };

enum { HA_JSON_DEPTH_LIMIT = 200 };  // arrays and objects inside each other, at most

// max_depth: 0 allows no array or object, 1 allows one that holds no other; over HA_JSON_DEPTH_LIMIT counts as that.
// Fails with HA_E_MALFORMED (which says what and at which byte, counted from 0) or HA_E_MEMORY.
enum ha_code ha_json_parse(const char *text, size_t n, unsigned max_depth, ha_json **ret_json, struct ha_err *err);
void ha_json_free(ha_json *json);  // wipes strings before it frees them
HA_AUTO_DEFINE(ha_json, ha_json_free)

enum ha_json_type ha_json_type(const ha_json *json);
const char *ha_json_type_name(enum ha_json_type type);  // "string", as in messages
const char *ha_json_string(const ha_json *json);        // borrowed; NULL when it isn't a string
bool ha_json_bool(const ha_json *json, bool *ret_value);
// An integer 0..max (max <= 2^53) that was written as one: no sign, fraction or exponent.
bool ha_json_uint(const ha_json *json, uint64_t max, uint64_t *ret_value);
double ha_json_number(const ha_json *json);  // of a number; infinite when it is too large for a double
const ha_json *ha_json_get(const ha_json *object, const char *name);      // case-sensitive; NULL when absent
const char *ha_json_get_string(const ha_json *object, const char *name);  // NULL when absent or no string
const char *ha_json_name(const ha_json *member);                          // the member's name
size_t ha_json_size(const ha_json *array_or_object);
const ha_json *ha_json_first(const ha_json *array_or_object);  // NULL when empty
const ha_json *ha_json_next(const ha_json *item);              // NULL after the last

// Rewrites JSON text with indentation, for people; no newline at the end. Appends, and only when the text is JSON.
enum ha_code ha_json_pretty(struct ha_buf *out, const char *text, size_t n, struct ha_err *err);

// --- Writing. Commas are put by themselves; name is NULL inside an array and at the top. The value begins in an empty
// buffer, or after a newline.
void ha_jw_object(struct ha_buf *out, const char *name);
void ha_jw_object_end(struct ha_buf *out);
void ha_jw_array(struct ha_buf *out, const char *name);
void ha_jw_array_end(struct ha_buf *out);
void ha_jw_string(struct ha_buf *out, const char *name, const char *text);            // invalid UTF-8 becomes U+FFFD
void ha_jw_text(struct ha_buf *out, const char *name, const char *text, size_t n);    // the same of n bytes
void ha_jw_bytes(struct ha_buf *out, const char *name, const void *bytes, size_t n);  // base64url
void ha_jw_hex(struct ha_buf *out, const char *name, const void *bytes, size_t n);
void ha_jw_number(struct ha_buf *out, const char *name, int64_t number);
void ha_jw_bool(struct ha_buf *out, const char *name, bool value);
void ha_jw_null(struct ha_buf *out, const char *name);
void ha_jw_quoted(struct ha_buf *out, const char *text);  // the string with its quotes alone, no comma, anywhere
void ha_jw_quoted_text(struct ha_buf *out, const char *text, size_t n);  // the same of n bytes
