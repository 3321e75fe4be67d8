// SPDX-License-Identifier: Apache-2.0
#include "api/certificate_common.h"

#include "format/cert_json.h"

#include <string.h>

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
