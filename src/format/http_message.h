// SPDX-License-Identifier: Apache-2.0
// An HTTP message as the signature schemes see it: borrowed parts, nothing parsed. And the parts of its URL.
// Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HA_HTTP_BODY_MAX = 1024 * 1024,  // bytes of a message's body
    HA_HTTP_FIELDS_MAX = 128,        // header fields of a message
    HA_HTTP_HEADER_MAX = 64 * 1024,  // bytes of all names and values together; FSPIOP-Signature alone may have 33,280
    HA_HTTP_URL_MAX = 8 * 1024,
    HA_HTTP_METHOD_MAX = 32,
};

struct ha_http_field {
    const char *name;  // a token (RFC 9110 section 5.6.2), in any case
    const char *value;
};

struct ha_http_message {
    const char *method;                  // as it is sent: "POST"
    const char *url;                     // absolute, as it is sent: "https://host/path?query"
    unsigned status;                     // of a response; 0: a request
    const struct ha_http_field *fields;  // in their order; one name may occur several times
    size_t n_fields;
    const uint8_t *body;  // NULL: none
    size_t body_len;
    const uint8_t *body_sha256;  // 32 bytes: stands for a body that isn't here; NULL
};

// Method, URL, names and values are what HTTP allows (no control characters, no CR or LF, sizes within the limits);
// HA_E_MALFORMED with the pointer of the member ("/url", "/headers/NAME") else.
enum ha_code ha_http_message_check(const struct ha_http_message *message, struct ha_err *err);
// How many fields have that name, whatever the case.
size_t ha_http_field_count(const struct ha_http_message *message, const char *name);
// The value of the only field of that name, without white space around it; NULL when there is none or more than one.
// Appends to out and returns its text.
const char *ha_http_field_only(const struct ha_http_message *message, const char *name, struct ha_buf *out);
// Appends the values of all fields of that name, without white space around them, with ", " between them. False when
// there is none.
bool ha_http_field_combined(const struct ha_http_message *message, const char *name, struct ha_buf *out);
// SHA-256 of the body, or body_sha256 when that stands for it. empty: what an absent or empty body is taken for.
enum ha_code ha_http_body_sha256(const struct ha_http_message *message, const char *empty, uint8_t ret_hash[static 32],
                                 struct ha_err *err);

// Parts of a URL, as offsets into it: scheme://authority path ?query. The fragment isn't allowed.
struct ha_url {
    const char *scheme, *authority, *path, *query;  // borrowed; query begins with '?', or is empty
    size_t scheme_len, authority_len, path_len, query_len;
};
enum ha_code ha_url_split(const char *url, struct ha_url *ret_url, struct ha_err *err);
