// SPDX-License-Identifier: Apache-2.0
// A JSON object read by a table of its members: types are strict, unknown members are errors, each error carries the
// pointer.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/alg.h"

enum ha_member_kind {
    HA_MEMBER_STRING,    // const char *, borrowed from the JSON
    HA_MEMBER_BYTES,     // struct ha_member_bytes; the caller clears its buf
    HA_MEMBER_ALG,       // enum ha_alg
    HA_MEMBER_SCHEME,    // const struct ha_tls_scheme *
    HA_MEMBER_KEY_TYPE,  // enum ha_key_type, one that can be created
    HA_MEMBER_PURPOSES,  // unsigned; a list of names
    HA_MEMBER_FORMAT,    // enum ha_format
    HA_MEMBER_UINT,      // uint64_t
    HA_MEMBER_BOOL,      // bool
    HA_MEMBER_ARRAY,     // const ha_json *
    HA_MEMBER_OBJECT,    // const ha_json *
    HA_MEMBER_ANY,       // const ha_json *
};

struct ha_member_bytes {
    struct ha_buf buf;
    bool present;
};

// The form of a signature in a reply.
enum ha_format { HA_FORMAT_DER, HA_FORMAT_RAW, HA_FORMAT_JOSE };
const char *ha_format_name(enum ha_format format);

struct ha_member {
    const char *name;  // NULL ends the table
    enum ha_member_kind kind;
    bool required;
    size_t offset;  // in the struct that is filled
};

// prefix is the pointer of the object itself ("" or "/items/3"). into is zeroed by the caller; what was read before a
// failure stays in it, for the caller to clear.
enum ha_code ha_members_read(const ha_json *json, const struct ha_member *table, const char *prefix, void *into,
                             struct ha_err *err);
