// SPDX-License-Identifier: Apache-2.0
#include "api/members.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

#define UINT_MAX_JSON 4294967295u

static const char *const format_names[] = {[HA_FORMAT_DER] = "der", [HA_FORMAT_RAW] = "raw", [HA_FORMAT_JOSE] = "jose"};

const char *ha_format_name(enum ha_format format)
{
    return format_names[format];
}

static enum ha_code wrong_type(const ha_json *member, const char *wanted, struct ha_err *err)
{
    return ha_fail(err, HA_E_MALFORMED, "\"%s\" must be %s, not %s", ha_json_name(member), wanted,
                   ha_json_type_name(ha_json_type(member)));
}

static enum ha_code read_bytes(const ha_json *member, struct ha_member_bytes *into, struct ha_err *err)
{
    const char *text = ha_json_string(member);
    if (!text)
        return wrong_type(member, "a base64url string", err);
    if (ha_b64u_decode(&into->buf, text, strlen(text), err))
        return err->code;
    into->present = true;
    return HA_OK;
}

static enum ha_code read_alg(const ha_json *member, enum ha_alg *into, struct ha_err *err)
{
    const char *text = ha_json_string(member);
    if (!text)
        return wrong_type(member, "an algorithm's name", err);
    *into = ha_alg_by_name(text);
    if (*into != HA_ALG_NONE)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "\"%.40s\" is no algorithm the agent knows", text);
    ha_auto(ha_buf_clear) struct ha_buf known = {0};
    for (int alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++)
        ha_buf_printf(&known, " %s", ha_alg_info((enum ha_alg)alg)->name);
    return ha_hint(err, "it knows%s", ha_buf_text(&known));
}

static enum ha_code read_scheme(const ha_json *member, const struct ha_tls_scheme **into, struct ha_err *err)
{
    const char *text = ha_json_string(member);
    if (!text)
        return wrong_type(member, "a signature scheme's name", err);
    *into = ha_tls_scheme_by_name(text);
    if (*into)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "\"%.40s\" is no signature scheme of TLS that the agent knows", text);
    ha_auto(ha_buf_clear) struct ha_buf known = {0};
    for (const struct ha_tls_scheme *scheme = ha_tls_schemes(); scheme->name; scheme++)
        ha_buf_printf(&known, " %s", scheme->name);
    return ha_hint(err, "it knows%s", ha_buf_text(&known));
}

static enum ha_code read_key_type(const ha_json *member, enum ha_key_type *into, struct ha_err *err)
{
    const char *text = ha_json_string(member);
    if (!text)
        return wrong_type(member, "a key type's name", err);
    *into = ha_key_type_by_name(text);
    if (*into != HA_KEY_NONE && ha_key_type_info(*into)->creatable)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "\"%.40s\" is no type of key that can be created", text);
    ha_auto(ha_buf_clear) struct ha_buf known = {0};
    for (int type = HA_KEY_NONE + 1; type < HA_KEY_TYPE_COUNT; type++)
        if (ha_key_type_info((enum ha_key_type)type)->creatable)
            ha_buf_printf(&known, " %s", ha_key_type_info((enum ha_key_type)type)->name);
    return ha_hint(err, "the types are%s", ha_buf_text(&known));
}

static enum ha_code read_purposes(const ha_json *member, unsigned *into, struct ha_err *err)
{
    if (ha_json_type(member) != HA_JSON_ARRAY)
        return wrong_type(member, "a list of purposes", err);
    for (const ha_json *item = ha_json_first(member); item; item = ha_json_next(item)) {
        const char *text = ha_json_string(item);
        unsigned purpose = text && !strchr(text, ',') ? ha_purposes_parse(text) : 0;
        if (!purpose) {
            ha_fail(err, HA_E_MALFORMED, "\"%s\" names a purpose that isn't one", ha_json_name(member));
            ha_auto(ha_buf_clear) struct ha_buf known = {0};
            for (size_t i = 0; i < HA_PURPOSE_COUNT; i++)
                ha_buf_printf(&known, " %s", ha_purpose_info(i)->name);
            return ha_hint(err, "the purposes are%s", ha_buf_text(&known));
        }
        *into |= purpose;
    }
    return *into ? HA_OK : ha_fail(err, HA_E_MALFORMED, "\"%s\" is empty", ha_json_name(member));
}

static enum ha_code read_format(const ha_json *member, enum ha_format *into, struct ha_err *err)
{
    const char *text = ha_json_string(member);
    if (!text)
        return wrong_type(member, "a string", err);
    for (size_t i = 0; i < HA_ARRAY_SIZE(format_names); i++) {
        if (strcmp(text, format_names[i]) == 0) {
            *into = (enum ha_format)i;
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_MALFORMED, "\"%.40s\" is no format of a signature", text);
    return ha_hint(err, "the formats are der, raw and jose");
}

static enum ha_code read_json(const ha_json *member, enum ha_json_type type, const char *wanted, const ha_json **into,
                              struct ha_err *err)
{
    if (ha_json_type(member) != type)
        return wrong_type(member, wanted, err);
    *into = member;
    return HA_OK;
}

static enum ha_code read_member(const ha_json *member, enum ha_member_kind kind, void *into, struct ha_err *err)
{
    switch (kind) {
    case HA_MEMBER_STRING:
        *(const char **)into = ha_json_string(member);
        return *(const char **)into ? HA_OK : wrong_type(member, "a string", err);
    case HA_MEMBER_BYTES:
        return read_bytes(member, into, err);
    case HA_MEMBER_ALG:
        return read_alg(member, into, err);
    case HA_MEMBER_SCHEME:
        return read_scheme(member, into, err);
    case HA_MEMBER_KEY_TYPE:
        return read_key_type(member, into, err);
    case HA_MEMBER_PURPOSES:
        return read_purposes(member, into, err);
    case HA_MEMBER_FORMAT:
        return read_format(member, into, err);
    case HA_MEMBER_UINT:
        return ha_json_uint(member, UINT_MAX_JSON, into) ? HA_OK : wrong_type(member, "a whole number from 0", err);
    case HA_MEMBER_BOOL:
        return ha_json_bool(member, into) ? HA_OK : wrong_type(member, "true or false", err);
    case HA_MEMBER_ARRAY:
        return read_json(member, HA_JSON_ARRAY, "a list", into, err);
    case HA_MEMBER_OBJECT:
        return read_json(member, HA_JSON_OBJECT, "an object", into, err);
    case HA_MEMBER_ANY:
        *(const ha_json **)into = member;
        return HA_OK;
    }
    return ha_fail(err, HA_E_INTERNAL, "a member of no kind");
}

static const struct ha_member *find(const struct ha_member *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static enum ha_code unknown_member(const struct ha_member *table, const char *name, const char *prefix,
                                   struct ha_err *err)
{
    ha_fail(err, HA_E_UNKNOWN_MEMBER, "there is no member \"%.40s\" here", name);
    ha_auto(ha_buf_clear) struct ha_buf known = {0};
    for (; table->name; table++)
        ha_buf_printf(&known, " %s", table->name);
    ha_hint(err, "the members are%s", ha_buf_text(&known));
    return ha_at(err, "%s/%.40s", prefix, name);
}

enum ha_code ha_members_read(const ha_json *json, const struct ha_member *table, const char *prefix, void *into,
                             struct ha_err *err)
{
    if (ha_json_type(json) != HA_JSON_OBJECT) {
        ha_fail(err, HA_E_MALFORMED, "a JSON object is expected, not %s", ha_json_type_name(ha_json_type(json)));
        return ha_at(err, "%s", prefix);
    }
    for (const ha_json *member = ha_json_first(json); member; member = ha_json_next(member)) {
        const struct ha_member *row = find(table, ha_json_name(member));
        if (!row)
            return unknown_member(table, ha_json_name(member), prefix, err);
        if (read_member(member, row->kind, (char *)into + row->offset, err))
            return ha_at(err, "%s/%s", prefix, row->name);
    }
    for (const struct ha_member *row = table; row->name; row++) {
        if (row->required && !ha_json_get(json, row->name)) {
            ha_fail(err, HA_E_MALFORMED, "the member \"%s\" is missing", row->name);
            return ha_at(err, "%s/%s", prefix, row->name);
        }
    }
    return HA_OK;
}
