// SPDX-License-Identifier: Apache-2.0
// Claims of a token that verified: whom it is from and for, and whether it is its time.
#include "format/jwt.h"

#include <string.h>
#include <strings.h>

#define DIGITS_MAX 15

static enum ha_code refuse(struct ha_err *err, const char *cause)
{
    return ha_fail(err, HA_E_NOT_VERIFIED, "%s", cause);
}

// "application/" is what a type without a slash lacks (RFC 7515 section 4.1.9).
static const char *short_type(const char *type)
{
    static const char prefix[] = "application/";
    size_t n = sizeof prefix - 1;
    return strncasecmp(type, prefix, n) == 0 && !strchr(type + n, '/') ? type + n : type;
}

static enum ha_code check_type(const struct ha_jws_verified *verified, const char *wanted, struct ha_err *err)
{
    const char *typ = ha_json_string(ha_jws_verified_member(verified, "typ"));
    if (!wanted || (typ && strcasecmp(short_type(typ), short_type(wanted)) == 0))
        return HA_OK;
    return ha_fail(err, HA_E_NOT_VERIFIED, "the header's \"typ\" is %.64s, not %.64s", typ ? typ : "missing", wanted);
}

static enum ha_code check_text(const ha_json *claims, const char *name, const char *wanted, struct ha_err *err)
{
    const char *text = ha_json_get_string(claims, name);
    if (!wanted || (text && strcmp(text, wanted) == 0))
        return HA_OK;
    return ha_fail(err, HA_E_NOT_VERIFIED, "the claim \"%s\" is '%.100s', not '%.100s'", name, text ? text : "",
                   wanted);
}

static enum ha_code check_audience(const ha_json *claims, const char *wanted, struct ha_err *err)
{
    const ha_json *aud = ha_json_get(claims, "aud");
    if (!wanted)
        return HA_OK;
    if (ha_json_string(aud) && strcmp(ha_json_string(aud), wanted) == 0)
        return HA_OK;
    bool list = aud && ha_json_type(aud) == HA_JSON_ARRAY;
    for (const ha_json *item = list ? ha_json_first(aud) : NULL; item; item = ha_json_next(item))
        if (ha_json_string(item) && strcmp(ha_json_string(item), wanted) == 0)
            return HA_OK;
    return ha_fail(err, HA_E_NOT_VERIFIED, "the token isn't for '%.100s' (\"aud\")", wanted);
}

struct times {
    bool has_iat, has_nbf, has_exp;
    int64_t iat, nbf, exp;
};

// A NumericDate may have a fraction, which is cut off; signs and exponents are nobody's.
static bool read_date(struct ha_json_text text, int64_t *ret_date)
{
    int64_t date = 0;
    size_t i = 0;
    for (; i < text.n && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        date = i < DIGITS_MAX ? date * 10 + (text.data[i] - '0') : 0;
    bool good = i > 0 && i <= DIGITS_MAX && (i == text.n || text.data[i] == '.');
    for (size_t j = i + 1; j < text.n; j++)
        good = good && text.data[j] >= '0' && text.data[j] <= '9';
    *ret_date = date;
    return good;
}

static enum ha_code read_times(const ha_json *claims, struct ha_json_text text, struct times *times, struct ha_err *err)
{
    const struct {
        const char *name;
        bool *has;
        int64_t *value;
    } rows[] = {
        {"iat", &times->has_iat, &times->iat},
        {"nbf", &times->has_nbf, &times->nbf},
        {"exp", &times->has_exp, &times->exp},
    };
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, text);
    const ha_json *member = ha_json_first(claims);
    for (; member && ha_json_walk_next(&walk, &value); member = ha_json_next(member)) {
        for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
            if (strcmp(rows[i].name, ha_json_name(member)) != 0)
                continue;
            if (!read_date(value, rows[i].value))
                return ha_fail(err, HA_E_NOT_VERIFIED, "the claim \"%s\" isn't a time", rows[i].name);
            *rows[i].has = true;
        }
    }
    return HA_OK;
}

static enum ha_code check_times(const struct times *times, const struct ha_jwt_rules *rules, struct ha_err *err)
{
    int64_t now = rules->now_s, skew = rules->skew;
    if (!times->has_exp && (rules->need_exp || rules->lifetime_max))
        return refuse(err, "the token has no \"exp\"");
    if (times->has_exp && now >= times->exp + skew)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the token expired %lld s ago", (long long)(now - times->exp));
    if (times->has_nbf && now + skew < times->nbf)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the token is valid in %lld s only (\"nbf\")",
                       (long long)(times->nbf - now));
    if (times->has_iat && now + skew < times->iat)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the token was issued %lld s in the future (\"iat\")",
                       (long long)(times->iat - now));
    int64_t base = times->has_iat ? times->iat : times->has_nbf ? times->nbf : now;
    base = times->has_nbf && times->nbf < base ? times->nbf : base;
    if (rules->lifetime_max && times->exp - base > (int64_t)rules->lifetime_max)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the token lives for %lld s, longer than the %u s to accept",
                       (long long)(times->exp - base), rules->lifetime_max);
    return HA_OK;
}

enum ha_code ha_jwt_check(const struct ha_jws_verified *verified, const struct ha_jwt_rules *rules,
                          ha_json **ret_claims, struct ha_err *err)
{
    const struct ha_json_text text = {ha_buf_text(&verified->payload), verified->payload.len};
    ha_auto(ha_json_free) ha_json *claims = NULL;
    struct times times = {0};
    if (ha_json_parse(text.data, text.n, HA_JOSE_DEPTH_MAX, &claims, err))
        return ha_wrap(err, "the token's claims");
    if (ha_json_type(claims) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the token's claims aren't an object");
    if (check_type(verified, rules->typ, err) || check_text(claims, "iss", rules->iss, err) ||
        check_text(claims, "sub", rules->sub, err) || check_audience(claims, rules->aud, err) ||
        read_times(claims, text, &times, err) || check_times(&times, rules, err))
        return err->code;
    *ret_claims = ha_take(&claims);
    return HA_OK;
}
