// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/sign: one signature or a batch of them.
#include "api/items.h"
#include "policy/tls.h"

#include <stddef.h>

struct item {
    struct ha_item common;
    enum ha_alg algorithm;
    struct ha_member_bytes data, digest;
    enum ha_format format;
};

static const struct ha_member members[] = {
    {"algorithm", HA_MEMBER_ALG, true, offsetof(struct item, algorithm)},
    {"data", HA_MEMBER_BYTES, false, offsetof(struct item, data)},
    {"digest", HA_MEMBER_BYTES, false, offsetof(struct item, digest)},
    {"format", HA_MEMBER_FORMAT, false, offsetof(struct item, format)},
    {"version", HA_MEMBER_UINT, false, offsetof(struct item, common.version)},
    {0},
};

static void clear(struct ha_item *common)
{
    struct item *item = (struct item *)common;
    ha_buf_clear(&item->data.buf);
    ha_buf_clear(&item->digest.buf);
}

static enum ha_code check(const struct ha_call_context *call, const char *prefix, struct ha_item *common,
                          struct ha_err *err)
{
    const struct item *item = (const struct item *)common;
    if (item->data.present == item->digest.present) {
        ha_fail(err, HA_E_MALFORMED, "exactly one of \"data\" and \"digest\" is needed");
        return ha_at(err, "%s/data", prefix);
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
    (void)call;
    return HA_OK;
}

static enum ha_operation operation_of(const struct item *item)
{
    return item->digest.present ? HA_OPERATION_SIGN_DIGEST : HA_OPERATION_SIGN;
}

static enum ha_code allow(const struct ha_call_context *call, const struct ha_item *common, struct ha_err *err)
{
    const struct item *item = (const struct item *)common;
    return ha_call_allowed(call, operation_of(item), item->algorithm, err);
}

static enum ha_code prepare(const struct ha_call_context *call, struct ha_key *key, const char *prefix,
                            struct ha_item *common, struct ha_err *err)
{
    struct item *item = (struct item *)common;
    const struct ha_buf *data = &item->data.buf, *digest = &item->digest.buf;
    enum ha_operation operation = operation_of(item);
    (void)prefix;
    if (item->digest.present) {
        if (ha_use_sign_digest(key, item->algorithm, digest->data, digest->len, &common->use, err))
            return err->code;
        return ha_call_take(call, operation, item->algorithm, NULL, NULL, &common->use, err);
    }
    if (ha_use_sign(key, item->algorithm, HA_PURPOSE_SIGN, data->data, data->len, &common->use, err))
        return err->code;
    enum ha_content content = ha_content_classify(data->data, data->len);
    if (ha_tls_check_message(content, err))
        return ha_call_refused_content(call, operation, content, err);
    return ha_call_take(call, operation, item->algorithm, NULL, &content, &common->use, err);
}

// The signature in the form that was asked for. Only ECDSA has more than one.
static enum ha_code finish(const struct ha_key *key, struct ha_item *common, struct ha_buf *out, struct ha_err *err)
{
    const struct item *item = (const struct item *)common;
    const struct ha_buf *signature = &common->use.exchange.output;
    if (item->format == HA_FORMAT_DER && ha_use_sign_der(&common->use, err))
        return err->code;
    ha_jw_object(out, NULL);
    ha_write_use(out, key, item->algorithm, common->use.token);
    ha_jw_string(out, "format", ha_format_name(item->format));
    ha_jw_bytes(out, "signature", signature->data, signature->len);
    ha_jw_object_end(out);
    return HA_OK;
}

enum ha_code ha_handle_sign(struct ha_call_context *call, struct ha_err *err)
{
    static const struct ha_item_kind kind = {
        .size = sizeof(struct item),
        .operation = HA_OPERATION_SIGN,
        .operations = 1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_SIGN_DIGEST,
        .members = members,
        .check = check,
        .allow = allow,
        .prepare = prepare,
        .finish = finish,
        .clear = clear,
    };
    return ha_items_handle(call, &kind, err);
}
