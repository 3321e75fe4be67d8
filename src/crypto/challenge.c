// SPDX-License-Identifier: Apache-2.0
#include "crypto/challenge.h"

#include "base/secret.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#define MODULUS_MAX 2048  // bytes
#define POINT_MAX   133   // bytes of an uncompressed point on P-521
#define SHARED_MAX  66    // bytes of its coordinate

static bool set_padding(EVP_PKEY_CTX *ctx, const struct ha_alg_info *alg)
{
    if (alg->padding != HA_PAD_OAEP)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    const EVP_MD *md = alg->hash == HA_HASH_SHA1 ? EVP_sha1() : EVP_sha256();
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0;
}

enum ha_code ha_challenge_encrypt(const struct ha_pubkey *key, enum ha_alg alg, const uint8_t *plaintext, size_t n,
                                  struct ha_buf *ciphertext, struct ha_err *err)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ha_pubkey_evp(key), NULL);
    uint8_t block[MODULUS_MAX];
    size_t len = sizeof(block);
    if (!ctx || EVP_PKEY_encrypt_init(ctx) <= 0 || !set_padding(ctx, ha_alg_info(alg)) ||
        EVP_PKEY_encrypt(ctx, block, &len, plaintext, n) <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encrypting to a public key");
    ha_buf_append(ciphertext, block, len);
    return ha_buf_ok(ciphertext) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

static EVP_PKEY *generate_like(EVP_PKEY *peer)
{
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
    EVP_PKEY *own = NULL;
    return ctx && EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_generate(ctx, &own) > 0 ? own : NULL;
}

enum ha_code ha_challenge_agree(const struct ha_pubkey *key, struct ha_buf *point, struct ha_buf *shared,
                                struct ha_err *err)
{
    EVP_PKEY *peer = ha_pubkey_evp(key);
    ha_auto(EVP_PKEY_free) EVP_PKEY *own = generate_like(peer);
    ha_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
    uint8_t public[POINT_MAX], secret[SHARED_MAX];
    size_t public_len, secret_len = sizeof(secret);
    if (!ctx ||
        EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_PUB_KEY, public, sizeof(public), &public_len) <= 0 ||
        EVP_PKEY_derive_init(ctx) <= 0 || EVP_PKEY_derive_set_peer(ctx, peer) <= 0 ||
        EVP_PKEY_derive(ctx, secret, &secret_len) <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "agreeing with a public key");
    ha_buf_append(point, public, public_len);
    ha_buf_append(shared, secret, secret_len);
    ha_wipe(secret, sizeof(secret));
    return ha_buf_ok(point) && ha_buf_ok(shared) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}
