// SPDX-License-Identifier: Apache-2.0
// A request for one use of a key, or for a batch of them: what sign, mac and http-signature have in common.
#pragma once

#include "api/call.h"
#include "api/members.h"
#include "keys/use.h"

// What an item of any kind begins with.
struct ha_item {
    uint64_t version;  // of the key; 0: whichever is active
    struct ha_use use;
    enum ha_code code;
    struct ha_err err;  // when code isn't HA_OK
};

// The steps of one kind of item. Pointers in errors begin with prefix: "" or "/items/3".
struct ha_item_kind {
    size_t size;                      // of the item, which begins with a struct ha_item
    enum ha_operation operation;      // what the request is mostly for
    unsigned operations;              // 1u << enum ha_operation: who has none of these is told nothing
    const struct ha_member *members;  // of one item
    // Checks what was read, and fills in the rest.
    enum ha_code (*check)(const struct ha_call_context *call, const char *prefix, struct ha_item *item,
                          struct ha_err *err);
    // The policy's first word, before the key is looked at.
    enum ha_code (*allow)(const struct ha_call_context *call, const struct ha_item *item, struct ha_err *err);
    // Everything else that can be said before the token is asked: fills in the use and takes it (ha_call_take).
    enum ha_code (*prepare)(const struct ha_call_context *call, struct ha_key *key, const char *prefix,
                            struct ha_item *item, struct ha_err *err);
    // Writes the result of a use that was done.
    enum ha_code (*finish)(const struct ha_key *key, struct ha_item *item, struct ha_buf *out, struct ha_err *err);
    void (*clear)(struct ha_item *item);  // all but the use
};

// The request's own object is an item, or has a list of them as "items"; then each has a result or a problem of its
// own, unless one of them can't be read.
enum ha_code ha_items_handle(struct ha_call_context *call, const struct ha_item_kind *kind, struct ha_err *err);
// Of a batch of whatever kind: its items, 1 to HA_BATCH_MAX, for a caller who has one of these operations (bits) on the
// key; others learn nothing of it, and the items are worth no work.
enum ha_code ha_items_open(const struct ha_call_context *call, unsigned operations, enum ha_operation operation,
                           const ha_json **ret_items, size_t *ret_n, struct ha_err *err);
