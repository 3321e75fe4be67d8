// SPDX-License-Identifier: Apache-2.0
// Public keys: made from components, SPKI or PEM. Every way ends in the same checks and the same canonical SPKI.
#include "crypto/pubkey.h"

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/ossl.h"
#include "crypto/point.h"
#include "crypto/spki_head.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define RSA_BITS_MIN      2048
#define RSA_BITS_MAX      16384
#define EXPONENT_BITS_MAX 64  // OpenSSL verifies with no larger one
#define SPKI_MAX          8192

struct ha_pubkey {
    enum ha_key_type type;
    unsigned bits;
    EVP_PKEY *evp;  // NULL: an identity
    unsigned char *spki;
    size_t spki_len;
    uint8_t spki_sha256[HA_SPKI_HASH_LEN];
};

HA_AUTO_DEFINE(BIO, BIO_free_all)

static enum ha_code out_of_memory(struct ha_err *err)
{
    ERR_clear_error();
    return ha_fail(err, HA_E_MEMORY, "no memory for a public key");
}

static const char *const group_names[HA_KEY_TYPE_COUNT] = {
    [HA_KEY_EC_P256] = SN_X9_62_prime256v1, [HA_KEY_EC_P384] = SN_secp384r1, [HA_KEY_EC_P521] = SN_secp521r1};

static enum ha_key_type rsa_type(unsigned bits)
{
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++) {
        const struct ha_key_type_info *info = ha_key_type_info((enum ha_key_type)i);
        if (info->family == HA_FAMILY_RSA && info->bits == bits)
            return (enum ha_key_type)i;
    }
    return HA_KEY_RSA_OTHER;
}

// Takes the SPKI over, whatever comes of it.
static enum ha_code new_key(enum ha_key_type type, unsigned bits, unsigned char *spki, size_t spki_len,
                            struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_ossl_free) unsigned char *owned = spki;
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = calloc(1, sizeof *key);
    uint8_t digest[HA_DIGEST_MAX];
    if (!key || !owned)
        return out_of_memory(err);
    if (ha_digest(HA_HASH_SHA256, owned, spki_len, digest, err))
        return err->code;
    *key = (struct ha_pubkey){.type = type, .bits = bits, .spki = ha_take(&owned), .spki_len = spki_len};
    memcpy(key->spki_sha256, digest, HA_SPKI_HASH_LEN);
    *ret_key = ha_take(&key);
    return HA_OK;
}

// The key, without OpenSSL's, whose SPKI is the head and what follows it.
static enum ha_code from_tail(const struct ha_spki_head *head, const uint8_t *tail, struct ha_pubkey **ret_key,
                              struct ha_err *err)
{
    size_t tail_len = ha_spki_tail_len(head);
    unsigned char *spki = OPENSSL_malloc(head->len + tail_len);
    if (spki) {
        memcpy(spki, head->bytes, head->len);
        memcpy(spki + head->len, tail, tail_len);
    }
    return new_key(head->type, ha_key_type_info(head->type)->bits, spki, head->len + tail_len, ret_key, err);
}

// By OpenSSL's encoder, unless it is of the usual form.
static enum ha_code from_rsa_evp(enum ha_key_type type, EVP_PKEY *evp, const BIGNUM *n, const BIGNUM *e,
                                 struct ha_pubkey **ret_key, struct ha_err *err)
{
    const struct ha_spki_head *head = ha_spki_head_of(type);
    if (head && BN_is_word(e, RSA_F4)) {
        uint8_t tail[RSA_BITS_MAX / 8 + HA_SPKI_FOOT_LEN];
        size_t n_len = ha_spki_tail_len(head) - HA_SPKI_FOOT_LEN;
        BN_bn2bin(n, tail);
        memcpy(tail + n_len, ha_spki_foot, HA_SPKI_FOOT_LEN);
        return from_tail(head, tail, ret_key, err);
    }
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(evp, &spki);
    if (len <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encoding a public key");
    return new_key(type, (unsigned)BN_num_bits(n), spki, (size_t)len, ret_key, err);
}

// A key of OpenSSL's from parameters; what it refuses is malformed.
static enum ha_code evp_from_params(const char *kind, OSSL_PARAM *params, EVP_PKEY **ret_evp, struct ha_err *err)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "preparing a public key");
    EVP_PKEY *evp = NULL;
    if (EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the public key isn't valid");
    *ret_evp = evp;
    return HA_OK;
}

static enum ha_code check_rsa(const BIGNUM *n, const BIGNUM *e, struct ha_err *err)
{
    int bits = BN_num_bits(n);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return ha_fail(err, HA_E_KEY_CANNOT, "an RSA key of %d bits is not between %d and %d", bits, RSA_BITS_MIN,
                       RSA_BITS_MAX);
    if (!BN_is_odd(n))
        return ha_fail(err, HA_E_MALFORMED, "the RSA modulus is even");
    if (!BN_is_odd(e) || BN_is_one(e))
        return ha_fail(err, HA_E_MALFORMED, "the RSA public exponent isn't an odd number from 3");
    if (BN_num_bits(e) > EXPONENT_BITS_MAX)
        return ha_fail(err, HA_E_KEY_CANNOT, "the RSA public exponent has more than %d bits", EXPONENT_BITS_MAX);
    return HA_OK;
}

static enum ha_code from_rsa_bn(const BIGNUM *n, const BIGNUM *e, struct ha_pubkey **ret_key, struct ha_err *err)
{
    enum ha_code code = check_rsa(n, e, err);
    if (code)
        return code;
    ha_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (!build || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        return out_of_memory(err);
    ha_auto(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    if (!params)
        return out_of_memory(err);
    ha_auto(EVP_PKEY_free) EVP_PKEY *evp = NULL;
    code = evp_from_params("RSA", params, &evp, err);
    if (code)
        return code;
    unsigned bits = (unsigned)BN_num_bits(n);
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (from_rsa_evp(rsa_type(bits), evp, n, e, &key, err))
        return err->code;
    key->evp = ha_take(&evp);
    *ret_key = ha_take(&key);
    return HA_OK;
}

// Longer input than this can't be a number of at most RSA_BITS_MAX bits with a sign byte or two.
static bool number_too_long(size_t n)
{
    return n > RSA_BITS_MAX / 8 + 8;
}

enum ha_code ha_pubkey_from_rsa(const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
                                size_t exponent_len, struct ha_pubkey **ret_key, struct ha_err *err)
{
    if (number_too_long(modulus_len) || number_too_long(exponent_len))
        return ha_fail(err, HA_E_KEY_CANNOT, "the RSA key has more than %d bits", RSA_BITS_MAX);
    ha_auto(BN_free) BIGNUM *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
    ha_auto(BN_free) BIGNUM *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
    if (!n || !e)
        return out_of_memory(err);
    return from_rsa_bn(n, e, ret_key, err);
}

static enum ha_code evp_from_ec_point(enum ha_key_type type, const uint8_t *plain, EVP_PKEY **ret_evp,
                                      struct ha_err *err)
{
    ha_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (!build || !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group_names[type], 0) ||
        !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, plain, ha_point_len(type)))
        return out_of_memory(err);
    ha_auto(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    if (!params)
        return out_of_memory(err);
    ha_auto(EVP_PKEY_free) EVP_PKEY *evp = NULL;
    enum ha_code code = evp_from_params("EC", params, &evp, err);
    if (code)
        return code;
    // The cofactor of these curves is 1: a point on the curve is in the group, the quick check is a full one.
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
    if (!ctx || EVP_PKEY_public_check_quick(ctx) != 1)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the public key isn't a point of its curve");
    *ret_evp = ha_take(&evp);
    return HA_OK;
}

static enum ha_code evp_from_ed25519(const uint8_t *plain, EVP_PKEY **ret_evp, struct ha_err *err)
{
    enum ha_code code = ha_point_check_ed25519(plain, err);
    if (code)
        return code;
    EVP_PKEY *evp = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, plain, ha_point_len(HA_KEY_ED25519));
    if (!evp)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the public key isn't valid");
    *ret_evp = evp;
    return HA_OK;
}

enum ha_code ha_pubkey_from_point(enum ha_key_type type, const uint8_t *point, size_t n, struct ha_pubkey **ret_key,
                                  struct ha_err *err)
{
    const uint8_t *plain = NULL;
    enum ha_code code = ha_point_unwrap(type, point, n, &plain, err);
    if (code)
        return code;
    ha_auto(EVP_PKEY_free) EVP_PKEY *evp = NULL;
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (type == HA_KEY_ED25519 ? evp_from_ed25519(plain, &evp, err) : evp_from_ec_point(type, plain, &evp, err))
        return err->code;
    if (from_tail(ha_spki_head_of(type), plain, &key, err))
        return err->code;
    key->evp = ha_take(&evp);
    *ret_key = ha_take(&key);
    return HA_OK;
}

static enum ha_code from_evp_rsa(const EVP_PKEY *evp, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(BN_free) BIGNUM *n = NULL, *e = NULL;
    if (!EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_N, &n) ||
        !EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_E, &e))
        return ha_ossl_fail(err, HA_E_MALFORMED, "reading an RSA public key");
    return from_rsa_bn(n, e, ret_key, err);
}

static enum ha_code from_evp_ec(const EVP_PKEY *evp, struct ha_pubkey **ret_key, struct ha_err *err)
{
    char group[64] = "";
    int explicit_params = 0;
    EVP_PKEY_get_int_param(evp, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_params);
    EVP_PKEY_get_group_name(evp, group, sizeof group, NULL);
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT && !explicit_params; i++) {
        const char *name = group_names[i];
        if (!name || strcmp(name, group) != 0)
            continue;
        uint8_t point[HA_POINT_MAX];
        size_t len = 0;
        if (!EVP_PKEY_get_octet_string_param(evp, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len))
            return ha_ossl_fail(err, HA_E_MALFORMED, "reading an EC public key");
        return ha_pubkey_from_point((enum ha_key_type)i, point, len, ret_key, err);
    }
    ERR_clear_error();
    if (explicit_params)
        return ha_fail(err, HA_E_KEY_CANNOT, "the EC key spells its curve out instead of naming it");
    return ha_fail(err, HA_E_KEY_CANNOT, "the curve %.*s is not one of P-256, P-384, P-521", (int)sizeof group,
                   group[0] ? group : "without a name");
}

static enum ha_code from_evp_ed25519(const EVP_PKEY *evp, struct ha_pubkey **ret_key, struct ha_err *err)
{
    uint8_t point[HA_POINT_MAX];
    size_t len = sizeof point;
    if (EVP_PKEY_get_raw_public_key(evp, point, &len) <= 0)
        return ha_ossl_fail(err, HA_E_MALFORMED, "reading an Ed25519 public key");
    return ha_pubkey_from_point(HA_KEY_ED25519, point, len, ret_key, err);
}

enum ha_code ha_pubkey_from_spki(const uint8_t *der, size_t n, struct ha_pubkey **ret_key, struct ha_err *err)
{
    const struct ha_spki_head *head = ha_spki_head_find(der, n);
    if (head && ha_key_type_info(head->type)->jwk_curve)
        return ha_pubkey_from_point(head->type, der + head->len, n - head->len, ret_key, err);
    if (head && ha_key_type_info(head->type)->family == HA_FAMILY_RSA && der[head->len] & 0x80 &&
        memcmp(der + n - HA_SPKI_FOOT_LEN, ha_spki_foot, HA_SPKI_FOOT_LEN) == 0)
        return ha_pubkey_from_rsa(der + head->len, n - head->len - HA_SPKI_FOOT_LEN, ha_spki_foot + 2,
                                  HA_SPKI_FOOT_LEN - 2, ret_key, err);
    const uint8_t *end = der;
    ha_auto(EVP_PKEY_free) EVP_PKEY *evp = n > 0 && n <= SPKI_MAX ? d2i_PUBKEY(NULL, &end, (long)n) : NULL;
    if (!evp)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the public key isn't a DER SubjectPublicKeyInfo");
    if (end != der + n)
        return ha_fail(err, HA_E_MALFORMED, "%zu bytes follow the SubjectPublicKeyInfo", (size_t)(der + n - end));
    if (EVP_PKEY_is_a(evp, "RSA"))
        return from_evp_rsa(evp, ret_key, err);
    if (EVP_PKEY_is_a(evp, "EC"))
        return from_evp_ec(evp, ret_key, err);
    if (EVP_PKEY_is_a(evp, "ED25519"))
        return from_evp_ed25519(evp, ret_key, err);
    const char *name = EVP_PKEY_get0_type_name(evp);
    return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s is not RSA, EC or Ed25519", name ? name : "unknown");
}

enum ha_code ha_pubkey_from_check(enum ha_key_type type, const uint8_t check[static HA_PUBKEY_CHECK_LEN],
                                  struct ha_pubkey **ret_key, struct ha_err *err)
{
    if (!ha_key_type_is_secret(type))
        return ha_fail(err, HA_E_INTERNAL, "a key of type %s has a public key", ha_key_type_info(type)->name);
    return from_tail(ha_spki_head_of(type), check, ret_key, err);
}

enum ha_code ha_pubkey_restore(const uint8_t *der, size_t n, struct ha_pubkey **ret_key, struct ha_err *err)
{
    const struct ha_spki_head *head = ha_spki_head_find(der, n);
    if (head && ha_key_type_is_secret(head->type))
        return from_tail(head, der + head->len, ret_key, err);
    return ha_pubkey_from_spki(der, n, ret_key, err);
}

struct ha_pubkey *ha_pubkey_copy(const struct ha_pubkey *key)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *copy = calloc(1, sizeof *copy);
    unsigned char *spki = copy ? OPENSSL_memdup(key->spki, key->spki_len) : NULL;
    if (!spki)
        return NULL;
    *copy = *key;
    copy->spki = spki;
    if (key->evp)
        EVP_PKEY_up_ref(key->evp);
    return ha_take(&copy);
}

enum ha_code ha_pubkey_from_pem(const char *pem, size_t n, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *bio = n <= INT_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
    if (!bio)
        return out_of_memory(err);
    ha_auto(ha_ossl_free_text) char *name = NULL, *header = NULL;
    ha_auto(ha_ossl_free) unsigned char *der = NULL;
    long len = 0;
    if (!PEM_read_bio(bio, &name, &header, &der, &len))
        return ha_ossl_fail(err, HA_E_MALFORMED, "the text isn't PEM");
    if (strcmp(name, PEM_STRING_PUBLIC) != 0) {
        OPENSSL_cleanse(der, (size_t)len);  // it may be somebody's private key
        ha_fail(err, HA_E_MALFORMED, "the PEM block is a \"%.64s\"", name);
        return ha_hint(err, "Give a \"PUBLIC KEY\" (openssl pkey -pubout writes one).");
    }
    char *rest = NULL;
    long rest_len = BIO_get_mem_data(bio, &rest);
    if (rest_len > 0 && memmem(rest, (size_t)rest_len, "-----BEGIN", 10))
        return ha_fail(err, HA_E_MALFORMED, "more than one PEM block");
    return ha_pubkey_from_spki(der, (size_t)len, ret_key, err);
}

void ha_pubkey_free(struct ha_pubkey *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->evp);
    OPENSSL_free(key->spki);
    free(key);
}

enum ha_key_type ha_pubkey_type(const struct ha_pubkey *key)
{
    return key->type;
}

bool ha_pubkey_is_public(const struct ha_pubkey *key)
{
    return key->evp != NULL;
}

unsigned ha_pubkey_bits(const struct ha_pubkey *key)
{
    return key->bits;
}

const uint8_t *ha_pubkey_spki(const struct ha_pubkey *key, size_t *ret_len)
{
    *ret_len = key->spki_len;
    return key->spki;
}

const uint8_t *ha_pubkey_spki_sha256(const struct ha_pubkey *key)
{
    return key->spki_sha256;
}

EVP_PKEY *ha_pubkey_evp(const struct ha_pubkey *key)
{
    return key->evp;
}

void ha_pubkey_to_pem(const struct ha_pubkey *key, struct ha_buf *out)
{
    ha_buf_puts(out, "-----BEGIN " PEM_STRING_PUBLIC "-----\n");
    ha_b64_encode(out, key->spki, key->spki_len, 64);
    ha_buf_puts(out, "-----END " PEM_STRING_PUBLIC "-----\n");
}
