// SPDX-License-Identifier: Apache-2.0
#include "format/jose_header.h"

#include <string.h>

// What the caller has put into the protected header, with the text of each value. NULL and none: not given.
struct given {
    ha_json *json;
    const ha_json *alg, *kid, *typ, *cty, *b64, *crit;
    struct ha_json_text alg_text, kid_text, typ_text, cty_text, crit_text;
};

static void given_clear(struct given *given)
{
    ha_json_free(given->json);
}
HA_AUTO_DEFINE_CLEAR(struct given, given_clear)

static enum ha_code fail_at(struct ha_err *err, enum ha_code code, const char *prefix, const char *name,
                            const char *cause)
{
    ha_fail(err, code, "the header's \"%.64s\" %s", name, cause);
    return ha_at(err, "%s/%.40s", prefix, name);
}

// Appends "name":value.
static void put(struct ha_buf *out, const char *name, struct ha_json_text value)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        ha_buf_putc(out, ',');
    ha_jw_quoted(out, name);
    ha_buf_putc(out, ':');
    ha_json_text_compact(out, value);
}

static bool listed(const struct ha_jose_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], "*") == 0 || strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

static enum ha_code parse_object(struct ha_json_text text, const char *prefix, ha_json **ret_json, struct ha_err *err)
{
    if (text.n > HA_JOSE_HEADER_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "a header may have %d bytes", HA_JOSE_HEADER_MAX);
        return ha_at(err, "%s", prefix);
    }
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_json_parse(text.data, text.n, HA_JOSE_DEPTH_MAX, &json, err)) {
        char pointer[sizeof err->pointer];
        strcpy(pointer, err->pointer);
        return ha_at(err, "%s%.60s", prefix, pointer);
    }
    if (ha_json_type(json) != HA_JSON_OBJECT) {
        ha_fail(err, HA_E_MALFORMED, "a header is an object");
        return ha_at(err, "%s", prefix);
    }
    *ret_json = ha_take(&json);
    return HA_OK;
}

static enum ha_code read_given(struct ha_json_text text, struct given *given, struct ha_err *err)
{
    if (!text.data)
        return HA_OK;
    if (parse_object(text, "/header", &given->json, err))
        return err->code;
    const struct {
        const char *name;
        const ha_json **member;
        struct ha_json_text *text;
    } rows[] = {
        {"alg", &given->alg, &given->alg_text},
        {"kid", &given->kid, &given->kid_text},
        {"typ", &given->typ, &given->typ_text},
        {"cty", &given->cty, &given->cty_text},
        {"b64", &given->b64, NULL},
        {"crit", &given->crit, &given->crit_text},
    };
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, text);
    const ha_json *member = ha_json_first(given->json);
    for (; member && ha_json_walk_next(&walk, &value); member = ha_json_next(member)) {
        for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
            if (strcmp(rows[i].name, ha_json_name(member)) != 0)
                continue;
            *rows[i].member = member;
            if (rows[i].text)
                *rows[i].text = value;
        }
    }
    return HA_OK;
}

// alg is the key's; a caller may repeat it, in either of the two ways in which Ed25519 is written.
static enum ha_code put_alg(const struct ha_jws_request *request, const struct given *given, struct ha_buf *out,
                            struct ha_err *err)
{
    const struct ha_alg_info *info = ha_alg_info(request->alg);
    if (given->alg) {
        const char *name = ha_json_string(given->alg);
        if (!name || ha_alg_by_name(name) != request->alg)
            return fail_at(err, HA_E_MALFORMED, "/header", "alg", "isn't the algorithm that is to be used");
        put(out, "alg", given->alg_text);
        return HA_OK;
    }
    // RFC 8037 is what receivers know; RFC 9864's name is the caller's choice.
    ha_jw_string(out, "alg", info->alias ? info->alias : info->name);
    return HA_OK;
}

// A member whose value may be fixed: then the caller may only repeat it.
static enum ha_code put_fixed(const struct ha_jws_request *request, const char *name, const char *fixed,
                              const ha_json *given, struct ha_json_text text, struct ha_buf *out, struct ha_err *err)
{
    const char *wanted = ha_json_string(given);
    if (given && !wanted)
        return fail_at(err, HA_E_MALFORMED, "/header", name, "isn't a string");
    if (fixed && given && strcmp(fixed, wanted) != 0)
        return fail_at(err, HA_E_FORBIDDEN, "/header", name, "isn't the one that the profile and the key have");
    if (!fixed && given && !listed(&request->profile->headers, name))
        return fail_at(err, HA_E_FORBIDDEN, "/header", name, "isn't for the caller to say in this profile");
    if (fixed)
        ha_jw_string(out, name, fixed);
    else if (given)
        put(out, name, text);
    return HA_OK;
}

// Names that RFC 7515 and 7518 define mustn't be in crit (RFC 7515 section 4.1.11).
static bool is_standard(const char *name)
{
    static const char *const names[] = {"alg", "jku",      "jwk", "kid", "x5u", "x5c",
                                        "x5t", "x5t#S256", "typ", "cty", "crit"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static enum ha_code check_crit(const struct ha_jws_request *request, const struct given *given, struct ha_err *err)
{
    bool b64 = false;
    if (ha_json_type(given->crit) != HA_JSON_ARRAY || !ha_json_first(given->crit))
        return fail_at(err, HA_E_MALFORMED, "/header", "crit", "isn't a list of names");
    for (const ha_json *item = ha_json_first(given->crit); item; item = ha_json_next(item)) {
        const char *name = ha_json_string(item);
        if (!name || is_standard(name))
            return fail_at(err, HA_E_MALFORMED, "/header", "crit", "has something else than names of extensions");
        if (!ha_json_get(given->json, name) && strcmp(name, "b64") != 0)
            return fail_at(err, HA_E_MALFORMED, "/header", "crit", "has a name that the header hasn't");
        for (const ha_json *other = ha_json_next(item); other; other = ha_json_next(other))
            if (ha_json_string(other) && strcmp(ha_json_string(other), name) == 0)
                return fail_at(err, HA_E_MALFORMED, "/header", "crit", "has a name twice");
        b64 = b64 || strcmp(name, "b64") == 0;
    }
    if (b64 != request->unencoded)
        return fail_at(err, HA_E_MALFORMED, "/header", "crit", b64 ? "has b64 in vain" : "lacks \"b64\"");
    return HA_OK;
}

static enum ha_code put_b64(const struct ha_jws_request *request, const struct given *given, struct ha_buf *out,
                            struct ha_err *err)
{
    bool b64 = true;
    if (given->b64 && (!ha_json_bool(given->b64, &b64) || b64 || !request->unencoded))
        return fail_at(err, HA_E_MALFORMED, "/header", "b64", "is false or not there, as the payload is to be taken");
    if (request->unencoded && !request->profile->unencoded)
        return fail_at(err, HA_E_FORBIDDEN, "/header", "b64", "must not be false in this profile");
    if (request->unencoded)
        ha_jw_bool(out, "b64", false);
    if (given->crit) {
        if (!listed(&request->profile->headers, "crit"))
            return fail_at(err, HA_E_FORBIDDEN, "/header", "crit", "isn't for the caller to say in this profile");
        if (check_crit(request, given, err))
            return err->code;
        put(out, "crit", given->crit_text);
    } else if (request->unencoded) {
        ha_jw_array(out, "crit");
        ha_jw_string(out, NULL, "b64");
        ha_jw_array_end(out);
    }
    return HA_OK;
}

static bool has_place(const struct given *given, const ha_json *member)
{
    return member == given->alg || member == given->kid || member == given->typ || member == given->cty ||
           member == given->b64 || member == given->crit;
}

static enum ha_code check_other(const struct ha_jws_request *request, const char *prefix, const char *name,
                                struct ha_err *err)
{
    if (strcmp(name, "x5c") == 0 || strcmp(name, "x5t#S256") == 0) {
        fail_at(err, HA_E_MALFORMED, prefix, name, "is made of the key's certificate");
        return ha_hint(err, "send the certificate as \"certificate\"");
    }
    if (!listed(&request->profile->headers, name))
        return fail_at(err, HA_E_FORBIDDEN, prefix, name, "isn't for the caller to say in this profile");
    return HA_OK;
}

static enum ha_code put_others(const struct ha_jws_request *request, const struct given *given, struct ha_buf *out,
                               struct ha_err *err)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, request->header);
    const ha_json *member = given->json ? ha_json_first(given->json) : NULL;
    for (; member && ha_json_walk_next(&walk, &value); member = ha_json_next(member)) {
        if (has_place(given, member))
            continue;
        if (check_other(request, "/header", ha_json_name(member), err))
            return err->code;
        put(out, ha_json_name(member), value);
    }
    return HA_OK;
}

static enum ha_code put_certificate(const struct ha_jws_request *request, struct ha_buf *out, struct ha_err *err)
{
    uint8_t hash[HA_X5C_HASH_LEN];
    if (!request->certificate)
        return HA_OK;
    if (request->profile->x5t_s256) {
        if (ha_x5c_sha256(request->certificate, hash, err))
            return err->code;
        ha_jw_bytes(out, "x5t#S256", hash, sizeof hash);
    }
    if (request->profile->x5c)
        ha_x5c_write(out, request->certificate);
    return HA_OK;
}

enum ha_code ha_jose_header_build(const struct ha_jws_request *request, struct ha_buf *out, struct ha_err *err)
{
    const struct ha_jws_profile *profile = request->profile;
    ha_auto(given_clear) struct given given = {0};
    ha_auto(ha_buf_clear) struct ha_buf kid = {0};
    if (read_given(request->header, &given, err) ||
        ha_kid_make(profile->kid, profile->kid_text, request->key, request->certificate, &kid, err))
        return err->code;
    size_t before = out->len;
    ha_jw_object(out, NULL);
    if (put_alg(request, &given, out, err) ||
        put_fixed(request, "kid", kid.len ? ha_buf_text(&kid) : NULL, given.kid, given.kid_text, out, err) ||
        put_fixed(request, "typ", profile->typ, given.typ, given.typ_text, out, err) ||
        put_fixed(request, "cty", profile->cty, given.cty, given.cty_text, out, err) ||
        put_others(request, &given, out, err) || put_certificate(request, out, err) ||
        put_b64(request, &given, out, err))
        return err->code;
    ha_jw_object_end(out);
    if (!ha_buf_ok(out))
        return ha_fail(err, HA_E_MEMORY, "no memory for a header");
    if (out->len - before > HA_JOSE_HEADER_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "the header would have %zu bytes; %d are the limit", out->len - before,
                HA_JOSE_HEADER_MAX);
        return ha_at(err, "/header");
    }
    return HA_OK;
}

enum ha_code ha_jose_header_unprotected(const struct ha_jws_request *request, struct ha_buf *out, struct ha_err *err)
{
    if (!request->unprotected.data)
        return HA_OK;
    ha_auto(ha_json_free) ha_json *json = NULL;
    ha_auto(given_clear) struct given given = {0};
    bool kid_is_ours = request->profile->kid_text || request->profile->kid != HA_KID_NONE;
    if (parse_object(request->unprotected, "/unprotected", &json, err) || read_given(request->header, &given, err))
        return err->code;
    for (const ha_json *member = ha_json_first(json); member; member = ha_json_next(member)) {
        const char *name = ha_json_name(member);
        bool guarded = strcmp(name, "alg") == 0 || strcmp(name, "crit") == 0 || strcmp(name, "b64") == 0;
        if (guarded)
            return fail_at(err, HA_E_MALFORMED, "/unprotected", name, "belongs into the protected header");
        bool twice = (given.json && ha_json_get(given.json, name)) || (kid_is_ours && strcmp(name, "kid") == 0) ||
                     (request->profile->typ && strcmp(name, "typ") == 0) ||
                     (request->profile->cty && strcmp(name, "cty") == 0);
        if (twice)
            return fail_at(err, HA_E_MALFORMED, "/unprotected", name, "is in the protected header already");
        if (check_other(request, "/unprotected", name, err))
            return err->code;
    }
    ha_json_text_compact(out, request->unprotected);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a header");
}
