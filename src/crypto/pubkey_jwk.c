// SPDX-License-Identifier: Apache-2.0
// Public keys as JWK (RFC 7517, 7518 section 6, 8037) and their thumbprints (RFC 7638).
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/ossl.h"
#include "crypto/point.h"
#include "crypto/pubkey.h"

#include <openssl/core_names.h>
#include <string.h>

// The members of a key's JWK, already as text; those the kty hasn't stay empty.
struct jwk {
    const char *kty, *crv;
    struct ha_buf n, e, x, y;
};

static void jwk_clear(struct jwk *jwk)
{
    ha_buf_clear(&jwk->n);
    ha_buf_clear(&jwk->e);
    ha_buf_clear(&jwk->x);
    ha_buf_clear(&jwk->y);
}
HA_AUTO_DEFINE_CLEAR(struct jwk, jwk_clear)

static enum ha_code number_text(const struct ha_pubkey *key, const char *param, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(BN_free) BIGNUM *number = NULL;
    if (!EVP_PKEY_get_bn_param(ha_pubkey_evp(key), param, &number))
        return ha_ossl_fail(err, HA_E_INTERNAL, "reading a public key");
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    size_t len = (size_t)BN_num_bytes(number);
    uint8_t *at = ha_buf_reserve(&bytes, len);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a JWK");
    BN_bn2bin(number, at);
    ha_b64u_encode(out, at, len);
    return HA_OK;
}

static enum ha_code point_text(const struct ha_pubkey *key, struct jwk *jwk, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf point = {0};
    enum ha_code code = ha_pubkey_point(key, &point, err);
    if (code)
        return code;
    if (ha_key_type_info(ha_pubkey_type(key))->family == HA_FAMILY_ED) {
        ha_b64u_encode(&jwk->x, point.data, point.len);
    } else {
        size_t field_len = ha_point_field_len(ha_pubkey_type(key));
        ha_b64u_encode(&jwk->x, point.data + 1, field_len);
        ha_b64u_encode(&jwk->y, point.data + 1 + field_len, field_len);
    }
    return HA_OK;
}

static enum ha_code jwk_of_key(const struct ha_pubkey *key, struct jwk *jwk, struct ha_err *err)
{
    const struct ha_key_type_info *info = ha_key_type_info(ha_pubkey_type(key));
    enum ha_code code = HA_OK;
    switch (info->family) {
    case HA_FAMILY_RSA:
        jwk->kty = "RSA";
        code = number_text(key, OSSL_PKEY_PARAM_RSA_N, &jwk->n, err);
        if (!code)
            code = number_text(key, OSSL_PKEY_PARAM_RSA_E, &jwk->e, err);
        break;
    case HA_FAMILY_EC:
    case HA_FAMILY_ED:
        jwk->kty = info->family == HA_FAMILY_EC ? "EC" : "OKP";
        jwk->crv = info->jwk_curve;
        code = point_text(key, jwk, err);
        break;
    case HA_FAMILY_MAC:
    case HA_FAMILY_KEK:
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s is no public key", info->name);
    }
    if (code)
        return code;
    if (!ha_buf_ok(&jwk->n) || !ha_buf_ok(&jwk->e) || !ha_buf_ok(&jwk->x) || !ha_buf_ok(&jwk->y))
        return ha_fail(err, HA_E_MEMORY, "no memory for a JWK");
    return HA_OK;
}

static void write_member(struct ha_buf *out, const char *name, const struct ha_buf *text)
{
    if (text->len)
        ha_jw_string(out, name, ha_buf_text(text));
}

// The members in the lexicographic order that RFC 7638 section 3.3 asks for.
static void write_members(struct ha_buf *out, const struct jwk *jwk)
{
    if (jwk->crv)
        ha_jw_string(out, "crv", jwk->crv);
    write_member(out, "e", &jwk->e);
    ha_jw_string(out, "kty", jwk->kty);
    write_member(out, "n", &jwk->n);
    write_member(out, "x", &jwk->x);
    write_member(out, "y", &jwk->y);
}

void ha_pubkey_to_jwk(const struct ha_pubkey *key, struct ha_buf *out)
{
    ha_auto(jwk_clear) struct jwk jwk = {0};
    struct ha_err err = {0};
    if (jwk_of_key(key, &jwk, &err))
        out->failed = true;  // a good key can fail only for want of memory, which out reports in its own way
    else
        write_members(out, &jwk);
}

enum ha_code ha_pubkey_thumbprint(const struct ha_pubkey *key, uint8_t ret_hash[static 32], struct ha_err *err)
{
    ha_auto(jwk_clear) struct jwk jwk = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    enum ha_code code = jwk_of_key(key, &jwk, err);
    if (code)
        return code;
    ha_jw_object(&text, NULL);
    write_members(&text, &jwk);
    ha_jw_object_end(&text);
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "no memory for a JWK");
    uint8_t digest[HA_DIGEST_MAX];
    code = ha_digest(HA_HASH_SHA256, text.data, text.len, digest, err);
    if (!code)
        memcpy(ret_hash, digest, 32);
    return code;
}

static enum ha_code fail_at(struct ha_err *err, enum ha_code code, const char *member, const char *cause)
{
    ha_fail(err, code, "the JWK's \"%s\" %s", member, cause);
    return ha_at(err, "/%s", member);
}

// Appends the decoded member to out.
static enum ha_code get_bytes(const ha_json *json, const char *member, struct ha_buf *out, struct ha_err *err)
{
    const char *text = ha_json_get_string(json, member);
    if (!text)
        return fail_at(err, HA_E_MALFORMED, member, ha_json_get(json, member) ? "isn't a string" : "is missing");
    enum ha_code code = ha_b64u_decode(out, text, strlen(text), err);
    if (code) {
        ha_wrap(err, "the JWK's \"%s\"", member);
        ha_at(err, "/%s", member);
    }
    return code;
}

static enum ha_code key_of_rsa(const ha_json *json, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf n = {0};
    ha_auto(ha_buf_clear) struct ha_buf e = {0};
    enum ha_code code = get_bytes(json, "n", &n, err);
    if (!code)
        code = get_bytes(json, "e", &e, err);
    if (!code)
        code = ha_pubkey_from_rsa(n.data, n.len, e.data, e.len, ret_key, err);
    return code;
}

static enum ha_key_type type_by_curve(const char *crv, enum ha_family family)
{
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++) {
        const struct ha_key_type_info *info = ha_key_type_info((enum ha_key_type)i);
        if (info->family == family && info->jwk_curve && strcmp(info->jwk_curve, crv) == 0)
            return (enum ha_key_type)i;
    }
    return HA_KEY_NONE;
}

// Appends a coordinate of exactly field_len bytes (RFC 7518 section 6.2.1.2).
static enum ha_code get_coordinate(const ha_json *json, const char *member, size_t field_len, struct ha_buf *out,
                                   struct ha_err *err)
{
    size_t before = out->len;
    enum ha_code code = get_bytes(json, member, out, err);
    if (!code && out->len - before != field_len)
        code = fail_at(err, HA_E_MALFORMED, member, "hasn't the length of the curve's coordinates");
    return code;
}

static enum ha_code key_of_curve(const ha_json *json, enum ha_family family, struct ha_pubkey **ret_key,
                                 struct ha_err *err)
{
    const char *crv = ha_json_get_string(json, "crv");
    if (!crv)
        return fail_at(err, HA_E_MALFORMED, "crv", "is missing or isn't a string");
    enum ha_key_type type = type_by_curve(crv, family);
    if (!type)
        return fail_at(err, HA_E_KEY_CANNOT, "crv", "isn't P-256, P-384, P-521 (EC) or Ed25519 (OKP)");
    ha_auto(ha_buf_clear) struct ha_buf point = {0};
    if (family == HA_FAMILY_EC)
        ha_buf_putc(&point, 0x04);
    enum ha_code code = get_coordinate(json, "x", ha_point_field_len(type), &point, err);
    if (!code && family == HA_FAMILY_EC)
        code = get_coordinate(json, "y", ha_point_field_len(type), &point, err);
    if (!code && !ha_buf_ok(&point))
        code = ha_fail(err, HA_E_MEMORY, "no memory for a public key");
    if (!code)
        code = ha_pubkey_from_point(type, point.data, point.len, ret_key, err);
    return code;
}

enum ha_code ha_pubkey_from_jwk(const ha_json *jwk, struct ha_pubkey **ret_key, struct ha_err *err)
{
    if (ha_json_type(jwk) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "a JWK is a JSON object");
    const char *kty = ha_json_get_string(jwk, "kty");
    if (!kty)
        return fail_at(err, HA_E_MALFORMED, "kty", "is missing or isn't a string");
    if (ha_json_get(jwk, "d")) {
        fail_at(err, HA_E_MALFORMED, "d", "makes it a private key");
        return ha_hint(err, "Send the public members only, and replace a private key that was sent by mistake.");
    }
    if (strcmp(kty, "RSA") == 0)
        return key_of_rsa(jwk, ret_key, err);
    if (strcmp(kty, "EC") == 0)
        return key_of_curve(jwk, HA_FAMILY_EC, ret_key, err);
    if (strcmp(kty, "OKP") == 0)
        return key_of_curve(jwk, HA_FAMILY_ED, ret_key, err);
    return fail_at(err, HA_E_KEY_CANNOT, "kty", "isn't RSA, EC or OKP");
}

enum ha_code ha_pubkey_point(const struct ha_pubkey *key, struct ha_buf *out, struct ha_err *err)
{
    const struct ha_key_type_info *info = ha_key_type_info(ha_pubkey_type(key));
    if (!info->jwk_curve)
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s has no point", info->name);
    uint8_t point[HA_POINT_MAX];
    size_t len = 0;
    // Every key here was made by ha_pubkey_from_point, so that the stored form is the uncompressed one.
    if (!EVP_PKEY_get_octet_string_param(ha_pubkey_evp(key), OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len))
        return ha_ossl_fail(err, HA_E_INTERNAL, "reading a public key");
    ha_buf_append(out, point, len);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "no memory for a public key");
}
