// SPDX-License-Identifier: Apache-2.0
// The members of a request that describe an HTTP message, and what becomes of them.
#pragma once

#include "api/call.h"
#include "api/members.h"
#include "format/http_message.h"

#include <stddef.h>

struct ha_http_members {
    const char *profile, *method, *url, *body_text;
    uint64_t status;
    const ha_json *headers;  // name -> value, or a list of values
    struct ha_member_bytes body, content_digest;
    struct ha_http_field *fields;
    struct ha_http_message message;  // borrows from all above
};
void ha_http_members_clear(struct ha_http_members *members);

// Rows for a table of a struct that has a struct ha_http_members of that name.
#define HA_HTTP_MEMBERS(type, name)                                                                                    \
    {"profile", HA_MEMBER_STRING, false, offsetof(type, name.profile)},                                                \
        {"method", HA_MEMBER_STRING, false, offsetof(type, name.method)},                                              \
        {"url", HA_MEMBER_STRING, false, offsetof(type, name.url)},                                                    \
        {"status", HA_MEMBER_UINT, false, offsetof(type, name.status)},                                                \
        {"headers", HA_MEMBER_OBJECT, false, offsetof(type, name.headers)},                                            \
        {"body", HA_MEMBER_BYTES, false, offsetof(type, name.body)},                                                   \
        {"body_text", HA_MEMBER_STRING, false, offsetof(type, name.body_text)},                                        \
    {                                                                                                                  \
        "content_digest", HA_MEMBER_BYTES, false, offsetof(type, name.content_digest)                                  \
    }

// Makes the message of what was read. Pointers of errors begin with prefix.
enum ha_code ha_http_members_finish(struct ha_http_members *members, const char *prefix, struct ha_err *err);
// Puts prefix before the error's pointer. Returns err's code.
enum ha_code ha_http_members_at(const char *prefix, struct ha_err *err);

#define HA_HTTP_SCHEMES                                                                                                \
    (HA_SCHEME_BIT(HA_SCHEME_RFC9421) | HA_SCHEME_BIT(HA_SCHEME_DIP) | HA_SCHEME_BIT(HA_SCHEME_FSPIOP))
