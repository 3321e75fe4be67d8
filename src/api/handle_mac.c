// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/mac: message authentication codes, or the ILP conditions and fulfilments that are made of them;
// one or a batch.
#include "api/items.h"
#include "format/canonical_json.h"
#include "format/ilp.h"
#include "format/profile.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TRANSACTION_DEPTH_MAX 16

struct item {
    struct ha_item common;
    const char *profile_name;  // NULL: the plain code
    enum ha_alg algorithm;
    struct ha_member_bytes data;
    const char *data_text;
    const ha_json *transaction;
    const struct ha_profile *profile;  // NULL: the plain code
    struct ha_buf message;             // what the key authenticates
};

static const struct ha_member members[] = {
    {"profile", HA_MEMBER_STRING, false, offsetof(struct item, profile_name)},
    {"algorithm", HA_MEMBER_ALG, false, offsetof(struct item, algorithm)},
    {"data", HA_MEMBER_BYTES, false, offsetof(struct item, data)},
    {"data_text", HA_MEMBER_STRING, false, offsetof(struct item, data_text)},
    {"transaction", HA_MEMBER_OBJECT, false, offsetof(struct item, transaction)},
    {"version", HA_MEMBER_UINT, false, offsetof(struct item, common.version)},
    {0},
};

static void clear(struct ha_item *common)
{
    struct item *item = (struct item *)common;
    ha_buf_clear(&item->data.buf);
    ha_buf_clear(&item->message);
}

static bool is_v4(const struct item *item)
{
    return item->profile && ((const struct ha_ilp_profile *)item->profile->options)->version == HA_ILP_V4;
}

static enum ha_code check(const struct ha_call_context *call, const char *prefix, struct ha_item *common,
                          struct ha_err *err)
{
    struct item *item = (struct item *)common;
    char pointer[48];
    snprintf(pointer, sizeof(pointer), "%s/profile", prefix);
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

static enum ha_code allow(const struct ha_call_context *call, const struct ha_item *common, struct ha_err *err)
{
    const struct item *item = (const struct item *)common;
    return ha_call_allowed_profile(call, HA_OPERATION_MAC, item->algorithm, item->profile, err);
}

static enum ha_code prepare(const struct ha_call_context *call, struct ha_key *key, const char *prefix,
                            struct ha_item *common, struct ha_err *err)
{
    struct item *item = (struct item *)common;
    const void *data = item->data_text ? (const void *)item->data_text : item->data.buf.data;
    size_t n = item->data_text ? strlen(item->data_text) : item->data.buf.len;
    const struct ha_buf *message = &item->message;
    if (make_message(item, data, n, err))
        return ha_at(err, "%s/%s", prefix, source_of(item));
    if (ha_use_sign(key, item->algorithm, HA_PURPOSE_MAC, message->data, message->len, &common->use, err))
        return err->code;
    return ha_call_take(call, HA_OPERATION_MAC, item->algorithm, item->profile, NULL, &common->use, err);
}

static enum ha_code finish(const struct ha_key *key, struct ha_item *common, struct ha_buf *out, struct ha_err *err)
{
    const struct item *item = (const struct item *)common;
    const struct ha_buf *mac = &common->use.exchange.output;
    ha_auto(ha_buf_clear) struct ha_buf fulfilment = {0}, condition = {0};
    if (item->profile && ha_ilp_end(mac->data, mac->len, &fulfilment, &condition, err))
        return err->code;
    ha_jw_object(out, NULL);
    ha_write_use(out, key, item->algorithm, common->use.token);
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

enum ha_code ha_handle_mac(struct ha_call_context *call, struct ha_err *err)
{
    static const struct ha_item_kind kind = {
        .size = sizeof(struct item),
        .operation = HA_OPERATION_MAC,
        .operations = 1u << HA_OPERATION_MAC,
        .members = members,
        .check = check,
        .allow = allow,
        .prepare = prepare,
        .finish = finish,
        .clear = clear,
    };
    return ha_items_handle(call, &kind, err);
}
