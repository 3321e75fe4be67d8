// SPDX-License-Identifier: Apache-2.0
#include "format/jws_read.h"

#include "base/text.h"

#include <string.h>

static void part_clear(struct ha_jws_part *part)
{
    ha_json_free(part->header);
    ha_json_free(part->unprotected);
    ha_buf_clear(&part->protected_);
    ha_buf_clear(&part->signature);
}

void ha_jws_read_clear(struct ha_jws_read *read)
{
    for (size_t i = 0; i < read->n; i++)
        part_clear(&read->parts[i]);
    read->n = 0;
    ha_buf_clear(&read->payload_text);
}

const ha_json *ha_jws_part_member(const struct ha_jws_part *part, const char *name)
{
    const ha_json *member = ha_json_get(part->header, name);
    return member ? member : ha_json_get(part->unprotected, name);
}

static enum ha_code read_protected(struct ha_jws_part *part, const char *text, size_t n, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf json = {0};
    if (n > HA_JOSE_HEADER_MAX / 3 * 4)
        return ha_fail(err, HA_E_TOO_LARGE, "the header is larger than %d bytes", HA_JOSE_HEADER_MAX);
    ha_buf_append(&part->protected_, text, n);
    if (ha_b64u_decode(&json, text, n, err) ||
        ha_json_parse(ha_buf_text(&json), json.len, HA_JOSE_DEPTH_MAX, &part->header, err))
        return ha_wrap(err, "the protected header");
    if (ha_json_type(part->header) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the protected header isn't an object");
    return ha_buf_ok(&part->protected_) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a message");
}

static enum ha_code read_signature(struct ha_jws_part *part, const char *text, size_t n, struct ha_err *err)
{
    return ha_b64u_decode(&part->signature, text, n, err) ? ha_wrap(err, "the signature") : HA_OK;
}

static enum ha_code read_compact(const char *text, size_t n, struct ha_jws_read *read, struct ha_err *err)
{
    const char *end = text + n;
    const char *first = memchr(text, '.', n);
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second)
        return ha_fail(err, HA_E_MALFORMED, "a compact JWS has three parts with a '.' between them");
    if (memchr(second + 1, '.', (size_t)(end - second - 1))) {
        ha_fail(err, HA_E_MALFORMED, "a compact JWS has three parts, not more");
        return ha_hint(err, "five parts are a JWE: decrypt it first");
    }
    read->n = 1;
    read->has_payload = second > first + 1;
    ha_buf_append(&read->payload_text, first + 1, (size_t)(second - first - 1));
    if (!ha_buf_ok(&read->payload_text))
        return ha_fail(err, HA_E_MEMORY, "no memory for a message");
    if (read_protected(&read->parts[0], text, (size_t)(first - text), err))
        return err->code;
    return read_signature(&read->parts[0], second + 1, (size_t)(end - second - 1), err);
}

// A member that is a string or absent.
static enum ha_code get_text(const ha_json *json, const char *name, const char **ret_text, struct ha_err *err)
{
    const ha_json *member = ha_json_get(json, name);
    *ret_text = ha_json_string(member);
    if (!member || *ret_text)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "the message's \"%s\" isn't a string", name);
    return ha_at(err, "/%s", name);
}

// The unprotected header is copied by parsing it once more, so that each part owns its own.
static enum ha_code read_unprotected(struct ha_jws_part *part, struct ha_json_text text, struct ha_err *err)
{
    if (text.n > HA_JOSE_HEADER_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the header is larger than %d bytes", HA_JOSE_HEADER_MAX);
    if (ha_json_parse(text.data, text.n, HA_JOSE_DEPTH_MAX, &part->unprotected, err))
        return err->code;
    if (ha_json_type(part->unprotected) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the unprotected header isn't an object");
    for (const ha_json *member = ha_json_first(part->unprotected); member; member = ha_json_next(member))
        if (ha_json_get(part->header, ha_json_name(member)))
            return ha_fail(err, HA_E_MALFORMED, "the header has \"%.64s\" twice, protected and not",
                           ha_json_name(member));
    return HA_OK;
}

static enum ha_code read_part(const ha_json *json, struct ha_json_text text, struct ha_jws_read *read,
                              struct ha_err *err)
{
    const char *header, *signature;
    if (read->n == HA_JWS_SIGNERS_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the message has more than %d signatures", HA_JWS_SIGNERS_MAX);
    struct ha_jws_part *part = &read->parts[read->n++];
    if (get_text(json, "protected", &header, err) || get_text(json, "signature", &signature, err))
        return err->code;
    if (!signature)
        return ha_fail(err, HA_E_MALFORMED, "the message lacks \"signature\" or \"signatures\"");
    if (header && header[0] && read_protected(part, header, strlen(header), err))
        return err->code;
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, text);
    const ha_json *member = ha_json_first(json);
    for (; member && ha_json_walk_next(&walk, &value); member = ha_json_next(member))
        if (strcmp(ha_json_name(member), "header") == 0 && read_unprotected(part, value, err))
            return err->code;
    if (!part->header && !part->unprotected)
        return ha_fail(err, HA_E_MALFORMED, "a signature has no header");
    return read_signature(part, signature, strlen(signature), err);
}

static enum ha_code read_signatures(const ha_json *list, struct ha_json_text text, struct ha_jws_read *read,
                                    struct ha_err *err)
{
    if (ha_json_type(list) != HA_JSON_ARRAY || !ha_json_first(list))
        return ha_fail(err, HA_E_MALFORMED, "the message's \"signatures\" isn't a list with something in it");
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, text);
    const ha_json *item = ha_json_first(list);
    for (; item && ha_json_walk_next(&walk, &value); item = ha_json_next(item)) {
        if (ha_json_type(item) != HA_JSON_OBJECT)
            return ha_fail(err, HA_E_MALFORMED, "the message's \"signatures\" isn't a list of objects");
        if (read_part(item, value, read, err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code read_json(const char *text, size_t n, struct ha_jws_read *read, struct ha_err *err)
{
    const char *payload, *signature;
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse(text, n, HA_JOSE_DEPTH_MAX, &json, err))
        return ha_wrap(err, "the message");
    if (get_text(json, "payload", &payload, err) || get_text(json, "signature", &signature, err))
        return err->code;
    read->has_payload = payload != NULL;
    if (payload)
        ha_buf_puts(&read->payload_text, payload);
    if (!ha_buf_ok(&read->payload_text))
        return ha_fail(err, HA_E_MEMORY, "no memory for a message");
    const ha_json *list = ha_json_get(json, "signatures");
    if (!list)
        return read_part(json, (struct ha_json_text){text, n}, read, err);
    if (signature || ha_json_get(json, "protected") || ha_json_get(json, "header"))
        return ha_fail(err, HA_E_MALFORMED, "the message is flattened and general at once");
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, (struct ha_json_text){text, n});
    for (const ha_json *member = ha_json_first(json); member; member = ha_json_next(member))
        if (ha_json_walk_next(&walk, &value) && member == list)
            return read_signatures(list, value, read, err);
    return ha_fail(err, HA_E_INTERNAL, "a member that was there is gone");
}

enum ha_code ha_jws_read(const char *text, size_t n, struct ha_jws_read *ret_read, struct ha_err *err)
{
    if (n > HA_JOSE_TEXT_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the message is larger than %d bytes", HA_JOSE_TEXT_MAX);
    size_t space = 0;
    while (space < n && strchr(" \t\r\n", text[space]) && text[space])
        space++;
    bool json = space < n && text[space] == '{';
    return json ? read_json(text, n, ret_read, err) : read_compact(text, n, ret_read, err);
}

static enum ha_code refuse(struct ha_err *err, const char *cause)
{
    return ha_fail(err, HA_E_NOT_VERIFIED, "%s", cause);
}

// b64 is the one extension that is understood here.
static enum ha_code read_crit(const ha_json *header, bool *ret_b64, struct ha_err *err)
{
    const ha_json *crit = ha_json_get(header, "crit");
    bool b64 = false;
    if (crit && (ha_json_type(crit) != HA_JSON_ARRAY || !ha_json_first(crit)))
        return refuse(err, "the header's \"crit\" isn't a list with something in it");
    for (const ha_json *item = crit ? ha_json_first(crit) : NULL; item; item = ha_json_next(item)) {
        const char *name = ha_json_string(item);
        if (!name || strcmp(name, "b64") != 0)
            return ha_fail(err, HA_E_NOT_VERIFIED,
                           "the header's \"crit\" asks for \"%.64s\", which isn't understood here",
                           name ? name : "something");
        if (b64 || !ha_json_get(header, "b64"))
            return refuse(err, "the header's \"crit\" has \"b64\" twice, or the header hasn't");
        b64 = true;
    }
    *ret_b64 = b64;
    return HA_OK;
}

static enum ha_code read_b64(struct ha_jws_part *part, struct ha_err *err)
{
    bool b64 = true, critical = false;
    if (ha_json_get(part->unprotected, "crit") || ha_json_get(part->unprotected, "b64"))
        return refuse(err, "the header's \"crit\" and \"b64\" have to be protected");
    if (read_crit(part->header, &critical, err))
        return err->code;
    const ha_json *member = ha_json_get(part->header, "b64");
    if (member && !ha_json_bool(member, &b64))
        return refuse(err, "the header's \"b64\" is neither true nor false");
    if (!b64 && !critical)
        return refuse(err, "the header's \"b64\" is false, and \"crit\" doesn't say so");
    part->unencoded = !b64;
    return HA_OK;
}

enum ha_code ha_jws_read_header(struct ha_jws_part *part, struct ha_err *err)
{
    const char *name = ha_json_string(ha_jws_part_member(part, "alg"));
    if (!name)
        return refuse(err, "the header has no \"alg\", or it isn't a string");
    if (strcmp(name, "none") == 0)
        return refuse(err, "the message isn't signed: its \"alg\" is \"none\"");
    part->alg = ha_alg_by_name(name);
    if (part->alg == HA_ALG_NONE || ha_alg_info(part->alg)->use != HA_USE_SIGN)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the header's \"alg\" is \"%.40s\", which is no signature known here",
                       name);
    return read_b64(part, err);
}
