// SPDX-License-Identifier: Apache-2.0
// Claims on their way to be signed: what the profile pins, fills in and limits.
#include "format/jwt.h"

#include "base/text.h"
#include "crypto/ossl.h"

#include <openssl/rand.h>
#include <string.h>

#define SECONDS_MAX (1ull << 40)  // of a time or a limit; more is nobody's meaning

static char *const any_header[] = {(char *)"*"};
static const struct ha_jwt_profile plain = {
    .jws = {.x5c = true, .x5t_s256 = true, .headers = {(char **)any_header, 1}},
    .iat = true,
    .exp = true,
    .jti = true,
    .own_jti = true,
};

const struct ha_jwt_profile *ha_jwt_plain(void)
{
    return &plain;
}

// The claims as they come, and what becomes of them.
struct claims {
    const struct ha_jwt_request *request;
    const struct ha_jwt_profile *profile;
    ha_json *json;
    struct ha_buf text;  // of the object, open
    bool has_iat, has_nbf, has_exp;
    uint64_t iat, nbf, exp;
};

static void claims_clear(struct claims *claims)
{
    ha_json_free(claims->json);
    ha_buf_clear(&claims->text);
}
HA_AUTO_DEFINE_CLEAR(struct claims, claims_clear)

static enum ha_code fail_at(struct ha_err *err, enum ha_code code, const char *name, const char *cause)
{
    ha_fail(err, code, "the claim \"%.64s\" %s", name, cause);
    return ha_at(err, "/claims/%.40s", name);
}

static enum ha_code parse(struct claims *claims, struct ha_err *err)
{
    struct ha_json_text text = claims->request->claims;
    if (ha_json_parse(text.data, text.n, HA_JOSE_DEPTH_MAX, &claims->json, err)) {
        char pointer[sizeof err->pointer];
        strcpy(pointer, err->pointer);
        return ha_at(err, "/claims%.60s", pointer);
    }
    if (ha_json_type(claims->json) != HA_JSON_OBJECT) {
        ha_fail(err, HA_E_MALFORMED, "the claims are an object");
        return ha_at(err, "/claims");
    }
    // Open: the caller's members, to which others are added.
    ha_json_text_compact(&claims->text, text);
    if (!ha_buf_ok(&claims->text))
        return ha_fail(err, HA_E_MEMORY, "no memory for a token");
    claims->text.data[--claims->text.len] = '\0';
    return HA_OK;
}

// The part of "name=value" behind the '=' when the name is this one; NULL: it is another.
static const char *value_of(const char *item, const char *name, size_t n)
{
    return strncmp(item, name, n) == 0 && item[n] == '=' ? item + n + 1 : NULL;
}

static bool is_pinned_to(const struct ha_jose_list *pins, const char *name, size_t n, const char *value)
{
    for (size_t i = 0; i < pins->n; i++) {
        const char *pinned = value_of(pins->items[i], name, n);
        if (pinned && value && strcmp(pinned, value) == 0)
            return true;
    }
    return false;
}

// A string, or a list of strings (aud), each of which has to be a pinned one.
static bool fits_pins(const struct ha_jose_list *pins, const char *name, size_t n, const ha_json *given)
{
    if (ha_json_type(given) != HA_JSON_ARRAY || strncmp(name, "aud", n) != 0 || n != 3)
        return is_pinned_to(pins, name, n, ha_json_string(given));
    for (const ha_json *item = ha_json_first(given); item; item = ha_json_next(item))
        if (!is_pinned_to(pins, name, n, ha_json_string(item)))
            return false;
    return ha_json_first(given) != NULL;
}

// One claim's pins, of which pins->items[first] is the first.
static enum ha_code apply_pin(struct claims *claims, size_t first, struct ha_err *err)
{
    const struct ha_jose_list *pins = &claims->profile->pins;
    const char *item = pins->items[first];
    size_t n = strcspn(item, "="), values = 0;
    for (size_t i = 0; i < pins->n; i++) {
        bool same = value_of(pins->items[i], item, n) != NULL;
        if (same && i < first)
            return HA_OK;  // has been applied with the first
        values += same;
    }
    ha_auto(ha_free) char *name = strndup(item, n);
    if (!name)
        return ha_fail(err, HA_E_MEMORY, "no memory for a token");
    const ha_json *given = ha_json_get(claims->json, name);
    if (given && !fits_pins(pins, name, n, given))
        return fail_at(err, HA_E_FORBIDDEN, name, "has a value that the profile doesn't permit");
    if (!given && values > 1)
        return fail_at(err, HA_E_MALFORMED, name, "is missing, and the profile has several values to choose from");
    if (!given)
        ha_jw_string(&claims->text, name, item + n + 1);
    return HA_OK;
}

static bool is_pin(const struct ha_jose_list *pins, const char *name)
{
    for (size_t i = 0; i < pins->n; i++)
        if (value_of(pins->items[i], name, strlen(name)))
            return true;
    return false;
}

static enum ha_code check_at_most(const struct claims *claims, const char *item, struct ha_err *err)
{
    size_t n = strcspn(item, "=");
    uint64_t limit = 0, value = 0;
    ha_auto(ha_free) char *name = strndup(item, n);
    if (!name)
        return ha_fail(err, HA_E_MEMORY, "no memory for a token");
    const ha_json *given = ha_json_get(claims->json, name);
    if (!item[n] || !ha_parse_uint(item + n + 1, 0, SECONDS_MAX, &limit))
        return ha_fail(err, HA_E_CONFIG, "the profile's limit '%.80s' isn't CLAIM=NUMBER", item);
    if (given && !ha_json_uint(given, SECONDS_MAX, &value))
        return fail_at(err, HA_E_MALFORMED, name, "isn't a whole number");
    return value <= limit ? HA_OK : fail_at(err, HA_E_FORBIDDEN, name, "is over the profile's limit");
}

static enum ha_code check_lists(struct claims *claims, struct ha_err *err)
{
    const struct ha_jwt_profile *profile = claims->profile;
    for (size_t i = 0; i < profile->forbidden.n; i++)
        if (ha_json_get(claims->json, profile->forbidden.items[i]))
            return fail_at(err, HA_E_FORBIDDEN, profile->forbidden.items[i], "isn't permitted by the profile");
    for (size_t i = 0; i < profile->at_most.n; i++)
        if (check_at_most(claims, profile->at_most.items[i], err))
            return err->code;
    const ha_json *aud = ha_json_get(claims->json, "aud");
    if (profile->aud_string && aud && !ha_json_string(aud))
        return fail_at(err, HA_E_FORBIDDEN, "aud", "has to be one string in this profile");
    for (size_t i = 0; i < profile->pins.n; i++)
        if (apply_pin(claims, i, err))
            return err->code;
    return HA_OK;
}

static enum ha_code read_time(struct claims *claims, const char *name, bool *ret_has, uint64_t *ret_time,
                              struct ha_err *err)
{
    const ha_json *given = ha_json_get(claims->json, name);
    if (given && !ha_json_uint(given, SECONDS_MAX, ret_time))
        return fail_at(err, HA_E_MALFORMED, name, "isn't a time: whole seconds since 1970");
    *ret_has = given != NULL;
    return HA_OK;
}

static void fill_time(struct claims *claims, const char *name, uint64_t value, bool *ret_has, uint64_t *ret_time)
{
    ha_jw_number(&claims->text, name, (int64_t)value);
    *ret_has = true;
    *ret_time = value;
}

// iat and nbf: neither from the future, or a caller could lay in tokens for later; nor too old.
static enum ha_code begin_times(struct claims *claims, struct ha_err *err)
{
    const struct ha_jwt_profile *profile = claims->profile;
    uint64_t now = (uint64_t)claims->request->now_s, skew = profile->skew;
    if (read_time(claims, "iat", &claims->has_iat, &claims->iat, err) ||
        read_time(claims, "nbf", &claims->has_nbf, &claims->nbf, err) ||
        read_time(claims, "exp", &claims->has_exp, &claims->exp, err))
        return err->code;
    if (claims->has_iat && skew && (claims->iat > now + skew || claims->iat + skew < now))
        return fail_at(err, HA_E_FORBIDDEN, "iat", "is too far from the agent's clock");
    if (claims->has_nbf && skew && claims->nbf > now + skew)
        return fail_at(err, HA_E_FORBIDDEN, "nbf", "is in the future");
    if (claims->has_nbf && profile->nbf_age_max && claims->nbf + profile->nbf_age_max < now)
        return fail_at(err, HA_E_FORBIDDEN, "nbf", "is too far in the past");
    if (!claims->has_iat && profile->iat)
        fill_time(claims, "iat", now, &claims->has_iat, &claims->iat);
    if (!claims->has_nbf && profile->nbf)
        fill_time(claims, "nbf", now - profile->nbf_before, &claims->has_nbf, &claims->nbf);
    return HA_OK;
}

// From when a lifetime counts.
static uint64_t base_time(const struct claims *claims)
{
    uint64_t base = claims->has_iat ? claims->iat : claims->has_nbf ? claims->nbf : (uint64_t)claims->request->now_s;
    return claims->has_nbf && claims->nbf < base ? claims->nbf : base;
}

static enum ha_code refuse_lifetime(const struct claims *claims, uint64_t lifetime, struct ha_err *err)
{
    const struct ha_jwt_profile *profile = claims->profile;
    ha_fail(err, HA_E_FORBIDDEN, "the token would live for %llu s; the profile permits %u to %u s",
            (unsigned long long)lifetime, profile->lifetime_min, profile->lifetime_max);
    ha_hint(err, "the time counts from the earlier of iat and nbf to exp");
    return ha_at(err, claims->request->lifetime ? "/lifetime" : "/claims/exp");
}

static enum ha_code end_times(struct claims *claims, struct ha_err *err)
{
    const struct ha_jwt_profile *profile = claims->profile;
    unsigned wish = claims->request->lifetime ? claims->request->lifetime : profile->exp ? profile->lifetime : 0;
    uint64_t base = base_time(claims);
    if (claims->has_exp && claims->request->lifetime) {
        ha_fail(err, HA_E_MALFORMED, "a lifetime is given, and \"exp\" among the claims");
        return ha_at(err, "/lifetime");
    }
    if (!claims->has_exp && wish)
        fill_time(claims, "exp", base + wish, &claims->has_exp, &claims->exp);
    if (!claims->has_exp)
        return profile->lifetime_max
                   ? fail_at(err, HA_E_FORBIDDEN, "exp", "is missing: the profile has no token without")
                   : HA_OK;
    if (claims->exp <= (uint64_t)claims->request->now_s || claims->exp <= base)
        return fail_at(err, HA_E_MALFORMED, "exp", "is in the past already");
    uint64_t lifetime = claims->exp - base;
    bool good = lifetime >= profile->lifetime_min && (!profile->lifetime_max || lifetime <= profile->lifetime_max);
    return good ? HA_OK : refuse_lifetime(claims, lifetime, err);
}

// A random UUID (RFC 9562 section 5.4).
static enum ha_code put_uuid(struct claims *claims, struct ha_err *err)
{
    uint8_t random[16];
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (RAND_bytes(random, sizeof random) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "making a jti");
    random[6] = (uint8_t)((random[6] & 0x0f) | 0x40);
    random[8] = (uint8_t)((random[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof random; i++)
        ha_buf_printf(&text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", random[i]);
    ha_jw_string(&claims->text, "jti", ha_buf_text(&text));
    return HA_OK;
}

static enum ha_code fill_jti(struct claims *claims, struct ha_err *err)
{
    const ha_json *given = ha_json_get(claims->json, "jti");
    if (given && !ha_json_string(given))
        return fail_at(err, HA_E_MALFORMED, "jti", "isn't a string");
    if (given && claims->profile->jti && !claims->profile->own_jti)
        return fail_at(err, HA_E_FORBIDDEN, "jti", "is made by the agent, a fresh one for each token");
    return claims->profile->jti && !given ? put_uuid(claims, err) : HA_OK;
}

static enum ha_code check_required(const struct claims *claims, struct ha_err *err)
{
    const struct ha_jwt_profile *profile = claims->profile;
    for (size_t i = 0; i < profile->required.n; i++) {
        const char *name = profile->required.items[i];
        bool filled = (claims->has_iat && strcmp(name, "iat") == 0) || (claims->has_nbf && strcmp(name, "nbf") == 0) ||
                      (claims->has_exp && strcmp(name, "exp") == 0) || (profile->jti && strcmp(name, "jti") == 0) ||
                      is_pin(&profile->pins, name);
        if (!filled && !ha_json_get(claims->json, name))
            return fail_at(err, HA_E_MALFORMED, name, "is missing: the profile requires it");
    }
    return HA_OK;
}

enum ha_code ha_jwt_begin(const struct ha_jwt_request *request, struct ha_jws *ret_job, struct ha_err *err)
{
    ha_auto(claims_clear) struct claims claims = {.request = request, .profile = request->profile};
    if (parse(&claims, err) || check_lists(&claims, err) || begin_times(&claims, err) || end_times(&claims, err) ||
        fill_jti(&claims, err) || check_required(&claims, err))
        return err->code;
    ha_jw_object_end(&claims.text);
    if (!ha_buf_ok(&claims.text))
        return ha_fail(err, HA_E_MEMORY, "no memory for a token");
    return ha_jws_begin(&request->jws, claims.text.data, claims.text.len, ret_job, err);
}
