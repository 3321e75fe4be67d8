// SPDX-License-Identifier: Apache-2.0
// Structured field values (RFC 8941), as far as HTTP signatures and digests use them: dictionaries of items and inner
// lists. No decimals. Read strictly and written in the one form there is. Thread-safe.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum ha_sfv_type { HA_SFV_STRING, HA_SFV_TOKEN, HA_SFV_BYTES, HA_SFV_INTEGER, HA_SFV_BOOL };
enum { HA_SFV_PARAMS_MAX = 8, HA_SFV_ITEMS_MAX = 64, HA_SFV_KEY_MAX = 64 };

struct ha_sfv_value {
    enum ha_sfv_type type;
    struct ha_buf text;  // of strings and tokens; the decoded bytes
    int64_t number;      // of integers; 0 or 1 of booleans
};

struct ha_sfv_params {
    struct {
        char key[HA_SFV_KEY_MAX + 1];
        struct ha_sfv_value value;
    } items[HA_SFV_PARAMS_MAX];
    size_t n;
};
// NULL when it isn't there.
const struct ha_sfv_value *ha_sfv_param(const struct ha_sfv_params *params, const char *key);

struct ha_sfv_item {
    struct ha_sfv_value value;
    struct ha_sfv_params params;
};
void ha_sfv_item_clear(struct ha_sfv_item *item);
HA_AUTO_DEFINE_CLEAR(struct ha_sfv_item, ha_sfv_item_clear)

struct ha_sfv_list {
    struct ha_sfv_item *items;
    size_t n;
    struct ha_sfv_params params;
};
void ha_sfv_list_clear(struct ha_sfv_list *list);
HA_AUTO_DEFINE_CLEAR(struct ha_sfv_list, ha_sfv_list_clear)

// Where the reading is. All functions fail with HA_E_MALFORMED.
struct ha_sfv {
    const char *at, *end;
    bool begun;  // a member has been read
};
// The next member of a dictionary: its key; the value has to be read then, by one of the two below. *ret_more is false
// after the last one.
enum ha_code ha_sfv_member(struct ha_sfv *in, bool *ret_more, char ret_key[static HA_SFV_KEY_MAX + 1],
                           struct ha_err *err);
bool ha_sfv_at_list(const struct ha_sfv *in);  // whether the value is an inner list
// ret_item, ret_list: zeroed by the caller, who clears them in any case.
enum ha_code ha_sfv_item(struct ha_sfv *in, struct ha_sfv_item *ret_item, struct ha_err *err);
enum ha_code ha_sfv_list(struct ha_sfv *in, struct ha_sfv_list *ret_list, struct ha_err *err);

void ha_sfv_put_string(struct ha_buf *out, const char *text);
void ha_sfv_put_bytes(struct ha_buf *out, const void *bytes, size_t n);
void ha_sfv_put_item(struct ha_buf *out, const struct ha_sfv_item *item);
void ha_sfv_put_params(struct ha_buf *out, const struct ha_sfv_params *params);
