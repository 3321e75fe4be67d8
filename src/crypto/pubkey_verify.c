// SPDX-License-Identifier: Apache-2.0
// Verifying a signature with a public key.
#include "crypto/ossl.h"
#include "crypto/pubkey.h"
#include "crypto/sigenc.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

static bool set_padding(EVP_PKEY_CTX *ctx, enum ha_padding padding)
{
    switch (padding) {
    case HA_PAD_NONE:
        return true;
    case HA_PAD_PKCS1:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    case HA_PAD_PSS:
        // RFC 7518 section 3.5: the salt is as long as the hash, neither shorter nor longer.
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
    case HA_PAD_OAEP:
        break;
    }
    return false;
}

// What is signed: data, or the digest of it.
struct input {
    const void *bytes;
    size_t n;
    bool digest;
};

static bool verify_digest(const struct ha_pubkey *key, const struct ha_alg_info *info, const struct input *input,
                          const uint8_t *sig, size_t sig_len)
{
    if (info->hash == HA_HASH_NONE || input->n != ha_hash_info(info->hash)->len)
        return false;
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ha_pubkey_evp(key), NULL);
    const EVP_MD *md = EVP_get_digestbyname(ha_hash_info(info->hash)->name);
    return ctx && md && EVP_PKEY_verify_init(ctx) > 0 && set_padding(ctx, info->padding) &&
           EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
           EVP_PKEY_verify(ctx, sig, sig_len, input->bytes, input->n) == 1;
}

static bool verify(const struct ha_pubkey *key, const struct ha_alg_info *info, const struct input *input,
                   const uint8_t *sig, size_t sig_len)
{
    if (input->digest)
        return verify_digest(key, info, input, sig, sig_len);
    ha_auto(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pkey_ctx = NULL;
    const char *md = info->hash == HA_HASH_NONE ? NULL : ha_hash_info(info->hash)->name;
    return ctx && EVP_DigestVerifyInit_ex(ctx, &pkey_ctx, md, NULL, NULL, ha_pubkey_evp(key), NULL) > 0 &&
           set_padding(pkey_ctx, info->padding) && EVP_DigestVerify(ctx, sig, sig_len, input->bytes, input->n) == 1;
}

static bool verify_ecdsa(const struct ha_pubkey *key, const struct ha_alg_info *info, const struct input *input,
                         const uint8_t *sig, size_t sig_len)
{
    struct ha_err ignored = {0};
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    if (sig_len != 2 * (size_t)((ha_pubkey_bits(key) + 7) / 8))
        return false;
    return ha_ecdsa_raw_to_der(sig, sig_len, &der, &ignored) == HA_OK && verify(key, info, input, der.data, der.len);
}

static bool check(const struct ha_pubkey *key, enum ha_alg alg, const struct input *input, const uint8_t *sig,
                  size_t sig_len)
{
    const struct ha_alg_info *info = ha_alg_info(alg);
    if (!ha_alg_fits(alg, ha_pubkey_type(key)) || info->use != HA_USE_SIGN)
        return false;
    bool good = false;
    switch (info->family) {
    case HA_FAMILY_RSA:
        // OpenSSL takes shorter PSS signatures than the modulus; RFC 8017 section 8.1.2 doesn't.
        good = sig_len == (ha_pubkey_bits(key) + 7) / 8 && verify(key, info, input, sig, sig_len);
        break;
    case HA_FAMILY_EC:
        good = verify_ecdsa(key, info, input, sig, sig_len);
        break;
    case HA_FAMILY_ED:
        good = verify(key, info, input, sig, sig_len);
        break;
    case HA_FAMILY_MAC:  // they sign nothing
    case HA_FAMILY_KEK:
        break;
    }
    if (!good)
        ERR_clear_error();
    return good;
}

bool ha_pubkey_verify(const struct ha_pubkey *key, enum ha_alg alg, const void *data, size_t n, const uint8_t *sig,
                      size_t sig_len)
{
    return check(key, alg, &(const struct input){.bytes = data, .n = n}, sig, sig_len);
}

bool ha_pubkey_verify_digest(const struct ha_pubkey *key, enum ha_alg alg, const void *digest, size_t n,
                             const uint8_t *sig, size_t sig_len)
{
    return check(key, alg, &(const struct input){.bytes = digest, .n = n, .digest = true}, sig, sig_len);
}
