// SPDX-License-Identifier: Apache-2.0
// Private keys in memory, by OpenSSL.
#include "softkey.h"

#include "crypto/ossl.h"
#include "crypto/sigenc.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct softkey *wrap(EVP_PKEY *evp)
{
    struct ha_err err = {0};
    struct softkey *key = calloc(1, sizeof *key);
    assert_non_null(key);
    assert_non_null(evp);
    key->evp = evp;
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(evp, &spki);
    assert_true(len > 0);
    assert_int_equal(ha_pubkey_from_spki(spki, (size_t)len, &key->pub, &err), HA_OK);
    OPENSSL_free(spki);
    return key;
}

// OpenSSL generates no moduli of an odd number of bits.
static EVP_PKEY *odd_rsa(unsigned bits)
{
    ha_auto(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
    ha_auto(BN_free) BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new(), *e = BN_new(), *d = BN_new();
    EVP_PKEY *evp = NULL;
    assert_true(BN_set_word(e, RSA_F4));
    do {
        // The two top bits of both primes are set, so that the product has all the bits.
        assert_true(BN_generate_prime_ex(p, (int)(bits + 1) / 2, 0, NULL, NULL, NULL));
        assert_true(BN_generate_prime_ex(q, (int)bits / 2, 0, NULL, NULL, NULL));
        assert_true(BN_mul(n, p, q, ctx));
        assert_true(BN_sub_word(p, 1) && BN_sub_word(q, 1) && BN_mul(p, p, q, ctx));
    } while (!BN_mod_inverse(d, e, p, ctx));
    ha_auto(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    assert_true(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
                OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
                OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d));
    ha_auto(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(make), 1);
    assert_int_equal(EVP_PKEY_fromdata(make, &evp, EVP_PKEY_KEYPAIR, params), 1);
    return evp;
}

struct softkey *softkey_new_rsa(unsigned bits)
{
    struct softkey *key = wrap(bits % 2 ? odd_rsa(bits) : EVP_RSA_gen(bits));
    assert_int_equal(ha_pubkey_bits(key->pub), bits);
    return key;
}

struct softkey *softkey_new(enum ha_key_type type)
{
    const struct ha_key_type_info *info = ha_key_type_info(type);
    if (info->family == HA_FAMILY_RSA)
        return softkey_new_rsa(info->bits);
    if (info->family == HA_FAMILY_ED)
        return wrap(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    return wrap(EVP_EC_gen(info->jwk_curve));
}

struct softkey *softkey_from_pem(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    struct softkey *key = wrap(PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
    BIO_free(bio);
    return key;
}

void softkey_free(struct softkey *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->evp);
    ha_pubkey_free(key->pub);
    free(key);
}

static enum ha_code softkey_sign(void *context, enum ha_alg alg, const void *data, size_t n, struct ha_buf *out,
                                 struct ha_err *err)
{
    struct softkey *key = context;
    const struct ha_alg_info *info = ha_alg_info(alg);
    key->signatures++;
    ha_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = NULL;
    const char *md = info->hash ? ha_hash_info(info->hash)->name : NULL;
    assert_int_equal(EVP_DigestSignInit_ex(ctx, &pkey_ctx, md, NULL, NULL, key->evp, NULL), 1);
    if (info->padding == HA_PAD_PSS) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
    }
    uint8_t sig[2048];
    size_t len = sizeof sig;
    assert_int_equal(EVP_DigestSign(ctx, sig, &len, data, n), 1);
    size_t before = out->len;
    if (info->family == HA_FAMILY_EC) {
        size_t field_len = (ha_pubkey_bits(key->pub) + 7) / 8;
        assert_int_equal(ha_ecdsa_der_to_raw(sig, len, field_len, out, err), HA_OK);
    } else {
        ha_buf_append(out, sig, len);
    }
    if (key->lies)
        out->data[before + 9] ^= 1;
    return HA_OK;
}

struct ha_signer softkey_signer(struct softkey *key)
{
    return (struct ha_signer){.public_key = key->pub, .context = key, .sign = softkey_sign};
}

void softkey_raw_rsa(const struct softkey *key, const uint8_t *block, size_t n, uint8_t *ret_result)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0);
    size_t len = n;
    assert_int_equal(EVP_PKEY_decrypt(ctx, ret_result, &len, block, n), 1);
    assert_int_equal(len, n);
}
