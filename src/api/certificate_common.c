// SPDX-License-Identifier: Apache-2.0
#include "api/certificate_common.h"

#include "format/cert_json.h"

#include <string.h>

enum ha_code ha_certificate_see_key(const struct ha_call_context *call, struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (!ha_policy_operations(call->api->config, call->request->principal, call->name))
        return ha_call_allowed(call, HA_OPERATION_SHOW, HA_ALG_NONE, err);
    if (ha_call_version(call, HA_OPERATION_SHOW, &key, err) || ha_certificate_check_pair(key, err))
        return err->code;
    *ret_key = ha_take(&key);
    return HA_OK;
}

enum ha_code ha_certificate_none(const struct ha_key *key, struct ha_err *err)
{
    return ha_fail(err, HA_E_NO_CERTIFICATE, "no certificate is installed for version %u of '%s'", key->version,
                   key->name);
}

enum ha_code ha_certificate_check_pair(const struct ha_key *key, struct ha_err *err)
{
    if (key->public_key && ha_pubkey_is_public(key->public_key))
        return HA_OK;
    return ha_fail(err, HA_E_KEY_CANNOT, "'%s' has no public key, so no certificate can be for it", key->name);
}

static enum ha_code add_text(const ha_json *item, struct ha_cert_bag *bag, struct ha_err *err)
{
    const char *text = ha_json_string(item);
    return text ? ha_cert_bag_add(bag, text, strlen(text), err)
                : ha_fail(err, HA_E_MALFORMED, "certificates are a text, or a list of texts");
}

enum ha_code ha_certificate_read_member(const ha_json *member, const char *pointer, struct ha_cert_bag *bag,
                                        struct ha_err *err)
{
    size_t index = 0;
    if (!member)
        return HA_OK;
    if (ha_json_type(member) != HA_JSON_ARRAY)
        return add_text(member, bag, err) ? ha_at(err, "%s", pointer) : HA_OK;
    for (const ha_json *item = ha_json_first(member); item; item = ha_json_next(item), index++)
        if (add_text(item, bag, err))
            return ha_at(err, "%s/%zu", pointer, index);
    return HA_OK;
}

void ha_certificate_write_key(struct ha_buf *out, const struct ha_key *key)
{
    ha_jw_string(out, "key", key->name);
    ha_jw_number(out, "version", key->version);
}

enum ha_code ha_certificate_write_chain(struct ha_buf *out, const struct ha_x5c *chain, struct ha_err *err)
{
    ha_jw_array(out, "chain");
    for (size_t i = 0; i < chain->n; i++)
        if (ha_cert_json(out, NULL, chain->der[i].data, chain->der[i].len, err))
            return err->code;
    ha_jw_array_end(out);
    return HA_OK;
}

void ha_certificate_write_notes(struct ha_buf *out, const struct ha_chain_notes *notes)
{
    ha_jw_array(out, "warnings");
    for (size_t i = 0; i < notes->n; i++) {
        ha_jw_object(out, NULL);
        ha_jw_string(out, "name", notes->items[i].name);
        ha_jw_string(out, "detail", notes->items[i].text);
        ha_jw_object_end(out);
    }
    ha_jw_array_end(out);
}
