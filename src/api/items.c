// SPDX-License-Identifier: Apache-2.0
#include "api/items.h"

#include "api/audit.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX_MAX = 16, RESULT_USUAL = 240 };

// "/items/3": where an item is in the request.
static void place(size_t i, char ret_prefix[static PREFIX_MAX])
{
    static_assert(HA_BATCH_MAX < 1000, "an item's number has three digits");
    size_t n = sizeof "/items/" - 1;
    memcpy(ret_prefix, "/items/", n);
    for (size_t unit = i < 10 ? 1 : i < 100 ? 10 : 100; unit > 0; unit /= 10)
        ret_prefix[n++] = (char)('0' + i / unit % 10);
    ret_prefix[n] = '\0';
}

struct batch {
    const ha_json *items;
};

static const struct ha_member batch_members[] = {
    {"items", HA_MEMBER_ARRAY, true, offsetof(struct batch, items)},
    {0},
};

enum ha_code ha_items_open(const struct ha_call_context *call, unsigned operations, enum ha_operation operation,
                           const ha_json **ret_items, size_t *ret_n, struct ha_err *err)
{
    struct batch batch = {0};
    if (ha_members_read(call->body, batch_members, "", &batch, err))
        return err->code;
    size_t n = ha_json_size(batch.items);
    if (n < 1 || n > HA_BATCH_MAX) {
        ha_fail(err, n ? HA_E_TOO_LARGE : HA_E_MALFORMED, "a batch has 1 to %d items, not %zu", HA_BATCH_MAX, n);
        return ha_at(err, "/items");
    }
    if (!(ha_call_operations(call) & operations) && ha_call_allowed(call, operation, HA_ALG_NONE, err))
        return err->code;
    *ret_items = batch.items;
    *ret_n = n;
    return HA_OK;
}

static enum ha_code read_item(const struct ha_call_context *call, const struct ha_item_kind *kind, const ha_json *json,
                              const char *prefix, struct ha_item *item, struct ha_err *err)
{
    if (ha_members_read(json, kind->members, prefix, item, err))
        return err->code;
    if (item->version == 0 && ha_json_get(json, "version")) {
        ha_fail(err, HA_E_MALFORMED, "versions count from 1");
        return ha_at(err, "%s/version", prefix);
    }
    return kind->check(call, prefix, item, err);
}

static enum ha_code prepare_item(const struct ha_call_context *call, const struct ha_item_kind *kind,
                                 struct ha_key *key, const char *prefix, struct ha_item *item, struct ha_err *err)
{
    if (ha_call_check_version(key, item->version, err))
        return err->code;
    return kind->prepare(call, key, prefix, item, err);
}

static enum ha_code finish_item(const struct ha_item_kind *kind, const struct ha_key *key, struct ha_item *item,
                                struct ha_buf *out, struct ha_err *err)
{
    const struct ha_exchange *exchange = &item->use.exchange;
    if (exchange->code) {
        *err = exchange->err;
        return err->code;
    }
    return kind->finish(key, item, out, err);
}

static void clear_item(const struct ha_item_kind *kind, struct ha_item *item)
{
    kind->clear(item);
    ha_use_clear(&item->use);
}

static enum ha_code do_one(struct ha_call_context *call, const struct ha_item_kind *kind, struct ha_item *item,
                           struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (read_item(call, kind, call->body, "", item, err))
        return err->code;
    ha_call_choose(call, item->version);
    if (kind->allow(call, item, err) || ha_call_version(call, kind->operation, &key, err) ||
        prepare_item(call, kind, key, "", item, err))
        return err->code;
    struct ha_use *use = &item->use;
    ha_call_exchange(call, key, &use, 1);
    return finish_item(kind, key, item, call->out, err);
}

// The items of a batch, one after another in memory.
struct list {
    const struct ha_item_kind *kind;
    char *items;
    size_t n;
};

static struct ha_item *at(const struct list *list, size_t i)
{
    return (struct ha_item *)(list->items + i * list->kind->size);
}

static void list_clear(struct list *list)
{
    for (size_t i = 0; i < list->n; i++)
        clear_item(list->kind, at(list, i));
    free(list->items);
}
HA_AUTO_DEFINE_CLEAR(struct list, list_clear)

static void prepare_list(const struct ha_call_context *call, const struct list *list, struct ha_key *key)
{
    struct ha_use *uses[HA_BATCH_MAX];
    size_t n_uses = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct ha_item *item = at(list, i);
        char prefix[PREFIX_MAX];
        place(i, prefix);
        const unsigned told = ha_audit_told(call);
        item->code = list->kind->allow(call, item, &item->err);
        if (item->code == HA_OK)
            item->code = prepare_item(call, list->kind, key, prefix, item, &item->err);
        if (item->code)
            item->code = ha_audit_item(call, told, &item->err);
        else
            uses[n_uses++] = &item->use;
    }
    if (n_uses)
        ha_call_exchange(call, key, uses, n_uses);
}

static void write_list(const struct ha_call_context *call, const struct list *list, const struct ha_key *key)
{
    ha_buf_reserve(call->out, list->n * RESULT_USUAL);
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "results");
    for (size_t i = 0; i < list->n; i++) {
        struct ha_item *item = at(list, i);
        if (item->code == HA_OK)
            item->code = finish_item(list->kind, key, item, call->out, &item->err);
        if (item->code)
            ha_write_problem(call->out, NULL, &item->err, call->request->id);
    }
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
}

static enum ha_code do_batch(struct ha_call_context *call, const struct ha_item_kind *kind, struct ha_err *err)
{
    ha_auto(list_clear) struct list list = {.kind = kind};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    const ha_json *items = NULL;
    size_t n = 0;
    if (ha_items_open(call, kind->operations, kind->operation, &items, &n, err))
        return err->code;
    list.items = calloc(n, kind->size);
    if (!list.items)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    list.n = n;
    size_t i = 0;
    for (const ha_json *json = ha_json_first(items); json; json = ha_json_next(json), i++) {
        char prefix[PREFIX_MAX];
        place(i, prefix);
        if (read_item(call, kind, json, prefix, at(&list, i), err))
            return err->code;
    }
    ha_call_choose(call, at(&list, 0)->version);
    if (ha_call_version(call, kind->operation, &key, err))
        return err->code;
    prepare_list(call, &list, key);
    write_list(call, &list, key);
    return HA_OK;
}

enum ha_code ha_items_handle(struct ha_call_context *call, const struct ha_item_kind *kind, struct ha_err *err)
{
    if (ha_json_get(call->body, "items"))
        return do_batch(call, kind, err);
    struct ha_item *item = calloc(1, kind->size);
    if (!item)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    enum ha_code code = do_one(call, kind, item, err);
    clear_item(kind, item);
    free(item);
    return code;
}
