// SPDX-License-Identifier: Apache-2.0
// Unwrapping points, and the check of Ed25519 points that OpenSSL doesn't make.
#include "crypto/point.h"

#include "crypto/ossl.h"

size_t ha_point_field_len(enum ha_key_type type)
{
    return (ha_key_type_info(type)->bits + 7) / 8;
}

size_t ha_point_len(enum ha_key_type type)
{
    return ha_key_type_info(type)->family == HA_FAMILY_ED ? 32 : 1 + 2 * ha_point_field_len(type);
}

// Bytes of a DER OCTET STRING's header around len bytes when point begins with exactly that header, else 0.
static size_t octet_string_header(const uint8_t *point, size_t n, size_t len)
{
    if (n == len + 2 && len < 0x80 && point[0] == 0x04 && point[1] == len)
        return 2;
    if (n == len + 3 && len >= 0x80 && point[0] == 0x04 && point[1] == 0x81 && point[2] == len)
        return 3;
    return 0;
}

static bool is_compressed(const uint8_t *point, size_t n, size_t field_len)
{
    size_t header = octet_string_header(point, n, field_len + 1);
    return n - header == field_len + 1 && (point[header] == 0x02 || point[header] == 0x03);
}

enum ha_code ha_point_unwrap(enum ha_key_type type, const uint8_t *point, size_t n, const uint8_t **ret_plain,
                             struct ha_err *err)
{
    const struct ha_key_type_info *info = ha_key_type_info(type);
    if (!info->jwk_curve)
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s has no point", info->name);
    size_t len = ha_point_len(type), field_len = ha_point_field_len(type);
    size_t header = octet_string_header(point, n, len);
    if (info->family == HA_FAMILY_EC && n > 0 && is_compressed(point, n, field_len)) {
        ha_fail(err, HA_E_KEY_CANNOT, "the %s point is compressed", info->jwk_curve);
        return ha_hint(err, "Give the uncompressed point, 04 followed by x and y.");
    }
    if (n - header != len || (info->family == HA_FAMILY_EC && point[header] != 0x04))
        return ha_fail(err, HA_E_MALFORMED, "%zu bytes aren't a point of %s, which has %zu", n, info->jwk_curve, len);
    *ret_plain = point + header;
    return HA_OK;
}

// -x^2 + y^2 = 1 + d x^2 y^2, so x^2 = u/v with u = y^2 - 1 and v = d y^2 + 1. As v^2 is a square, u/v is one exactly
// when uv is; v is never 0 because -1/d is not a square.
static int x_squared_symbol(const BIGNUM *y, const BIGNUM *p, const BIGNUM *d, BN_CTX *ctx)
{
    ha_auto(BN_free) BIGNUM *u = BN_new();
    ha_auto(BN_free) BIGNUM *v = BN_new();
    if (!u || !v || !BN_mod_sqr(u, y, p, ctx) || !BN_mod_mul(v, u, d, p, ctx) || !BN_sub_word(u, 1) ||
        !BN_add_word(v, 1) || !BN_mod_mul(u, u, v, p, ctx))
        return -2;
    return BN_kronecker(u, p, ctx);
}

enum ha_code ha_point_check_ed25519(const uint8_t point[static 32], struct ha_err *err)
{
    uint8_t y_bytes[32];
    for (size_t i = 0; i < sizeof y_bytes; i++)
        y_bytes[i] = point[i];
    y_bytes[31] &= 0x7f;  // the top bit is the sign of x

    ha_auto(BN_free) BIGNUM *p = NULL, *d = NULL;
    int made = BN_hex2bn(&p, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed") &&
               BN_hex2bn(&d, "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
    ha_auto(BN_free) BIGNUM *y = BN_lebin2bn(y_bytes, sizeof y_bytes, NULL);
    ha_auto(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
    if (!made || !y || !ctx)
        return ha_fail(err, HA_E_MEMORY, "no memory to check an Ed25519 key");
    int symbol = BN_cmp(y, p) < 0 ? x_squared_symbol(y, p, d, ctx) : -1;
    if (symbol == -2)
        return ha_ossl_fail(err, HA_E_INTERNAL, "checking an Ed25519 key");
    // 0: x is 0, which only the points of order 1 and 2 have.
    return symbol == 1 ? HA_OK : ha_fail(err, HA_E_MALFORMED, "the bytes aren't a public key on Ed25519");
}
