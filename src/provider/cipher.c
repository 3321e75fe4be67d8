// SPDX-License-Identifier: Apache-2.0
// RSA decryption at the agent. As with signatures, a shadow that encrypts with the public key takes all parameters.

#include "provider/complain.h"
#include "provider/remote.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

enum { TLS_PADDING = 7 };  // RSA key exchange of TLS 1.2 and before

struct cipher {
    struct ha_provider *provider;
    struct ha_pkey *key;
    EVP_PKEY_CTX *shadow;
};

static void *new_context(void *provider)
{
    struct cipher *ctx = calloc(1, sizeof *ctx);
    if (ctx)
        ctx->provider = provider;
    return ctx;
}

static void free_context(void *context)
{
    struct cipher *ctx = context;
    if (!ctx)
        return;
    EVP_PKEY_CTX_free(ctx->shadow);
    ha_pkey_free(ctx->key);
    free(ctx);
}
HA_AUTO_DEFINE(struct cipher, free_context)

static void *dup_context(void *context)
{
    const struct cipher *from = context;
    ha_auto(free_context) struct cipher *ctx = new_context(from->provider);
    if (!ctx)
        return NULL;
    ctx->key = from->key ? ha_pkey_ref(from->key) : NULL;
    if (from->shadow) {
        ctx->shadow = EVP_PKEY_CTX_dup(from->shadow);
        if (!ctx->shadow)
            return NULL;
    }
    return ha_take(&ctx);
}

static int set_params(void *context, const OSSL_PARAM params[])
{
    struct cipher *ctx = context;
    return !params || (ctx->shadow && EVP_PKEY_CTX_set_params(ctx->shadow, params) == 1);
}

static int init(void *context, void *key, const OSSL_PARAM params[])
{
    struct cipher *ctx = context;
    if (!key || !((struct ha_pkey *)key)->pub)
        return 0;
    ha_pkey_ref(key);
    ha_pkey_free(ctx->key);
    ctx->key = key;
    EVP_PKEY_CTX_free(ctx->shadow);
    ctx->shadow = EVP_PKEY_CTX_new_from_pkey(ctx->provider->libctx, ctx->key->pub, NULL);
    return ctx->shadow && EVP_PKEY_encrypt_init(ctx->shadow) == 1 && set_params(ctx, params);
}

static int encrypt(void *context, unsigned char *out, size_t *ret_len, size_t size, const unsigned char *in, size_t n)
{
    const struct cipher *ctx = context;
    size_t len = size;
    if (!ctx->shadow || EVP_PKEY_encrypt(ctx->shadow, out, &len, in, n) != 1)
        return 0;
    *ret_len = len;
    return 1;
}

static const char *refuse(const struct cipher *ctx, const char *what)
{
    ha_complain(ctx->provider, HA_REASON_UNSUPPORTED, ctx->key->name, "%s", what);
    return NULL;
}

// The JOSE name of OAEP with the hashes that were set; NULL after a complaint.
static const char *oaep(const struct cipher *ctx)
{
    char hash[64] = "", mask[64] = "";
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, hash, sizeof hash),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, mask, sizeof mask),
        OSSL_PARAM_END,
    };
    if (EVP_PKEY_CTX_get_params(ctx->shadow, params) != 1)
        return refuse(ctx, "the parameters of OAEP can't be read");
    // Nobody set one: SHA-1.
    const char *algorithm = *hash ? NULL : "RSA-OAEP";
    EVP_MD *md = EVP_MD_fetch(ctx->provider->libctx, *hash ? hash : "SHA1", NULL);
    EVP_MD *mask_md = EVP_MD_fetch(ctx->provider->libctx, *mask ? mask : *hash ? hash : "SHA1", NULL);
    if (md && EVP_MD_is_a(md, "SHA1"))
        algorithm = "RSA-OAEP";
    else if (md && EVP_MD_is_a(md, "SHA256"))
        algorithm = "RSA-OAEP-256";
    bool same = md && mask_md && EVP_MD_is_a(mask_md, EVP_MD_get0_name(md));
    EVP_MD_free(md);
    EVP_MD_free(mask_md);
    if (!algorithm || !same)
        return refuse(ctx, "OAEP needs SHA-256, or SHA-1, for both of its hashes");
    return algorithm;
}

// The JOSE name of what the parameters mean; NULL after a complaint.
static const char *algorithm_of(const struct cipher *ctx)
{
    int padding = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_int(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &padding), OSSL_PARAM_END};
    if (EVP_PKEY_CTX_get_params(ctx->shadow, params) != 1)
        return refuse(ctx, "the padding can't be read");
    switch (padding) {
    case RSA_PKCS1_OAEP_PADDING:
        return oaep(ctx);
    case RSA_PKCS1_PADDING:
        return "RSA1_5";
    case TLS_PADDING:
        return refuse(ctx, "RSA key exchange isn't served; switch it off in the TLS server: add !kRSA to its ciphers");
    default:
        return refuse(ctx, "RSA decryption has the padding OAEP, or PKCS#1 v1.5 where the agent allows it");
    }
}

static int decrypt(void *context, unsigned char *out, size_t *ret_len, size_t size, const unsigned char *in, size_t n)
{
    const struct cipher *ctx = context;
    unsigned char *label = NULL;
    if (!ctx->shadow)
        return 0;
    size_t len = (size_t)EVP_PKEY_get_size(ctx->key->pub);
    if (!out) {
        *ret_len = len;
        return 1;
    }
    if (!*ctx->key->name) {
        ha_complain(ctx->provider, HA_REASON_KEY, NULL, "a public key can't decrypt");
        return 0;
    }
    const char *algorithm = algorithm_of(ctx);
    if (!algorithm)
        return 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_octet_ptr(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, (void **)&label, 0),
        OSSL_PARAM_END,
    };
    if (EVP_PKEY_CTX_get_params(ctx->shadow, params) != 1)
        return 0;
    size_t label_len = label && OSSL_PARAM_modified(params) ? params[0].return_size : 0;
    len = size;
    if (!ha_remote_decrypt(ctx->key, algorithm, in, n, label_len ? label : NULL, label_len, out, &len))
        return 0;
    *ret_len = len;
    return 1;
}

static int get_params(void *context, OSSL_PARAM params[])
{
    const struct cipher *ctx = context;
    return ctx->shadow && EVP_PKEY_CTX_get_params(ctx->shadow, params) == 1;
}

static const OSSL_PARAM *gettable(void *context, void *provider)
{
    const struct cipher *ctx = context;
    return ctx && ctx->shadow ? EVP_PKEY_CTX_gettable_params(ctx->shadow) : NULL;
}

static const OSSL_PARAM *settable(void *context, void *provider)
{
    const struct cipher *ctx = context;
    return ctx && ctx->shadow ? EVP_PKEY_CTX_settable_params(ctx->shadow) : NULL;
}

const OSSL_DISPATCH ha_cipher_rsa[] = {
    {OSSL_FUNC_ASYM_CIPHER_NEWCTX, (void (*)(void))new_context},
    {OSSL_FUNC_ASYM_CIPHER_FREECTX, (void (*)(void))free_context},
    {OSSL_FUNC_ASYM_CIPHER_DUPCTX, (void (*)(void))dup_context},
    {OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT, (void (*)(void))init},
    {OSSL_FUNC_ASYM_CIPHER_ENCRYPT, (void (*)(void))encrypt},
    {OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, (void (*)(void))init},
    {OSSL_FUNC_ASYM_CIPHER_DECRYPT, (void (*)(void))decrypt},
    {OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, (void (*)(void))get_params},
    {OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, (void (*)(void))gettable},
    {OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, (void (*)(void))set_params},
    {OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, (void (*)(void))settable},
    {0},
};
