// SPDX-License-Identifier: Apache-2.0
// Text forms of bytes, and checks of text.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

// Unpadded base64url (RFC 4648 section 5), as everywhere in the API.
void ha_b64u_encode(struct ha_buf *out, const void *bytes, size_t n);
// Strict: no padding, no white space, no standard-alphabet characters (the hint says so), unused bits zero.
// Appends to out.
enum ha_code ha_b64u_decode(struct ha_buf *out, const char *text, size_t n, struct ha_err *err);

// Standard base64 with padding (RFC 4648 section 4), for PEM and certificate headers.
// wrap: characters a line, each line ended by '\n'; 0: one line without newline.
void ha_b64_encode(struct ha_buf *out, const void *bytes, size_t n, size_t wrap);

void ha_hex_encode(struct ha_buf *out, const void *bytes, size_t n);  // lower case
void ha_hex_digits(const void *bytes, size_t n, char *ret_digits);    // the same: 2 * n characters, no NUL
enum ha_code ha_hex_decode(struct ha_buf *out, const char *text, size_t n, struct ha_err *err);

// The length in bytes of the character at the start of text; 0 when those bytes aren't one (or n is 0).
size_t ha_utf8_next(const char *text, size_t n);
bool ha_utf8_valid(const char *text, size_t n);  // RFC 3629: no surrogates, no overlong forms
// Names of keys, tokens, clients, listeners: a letter or digit, then letters, digits, '.', '_', '-'.
#define HA_NAME_MAX 64
bool ha_name_valid(const char *name);
bool ha_glob_match(const char *pattern, const char *text);  // a shell glob: * ? [...]
// A decimal number without sign or white space, min..max.
bool ha_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);
// Constant time in n.
bool ha_equal_ct(const void *a, const void *b, size_t n);
