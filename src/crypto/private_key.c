// SPDX-License-Identifier: Apache-2.0
#include "crypto/private_key.h"

#include "base/secret.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#define KEY_LEN   32  // AES
#define BLOCK_LEN 16

HA_AUTO_DEFINE(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

struct aes_key {
    uint8_t bytes[KEY_LEN];
};

static void aes_key_clear(struct aes_key *key)
{
    ha_wipe(key, sizeof(*key));
}
HA_AUTO_DEFINE_CLEAR(struct aes_key, aes_key_clear)

// --- Checking

// Three primes or more are in no token's template.
static bool is_multi_prime(const EVP_PKEY *evp)
{
    ha_auto(BN_free) BIGNUM *third = NULL;
    bool is = EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1;
    BN_clear(third);
    return is;
}

static enum ha_code check_kind(const EVP_PKEY *evp, struct ha_err *err)
{
    if (EVP_PKEY_is_a(evp, "RSA"))
        return is_multi_prime(evp) ? ha_fail(err, HA_E_KEY_CANNOT, "the RSA key has more than two primes") : HA_OK;
    if (EVP_PKEY_is_a(evp, "EC") || EVP_PKEY_is_a(evp, "ED25519"))
        return HA_OK;
    const char *name = EVP_PKEY_get0_type_name(evp);
    ha_fail(err, HA_E_KEY_CANNOT, "the key is of the kind %.40s, which isn't taken", name ? name : "?");
    return ha_hint(err, "Keys of RSA (2048, 3072 or 4096 bits), P-256, P-384, P-521 and Ed25519 are.");
}

static enum ha_code get_public(const EVP_PKEY *evp, struct ha_pubkey **ret_public, struct ha_err *err)
{
    ha_auto(ha_ossl_free) unsigned char *spki = NULL;
    ha_auto(ha_pubkey_free) struct ha_pubkey *public_key = NULL;
    int n = i2d_PUBKEY(evp, &spki);
    if (n <= 0)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the key's public half");
    if (ha_pubkey_from_spki(spki, (size_t)n, &public_key, err))
        return err->code;
    if (!ha_key_type_info(ha_pubkey_type(public_key))->creatable)
        return ha_fail(err, HA_E_KEY_CANNOT, "the RSA key has %u bits; keys of 2048, 3072 and 4096 bits are taken",
                       ha_pubkey_bits(public_key));
    *ret_public = ha_take(&public_key);
    return HA_OK;
}

static enum ha_code check_pair(EVP_PKEY *evp, struct ha_err *err)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, evp, NULL);
    // Ed25519's public key is made of the private one, so there is nothing to compare.
    bool fits = ctx && (EVP_PKEY_is_a(evp, "ED25519") || EVP_PKEY_check(ctx) == 1);
    ERR_clear_error();
    return fits ? HA_OK : ha_fail(err, HA_E_MALFORMED, "the key is damaged: its numbers don't fit together");
}

enum ha_code ha_private_key_encode(EVP_PKEY *evp, struct ha_buf *pkcs8, struct ha_pubkey **ret_public,
                                   struct ha_err *err)
{
    ha_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info = NULL;
    ha_auto(ha_pubkey_free) struct ha_pubkey *public_key = NULL;
    unsigned char *der = NULL;
    if (check_kind(evp, err) || get_public(evp, &public_key, err) || check_pair(evp, err))
        return err->code;
    int n = (info = EVP_PKEY2PKCS8(evp)) ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    if (n <= 0)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the key can't be written as PKCS#8");
    ha_buf_append(pkcs8, der, (size_t)n);
    OPENSSL_clear_free(der, (size_t)n);
    if (!ha_buf_ok(pkcs8))
        return ha_fail(err, HA_E_MEMORY, "no memory for a private key");
    *ret_public = ha_take(&public_key);
    return HA_OK;
}

enum ha_code ha_private_key_check(const uint8_t *der, size_t n, struct ha_buf *pkcs8, struct ha_pubkey **ret_public,
                                  struct ha_err *err)
{
    const unsigned char *at = der;
    ha_auto(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info = NULL;
    ha_auto(EVP_PKEY_free) EVP_PKEY *evp = NULL;
    if (n > HA_PRIVATE_KEY_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "a private key has at most %d bytes, not %zu", HA_PRIVATE_KEY_MAX, n);
    if (!(info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)n)) || at != der + n || !(evp = EVP_PKCS82PKEY(info))) {
        ERR_clear_error();  // its text may quote what is read
        return ha_fail(err, HA_E_MALFORMED, "that is no private key (PKCS#8 in DER, neither more nor less)");
    }
    return ha_private_key_encode(evp, pkcs8, ret_public, err);
}

// --- Sealing

static enum ha_code seal_aes_key(const struct ha_pubkey *rsa, const struct aes_key *key, struct ha_buf *sealed,
                                 struct ha_err *err)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ha_pubkey_evp(rsa), NULL);
    size_t n = (ha_pubkey_bits(rsa) + 7) / 8;
    uint8_t *at = ha_buf_reserve(sealed, n);
    if (!at)
        return ha_fail(err, HA_E_MEMORY, "no memory for a sealed key");
    if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha1()) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha1()) != 1 ||
        EVP_PKEY_encrypt(ctx, at, &n, key->bytes, sizeof(key->bytes)) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "sealing a key");
    ha_buf_advance(sealed, n);
    return HA_OK;
}

static enum ha_code wrap(const struct aes_key *key, bool cbc, const uint8_t *in, size_t n, struct ha_buf *out,
                         struct ha_err *err)
{
    static const uint8_t zeros[BLOCK_LEN] = {0};
    ha_auto(EVP_CIPHER_free) EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, cbc ? "AES-256-CBC" : "AES-256-WRAP-PAD", NULL);
    ha_auto(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int part = 0, rest = 0;
    uint8_t *at = ha_buf_reserve(out, n + 2 * BLOCK_LEN);
    if (!at || !ctx)
        return ha_fail(err, HA_E_MEMORY, "no memory for a wrapped key");
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (!cipher || !EVP_EncryptInit_ex2(ctx, cipher, key->bytes, cbc ? zeros : NULL, NULL) ||
        !EVP_EncryptUpdate(ctx, at, &part, in, (int)n) || !EVP_EncryptFinal_ex(ctx, at + part, &rest))
        return ha_ossl_fail(err, HA_E_INTERNAL, "wrapping a key");
    ha_buf_advance(out, (size_t)part + (size_t)rest);
    return HA_OK;
}

enum ha_code ha_private_key_seal(const struct ha_pubkey *rsa, bool cbc, const uint8_t *pkcs8, size_t n,
                                 struct ha_buf *sealed, struct ha_err *err)
{
    ha_auto(aes_key_clear) struct aes_key key;
    if (ha_key_type_info(ha_pubkey_type(rsa))->family != HA_FAMILY_RSA || n > HA_PRIVATE_KEY_MAX)
        return ha_fail(err, HA_E_INTERNAL, "that can't be sealed");
    if (RAND_priv_bytes(key.bytes, sizeof(key.bytes)) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "making a key");
    if (seal_aes_key(rsa, &key, sealed, err))
        return err->code;
    return wrap(&key, cbc, pkcs8, n, sealed, err);
}
