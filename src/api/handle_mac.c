// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/mac: message authentication codes, or the ILP conditions and fulfilments that are made of them;
// one or a batch.
#include "api/audit.h"
#include "api/call.h"
#include "api/members.h"
#include "format/canonical_json.h"
#include "format/ilp.h"
#include "format/profile.h"
#include "keys/use.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSACTION_DEPTH_MAX 16

struct item {
    const char *profile_name;  // NULL: the plain code
    enum ha_alg algorithm;
    struct ha_member_bytes data;
    const char *data_text;
    const ha_json *transaction;
    uint64_t version;                  // 0: whichever is active
    const struct ha_profile *profile;  // NULL: the plain code
    struct ha_buf message;             // what the key authenticates
    struct ha_use use;
    enum ha_code code;
    struct ha_err err;  // when code isn't HA_OK
};

static const struct ha_member item_members[] = {
    {"profile", HA_MEMBER_STRING, false, offsetof(struct item, profile_name)},
    {"algorithm", HA_MEMBER_ALG, false, offsetof(struct item, algorithm)},
    {"data", HA_MEMBER_BYTES, false, offsetof(struct item, data)},
    {"data_text", HA_MEMBER_STRING, false, offsetof(struct item, data_text)},
    {"transaction", HA_MEMBER_OBJECT, false, offsetof(struct item, transaction)},
    {"version", HA_MEMBER_UINT, false, offsetof(struct item, version)},
    {0},
};

struct batch {
    const ha_json *items;
};

static const struct ha_member batch_members[] = {
    {"items", HA_MEMBER_ARRAY, true, offsetof(struct batch, items)},
    {0},
};

static void item_clear(struct item *item)
{
    ha_buf_clear(&item->data.buf);
    ha_buf_clear(&item->message);
    ha_use_clear(&item->use);
}
HA_AUTO_DEFINE_CLEAR(struct item, item_clear)

static bool is_v4(const struct item *item)
{
    return item->profile && ((const struct ha_ilp_profile *)item->profile->options)->version == HA_ILP_V4;
}

static enum ha_code item_read(const struct ha_call_context *call, const ha_json *json, const char *prefix,
                              struct item *item, struct ha_err *err)
{
    char pointer[48];
    snprintf(pointer, sizeof(pointer), "%s/profile", prefix);
    if (ha_members_read(json, item_members, prefix, item, err))
        return err->code;
    if (item->profile_name &&
        ha_call_profile(call, item->profile_name, HA_SCHEME_BIT(HA_SCHEME_ILP), pointer, &item->profile, err))
        return err->code;
    if (item->data.present + (item->data_text != NULL) + (item->transaction != NULL) != 1) {
        ha_fail(err, HA_E_MALFORMED, "exactly one of \"data\", \"data_text\" and \"transaction\" is needed");
        return ha_at(err, "%s/data", prefix);
    }
    if (item->transaction && !is_v4(item)) {
        ha_fail(err, HA_E_MALFORMED, "\"transaction\" is for profiles of ILP v4 only");
        return ha_at(err, "%s/transaction", prefix);
    }
    if (ha_json_get(json, "version") && item->version == 0) {
        ha_fail(err, HA_E_MALFORMED, "versions count from 1");
        return ha_at(err, "%s/version", prefix);
    }
    if (!item->algorithm)
        item->algorithm = HA_ALG_HMAC_SHA256;
    if (ha_alg_info(item->algorithm)->use != HA_USE_MAC) {
        ha_fail(err, HA_E_MALFORMED, "%s makes no message authentication codes", ha_alg_info(item->algorithm)->name);
        return ha_at(err, "%s/algorithm", prefix);
    }
    return HA_OK;
}

// Where the input came from, for an error about it.
static const char *source_of(const struct item *item)
{
    return item->transaction ? "transaction" : item->data_text ? "data_text" : "data";
}

// The transaction in the one form that payer and payee have the same bytes of, however it was written.
static enum ha_code canonical(const struct item *item, const void *data, size_t n, struct ha_buf *out,
                              struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *parsed = NULL;
    if (!item->transaction && ha_json_parse(data, n, TRANSACTION_DEPTH_MAX, &parsed, err))
        return err->code;
    const ha_json *transaction = item->transaction ? item->transaction : parsed;
    if (ha_json_type(transaction) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the transaction is no JSON object");
    return ha_canonical_json(transaction, out, err);
}

static enum ha_code make_message(struct item *item, const void *data, size_t n, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (!item->profile) {
        ha_buf_append(&item->message, data, n);
        return ha_buf_ok(&item->message) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    if (!is_v4(item))
        return ha_ilp_begin(item->profile->options, data, n, &item->message, err);
    if (canonical(item, data, n, &text, err))
        return err->code;
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return ha_ilp_begin(item->profile->options, text.data, text.len, &item->message, err);
}

// Everything that can be said before the token is asked.
static enum ha_code item_prepare(const struct ha_call_context *call, struct ha_key *key, const char *prefix,
                                 struct item *item, struct ha_err *err)
{
    const void *data = item->data_text ? (const void *)item->data_text : item->data.buf.data;
    size_t n = item->data_text ? strlen(item->data_text) : item->data.buf.len;
    if (ha_call_allowed_profile(call, HA_OPERATION_MAC, item->algorithm, item->profile, err))
        return err->code;
    if (ha_call_check_version(key, item->version, err))
        return err->code;
    if (make_message(item, data, n, err))
        return ha_at(err, "%s/%s", prefix, source_of(item));
    if (ha_use_sign(key, item->algorithm, HA_PURPOSE_MAC, item->message.data, item->message.len, &item->use, err))
        return err->code;
    if (ha_call_take(call, HA_OPERATION_MAC, item->algorithm, item->profile, NULL, err))
        return err->code;
    ha_audit_granted(call, &item->use);
    return HA_OK;
}

static enum ha_code item_finish(const struct ha_key *key, const struct item *item, struct ha_buf *out,
                                struct ha_err *err)
{
    const struct ha_exchange *exchange = &item->use.exchange;
    ha_auto(ha_buf_clear) struct ha_buf fulfilment = {0}, condition = {0};
    if (exchange->code) {
        *err = exchange->err;
        return err->code;
    }
    const struct ha_buf *mac = &exchange->output;
    if (item->profile && ha_ilp_end(mac->data, mac->len, &fulfilment, &condition, err))
        return err->code;
    ha_jw_object(out, NULL);
    ha_write_use(out, key, item->algorithm, item->use.token);
    if (item->profile) {
        ha_jw_string(out, "profile", item->profile->name);
        ha_jw_string(out, "fulfilment", ha_buf_text(&fulfilment));
        ha_jw_string(out, "condition", ha_buf_text(&condition));
    } else {
        ha_jw_bytes(out, "mac", mac->data, mac->len);
    }
    ha_jw_object_end(out);
    return HA_OK;
}

static enum ha_code make_one(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(item_clear) struct item item = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (item_read(call, call->body, "", &item, err))
        return err->code;
    ha_call_choose(call, item.version);
    if (ha_call_key_profile(call, HA_OPERATION_MAC, item.algorithm, item.profile, &key, err) ||
        item_prepare(call, key, "", &item, err))
        return err->code;
    struct ha_use *use = &item.use;
    ha_call_exchange(call, key, &use, 1);
    return item_finish(key, &item, call->out, err);
}

static void make_items(struct ha_call_context *call, struct ha_key *key, struct item *items, size_t n)
{
    struct ha_use *uses[HA_BATCH_MAX];
    size_t n_uses = 0;
    for (size_t i = 0; i < n; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "/items/%zu", i);
        const unsigned told = ha_audit_told(call);
        items[i].code = item_prepare(call, key, prefix, &items[i], &items[i].err);
        if (items[i].code)
            items[i].code = ha_audit_item(call, told, &items[i].err);
        else
            uses[n_uses++] = &items[i].use;
    }
    if (n_uses)
        ha_call_exchange(call, key, uses, n_uses);
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "results");
    for (size_t i = 0; i < n; i++) {
        if (items[i].code == HA_OK)
            items[i].code = item_finish(key, &items[i], call->out, &items[i].err);
        if (items[i].code)
            ha_write_problem(call->out, NULL, &items[i].err, call->request->id);
    }
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
}

static enum ha_code make_batch(struct ha_call_context *call, struct ha_err *err)
{
    struct batch batch = {0};
    if (ha_members_read(call->body, batch_members, "", &batch, err))
        return err->code;
    size_t n = ha_json_size(batch.items);
    if (n < 1 || n > HA_BATCH_MAX) {
        ha_fail(err, n ? HA_E_TOO_LARGE : HA_E_MALFORMED, "a batch has 1 to %d items, not %zu", HA_BATCH_MAX, n);
        return ha_at(err, "/items");
    }
    // A caller without any right on the key learns nothing of it, and the items are worth no work.
    unsigned granted = ha_policy_operations(call->api->config, call->request->principal, call->name);
    if (!(granted & 1u << HA_OPERATION_MAC))
        return ha_call_allowed(call, HA_OPERATION_MAC, HA_ALG_NONE, err);
    struct item *items = calloc(n, sizeof(*items));
    if (!items)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    enum ha_code code = HA_OK;
    size_t i = 0;
    for (const ha_json *json = ha_json_first(batch.items); json && code == HA_OK; json = ha_json_next(json), i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "/items/%zu", i);
        code = item_read(call, json, prefix, &items[i], err);
    }
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    ha_call_choose(call, items[0].version);
    if (code == HA_OK)
        code = ha_call_version(call, HA_OPERATION_MAC, &key, err);
    if (code == HA_OK)
        make_items(call, key, items, n);
    for (i = 0; i < n; i++)
        item_clear(&items[i]);
    free(items);
    return code;
}

enum ha_code ha_handle_mac(struct ha_call_context *call, struct ha_err *err)
{
    return ha_json_get(call->body, "items") ? make_batch(call, err) : make_one(call, err);
}
