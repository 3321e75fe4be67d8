// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/sign: one signature or a batch of them.
#include "api/audit.h"
#include "api/call.h"
#include "api/members.h"
#include "keys/use.h"
#include "policy/tls.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct sign_item {
    enum ha_alg algorithm;
    struct ha_member_bytes data, digest;
    enum ha_format format;
    uint64_t version;  // 0: whichever is active
    struct ha_use use;
    enum ha_code code;
    struct ha_err err;  // when code isn't HA_OK
};

static const struct ha_member item_members[] = {
    {"algorithm", HA_MEMBER_ALG, true, offsetof(struct sign_item, algorithm)},
    {"data", HA_MEMBER_BYTES, false, offsetof(struct sign_item, data)},
    {"digest", HA_MEMBER_BYTES, false, offsetof(struct sign_item, digest)},
    {"format", HA_MEMBER_FORMAT, false, offsetof(struct sign_item, format)},
    {"version", HA_MEMBER_UINT, false, offsetof(struct sign_item, version)},
    {0},
};

struct sign_batch {
    const ha_json *items;
};

static const struct ha_member batch_members[] = {
    {"items", HA_MEMBER_ARRAY, true, offsetof(struct sign_batch, items)},
    {0},
};

static void item_clear(struct sign_item *item)
{
    ha_buf_clear(&item->data.buf);
    ha_buf_clear(&item->digest.buf);
    ha_use_clear(&item->use);
}
HA_AUTO_DEFINE_CLEAR(struct sign_item, item_clear)

static enum ha_code item_read(const ha_json *json, const char *prefix, struct sign_item *item, struct ha_err *err)
{
    if (ha_members_read(json, item_members, prefix, item, err))
        return err->code;
    if (item->data.present == item->digest.present) {
        ha_fail(err, HA_E_MALFORMED, "exactly one of \"data\" and \"digest\" is needed");
        return ha_at(err, "%s/data", prefix);
    }
    if (ha_json_get(json, "version") && item->version == 0) {
        ha_fail(err, HA_E_MALFORMED, "versions count from 1");
        return ha_at(err, "%s/version", prefix);
    }
    if (ha_alg_info(item->algorithm)->use != HA_USE_SIGN) {
        ha_fail(err, HA_E_MALFORMED, "%s is no signature algorithm", ha_alg_info(item->algorithm)->name);
        return ha_at(err, "%s/algorithm", prefix);
    }
    const struct ha_hash_info *hash = ha_hash_info(ha_alg_info(item->algorithm)->hash);
    if (item->digest.present && hash->len > 0 && item->digest.buf.len != hash->len) {
        ha_fail(err, HA_E_MALFORMED, "the digest has %zu bytes, %s takes %zu (%s)", item->digest.buf.len,
                ha_alg_info(item->algorithm)->name, hash->len, hash->name);
        ha_hint(err, "send the raw digest, not its hexadecimal text");
        return ha_at(err, "%s/digest", prefix);
    }
    return HA_OK;
}

static enum ha_code item_take(const struct ha_call_context *call, enum ha_operation operation, struct sign_item *item,
                              const enum ha_content *content, struct ha_err *err)
{
    if (ha_call_take(call, operation, item->algorithm, NULL, content, err))
        return err->code;
    ha_audit_granted(call, &item->use);
    return HA_OK;
}

// Policy, key and token: everything that can be said before the token is asked.
static enum ha_code item_prepare(const struct ha_call_context *call, struct ha_key *key, struct sign_item *item,
                                 struct ha_err *err)
{
    enum ha_operation operation = item->digest.present ? HA_OPERATION_SIGN_DIGEST : HA_OPERATION_SIGN;
    if (ha_call_allowed(call, operation, item->algorithm, err))
        return err->code;
    if (ha_call_check_version(key, item->version, err))
        return err->code;
    if (item->digest.present) {
        if (ha_use_sign_digest(key, item->algorithm, item->digest.buf.data, item->digest.buf.len, &item->use, err))
            return err->code;
        return item_take(call, operation, item, NULL, err);
    }
    if (ha_use_sign(key, item->algorithm, HA_PURPOSE_SIGN, item->data.buf.data, item->data.buf.len, &item->use, err))
        return err->code;
    enum ha_content content = ha_content_classify(item->data.buf.data, item->data.buf.len);
    if (ha_tls_check_message(content, err))
        return ha_call_refused_content(call, operation, content, err);
    return item_take(call, operation, item, &content, err);
}

// The signature in the form that was asked for. Only ECDSA has more than one.
static enum ha_code item_finish(struct sign_item *item, struct ha_err *err)
{
    struct ha_exchange *exchange = &item->use.exchange;
    if (exchange->code) {
        *err = exchange->err;
        return err->code;
    }
    return item->format == HA_FORMAT_DER ? ha_use_sign_der(&item->use, err) : HA_OK;
}

static void item_write(struct ha_buf *out, const struct ha_key *key, const struct sign_item *item)
{
    ha_jw_object(out, NULL);
    ha_write_use(out, key, item->algorithm, item->use.token);
    ha_jw_string(out, "format", ha_format_name(item->format));
    ha_jw_bytes(out, "signature", item->use.exchange.output.data, item->use.exchange.output.len);
    ha_jw_object_end(out);
}

static enum ha_code sign_one(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(item_clear) struct sign_item item = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (item_read(call->body, "", &item, err))
        return err->code;
    enum ha_operation operation = item.digest.present ? HA_OPERATION_SIGN_DIGEST : HA_OPERATION_SIGN;
    ha_call_choose(call, item.version);
    if (ha_call_key(call, operation, item.algorithm, &key, err) || item_prepare(call, key, &item, err))
        return err->code;
    struct ha_use *use = &item.use;
    ha_call_exchange(call, key, &use, 1);
    if (item_finish(&item, err))
        return err->code;
    item_write(call->out, key, &item);
    return HA_OK;
}

static void sign_items(struct ha_call_context *call, struct ha_key *key, struct sign_item *items, size_t n)
{
    struct ha_use *uses[HA_BATCH_MAX];
    size_t n_uses = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned told = ha_audit_told(call);
        items[i].code = item_prepare(call, key, &items[i], &items[i].err);
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
            items[i].code = item_finish(&items[i], &items[i].err);
        if (items[i].code == HA_OK)
            item_write(call->out, key, &items[i]);
        else
            ha_write_problem(call->out, NULL, &items[i].err, call->request->id);
    }
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
}

static enum ha_code sign_batch(struct ha_call_context *call, struct ha_err *err)
{
    struct sign_batch batch = {0};
    if (ha_members_read(call->body, batch_members, "", &batch, err))
        return err->code;
    size_t n = ha_json_size(batch.items);
    if (n < 1 || n > HA_BATCH_MAX) {
        ha_fail(err, n ? HA_E_TOO_LARGE : HA_E_MALFORMED, "a batch has 1 to %d items, not %zu", HA_BATCH_MAX, n);
        return ha_at(err, "/items");
    }
    // A caller without any right on the key learns nothing of it, and the items are worth no work.
    unsigned granted = ha_policy_operations(call->api->config, call->request->principal, call->name);
    bool may_sign = granted & (1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_SIGN_DIGEST);
    if (!may_sign)
        return ha_call_allowed(call, HA_OPERATION_SIGN, HA_ALG_NONE, err);
    struct sign_item *items = calloc(n, sizeof(*items));
    if (!items)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    enum ha_code code = HA_OK;
    size_t i = 0;
    for (const ha_json *json = ha_json_first(batch.items); json && code == HA_OK; json = ha_json_next(json), i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "/items/%zu", i);
        code = item_read(json, prefix, &items[i], err);
    }
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    ha_call_choose(call, items[0].version);
    if (code == HA_OK)
        code = ha_call_version(call, HA_OPERATION_SIGN, &key, err);
    if (code == HA_OK)
        sign_items(call, key, items, n);
    for (i = 0; i < n; i++)
        item_clear(&items[i]);
    free(items);
    return code;
}

enum ha_code ha_handle_sign(struct ha_call_context *call, struct ha_err *err)
{
    return ha_json_get(call->body, "items") ? sign_batch(call, err) : sign_one(call, err);
}
