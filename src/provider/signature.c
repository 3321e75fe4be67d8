// SPDX-License-Identifier: Apache-2.0
// Signature contexts. A shadow, the default provider's context for verifying with the same public key, takes all
// parameters and verifies; to sign, they are read back from it and the agent is asked.

#include "provider/choice.h"
#include "provider/complain.h"
#include "provider/remote.h"

#include "base/buf.h"
#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

HA_AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free)

struct signature {
    struct ha_provider *provider;
    struct ha_pkey *key;
    EVP_PKEY_CTX *shadow;       // the shadow's parameters; owned, unless there is a digest_shadow that has it
    EVP_MD_CTX *digest_shadow;  // when the content is hashed here
    bool signs;
    // While content comes in pieces. Short content is kept, so that the agent can have it as it is.
    EVP_MD_CTX *hash;
    struct ha_buf content;
    bool content_whole;
};

static void forget_content(struct signature *ctx)
{
    EVP_MD_CTX_free(ctx->hash);
    ctx->hash = NULL;
    ha_buf_clear(&ctx->content);
    ctx->content_whole = true;
}

static void forget_operation(struct signature *ctx)
{
    forget_content(ctx);
    if (!ctx->digest_shadow)
        EVP_PKEY_CTX_free(ctx->shadow);
    EVP_MD_CTX_free(ctx->digest_shadow);
    ctx->shadow = NULL;
    ctx->digest_shadow = NULL;
}

static void *new_context(void *provider, const char *properties)
{
    struct signature *ctx = calloc(1, sizeof *ctx);
    if (ctx)
        ctx->provider = provider;
    return ctx;
}

static void free_context(void *context)
{
    struct signature *ctx = context;
    if (!ctx)
        return;
    forget_operation(ctx);
    ha_pkey_free(ctx->key);
    free(ctx);
}
HA_AUTO_DEFINE(struct signature, free_context)

static void *dup_context(void *context)
{
    const struct signature *from = context;
    ha_auto(free_context) struct signature *ctx = new_context(from->provider, NULL);
    if (!ctx)
        return NULL;
    ctx->key = from->key ? ha_pkey_ref(from->key) : NULL;
    ctx->signs = from->signs;
    ctx->content_whole = from->content_whole;
    ha_buf_append(&ctx->content, from->content.data, from->content.len);
    if (!ha_buf_ok(&ctx->content))
        return NULL;
    if (from->hash) {
        ctx->hash = EVP_MD_CTX_new();
        if (!ctx->hash || !EVP_MD_CTX_copy_ex(ctx->hash, from->hash))
            return NULL;
    }
    if (from->digest_shadow) {
        ctx->digest_shadow = EVP_MD_CTX_new();
        if (!ctx->digest_shadow || !EVP_MD_CTX_copy_ex(ctx->digest_shadow, from->digest_shadow))
            return NULL;
        ctx->shadow = EVP_MD_CTX_get_pkey_ctx(ctx->digest_shadow);
    } else if (from->shadow) {
        ctx->shadow = EVP_PKEY_CTX_dup(from->shadow);
        if (!ctx->shadow)
            return NULL;
    }
    return ha_take(&ctx);
}

// key NULL: the key stays, and so does everything said of it, but for params.
static bool take_key(struct signature *ctx, struct ha_pkey *key, bool signs)
{
    if (!key && !ctx->key)
        return false;
    if (key) {
        ha_pkey_ref(key);
        ha_pkey_free(ctx->key);
        ctx->key = key;
    }
    ctx->signs = signs;
    if (signs && !*ctx->key->name) {
        ha_complain(ctx->provider, HA_REASON_KEY, NULL, "a public key can't sign");
        return false;
    }
    return ctx->key->pub != NULL;
}

static int set_params(void *context, const OSSL_PARAM params[])
{
    struct signature *ctx = context;
    if (!ctx->shadow || (params && EVP_PKEY_CTX_set_params(ctx->shadow, params) != 1))
        return 0;
    return !ctx->signs || ha_choice_settle(ctx->shadow, ctx->key->type);
}

static int init(struct signature *ctx, struct ha_pkey *key, bool signs, const OSSL_PARAM params[])
{
    if (!take_key(ctx, key, signs))
        return 0;
    if (key || !ctx->shadow) {
        forget_operation(ctx);
        ctx->shadow = EVP_PKEY_CTX_new_from_pkey(ctx->provider->libctx, ctx->key->pub, NULL);
        if (!ctx->shadow || EVP_PKEY_verify_init(ctx->shadow) != 1)
            return 0;
    }
    return set_params(ctx, params);
}

static int sign_init(void *context, void *key, const OSSL_PARAM params[])
{
    return init(context, key, true, params);
}

static int verify_init(void *context, void *key, const OSSL_PARAM params[])
{
    return init(context, key, false, params);
}

static int digest_init(struct signature *ctx, const char *hash, struct ha_pkey *key, bool signs,
                       const OSSL_PARAM params[])
{
    if (!take_key(ctx, key, signs))
        return 0;
    forget_content(ctx);
    if (key || hash || !ctx->digest_shadow) {
        forget_operation(ctx);
        ctx->digest_shadow = EVP_MD_CTX_new();
        if (!ctx->digest_shadow || EVP_DigestVerifyInit_ex(ctx->digest_shadow, &ctx->shadow, hash,
                                                           ctx->provider->libctx, NULL, ctx->key->pub, NULL) != 1) {
            ctx->shadow = NULL;
            return 0;
        }
    }
    return set_params(ctx, params);
}

static int digest_sign_init(void *context, const char *hash, void *key, const OSSL_PARAM params[])
{
    return digest_init(context, hash, key, true, params);
}

static int digest_verify_init(void *context, const char *hash, void *key, const OSSL_PARAM params[])
{
    return digest_init(context, hash, key, false, params);
}

// The room there is for a signature, or how much it takes when sig is NULL.
static bool room(const struct signature *ctx, const uint8_t *sig, size_t size, size_t *ret_len)
{
    size_t most = ctx->key ? (size_t)EVP_PKEY_get_size(ctx->key->pub) : 0;
    if (!most || (sig && size == 0))
        return false;
    *ret_len = sig ? size : most;
    return true;
}

static int sign(void *context, unsigned char *sig, size_t *ret_len, size_t size, const unsigned char *digest, size_t n)
{
    struct signature *ctx = context;
    struct ha_choice choice;
    uint8_t fitted[EVP_MAX_MD_SIZE];
    size_t len;
    if (!room(ctx, sig, size, &len))
        return 0;
    if (sig) {
        if (!ctx->shadow || !ha_choice_read(ctx->key, ctx->shadow, &choice))
            return 0;
        if (choice.by_digest && n > 0 && n <= sizeof fitted) {
            ha_digest_fit(digest, n, fitted, choice.digest_len);
            digest = fitted;
        } else if (n != choice.digest_len) {
            ha_complain(ctx->provider, HA_REASON_UNSUPPORTED, ctx->key->name, "%zu bytes aren't a digest of %s", n,
                        choice.algorithm);
            return 0;
        }
        if (!ha_remote_sign_digest(ctx->key, choice.algorithm, digest, choice.digest_len, sig, &len))
            return 0;
    }
    *ret_len = len;
    return 1;
}

static int verify(void *context, const unsigned char *sig, size_t len, const unsigned char *digest, size_t n)
{
    const struct signature *ctx = context;
    return ctx->shadow && EVP_PKEY_verify(ctx->shadow, sig, len, digest, n) == 1;
}

// The hash that the parameters name, for content that comes in pieces.
static bool start_hash(struct signature *ctx)
{
    char name[64] = "";
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, name, sizeof name), OSSL_PARAM_END};
    if (!ctx->shadow || ctx->key->type == HA_PROVIDER_ED25519 || EVP_PKEY_CTX_get_params(ctx->shadow, params) != 1)
        return false;
    EVP_MD *md = EVP_MD_fetch(ctx->provider->libctx, name, NULL);
    ha_auto(EVP_MD_CTX_free) EVP_MD_CTX *hash = md ? EVP_MD_CTX_new() : NULL;
    bool started = hash && EVP_DigestInit_ex2(hash, md, NULL) == 1;
    EVP_MD_free(md);
    if (started)
        ctx->hash = ha_take(&hash);
    return started;
}

static int sign_update(void *context, const unsigned char *bytes, size_t n)
{
    struct signature *ctx = context;
    if (!ctx->key || (!ctx->hash && !start_hash(ctx)))
        return 0;
    if (ctx->content_whole && n <= HA_REMOTE_CONTENT_MAX - ctx->content.len) {
        ha_buf_append(&ctx->content, bytes, n);
    } else {
        ha_buf_clear(&ctx->content);
        ctx->content_whole = false;
    }
    return ha_buf_ok(&ctx->content) && EVP_DigestUpdate(ctx->hash, bytes, n) == 1;
}

// Whether the agent is to have the content itself: what is too long for it, or has a hash that isn't the curve's, goes
// as a digest. For TLS the agent looks at all there is.
static bool find_whole(const struct signature *ctx, const struct ha_choice *choice, bool *ret_whole)
{
    enum ha_pkey_way way;
    if (!ha_remote_way(ctx->key, &way))
        return false;
    *ret_whole = !choice->by_digest || (way == HA_PKEY_WAY_TLS && choice->scheme);
    return true;
}

// hash: that of the content, so far.
static bool sign_hashed(struct signature *ctx, const struct ha_choice *choice, EVP_MD_CTX *hash, uint8_t *sig,
                        size_t *len)
{
    uint8_t digest[EVP_MAX_MD_SIZE], fitted[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_DigestFinal_ex(hash, digest, &n) != 1)
        return false;
    ha_digest_fit(digest, n, fitted, choice->digest_len);
    return ha_remote_sign_digest(ctx->key, choice->algorithm, fitted, choice->digest_len, sig, len);
}

static int sign_final(void *context, unsigned char *sig, size_t *ret_len, size_t size)
{
    struct signature *ctx = context;
    struct ha_choice choice;
    size_t len;
    if (!room(ctx, sig, size, &len))
        return 0;
    if (sig) {
        bool whole;
        if ((!ctx->hash && !start_hash(ctx)) || !ha_choice_read(ctx->key, ctx->shadow, &choice) ||
            !find_whole(ctx, &choice, &whole))
            return 0;
        whole = whole && ctx->content_whole;
        bool done = whole ? ha_remote_sign(ctx->key, choice.algorithm, choice.scheme, ctx->content.data,
                                           ctx->content.len, sig, &len)
                          : sign_hashed(ctx, &choice, ctx->hash, sig, &len);
        forget_content(ctx);
        if (!done)
            return 0;
    }
    *ret_len = len;
    return 1;
}

static int digest_sign(void *context, unsigned char *sig, size_t *ret_len, size_t size, const unsigned char *content,
                       size_t n)
{
    struct signature *ctx = context;
    struct ha_choice choice;
    size_t len;
    if (!room(ctx, sig, size, &len))
        return 0;
    if (!sig) {
        *ret_len = len;
        return 1;
    }
    bool whole;
    if (!ctx->shadow || !ha_choice_read(ctx->key, ctx->shadow, &choice) || !find_whole(ctx, &choice, &whole))
        return 0;
    // Ed25519 has no digest: too much content is for the agent to refuse.
    if (choice.digest_len && (!whole || n > HA_REMOTE_CONTENT_MAX))
        return sign_update(ctx, content, n) && sign_final(ctx, sig, ret_len, size);
    if (!ha_remote_sign(ctx->key, choice.algorithm, choice.scheme, content, n, sig, &len))
        return 0;
    *ret_len = len;
    return 1;
}

static int verify_update(void *context, const unsigned char *bytes, size_t n)
{
    const struct signature *ctx = context;
    return ctx->digest_shadow && EVP_DigestVerifyUpdate(ctx->digest_shadow, bytes, n) == 1;
}

static int verify_final(void *context, const unsigned char *sig, size_t len)
{
    const struct signature *ctx = context;
    return ctx->digest_shadow && EVP_DigestVerifyFinal(ctx->digest_shadow, sig, len) == 1;
}

static int digest_verify(void *context, const unsigned char *sig, size_t len, const unsigned char *content, size_t n)
{
    const struct signature *ctx = context;
    return ctx->digest_shadow && EVP_DigestVerify(ctx->digest_shadow, sig, len, content, n) == 1;
}

static int get_params(void *context, OSSL_PARAM params[])
{
    const struct signature *ctx = context;
    return ctx->shadow && EVP_PKEY_CTX_get_params(ctx->shadow, params) == 1;
}

static const OSSL_PARAM *gettable(void *context, void *provider)
{
    const struct signature *ctx = context;
    return ctx && ctx->shadow ? EVP_PKEY_CTX_gettable_params(ctx->shadow) : NULL;
}

static const OSSL_PARAM *settable(void *context, void *provider)
{
    const struct signature *ctx = context;
    return ctx && ctx->shadow ? EVP_PKEY_CTX_settable_params(ctx->shadow) : NULL;
}

#define COMMON_FUNCTIONS                                                                                               \
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))new_context},                                                         \
        {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))free_context},                                                   \
        {OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))dup_context},                                                     \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))digest_sign_init},                                      \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))digest_sign},                                                \
        {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, (void (*)(void))digest_verify_init},                                  \
        {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, (void (*)(void))digest_verify},                                            \
        {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (void (*)(void))get_params},                                              \
        {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (void (*)(void))gettable},                                           \
        {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))set_params},                                              \
    {                                                                                                                  \
        OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))settable                                              \
    }

// Of a digest, and of content in pieces. Ed25519 has neither.
#define DIGEST_FUNCTIONS                                                                                               \
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, (void (*)(void))sign_init}, {OSSL_FUNC_SIGNATURE_SIGN, (void (*)(void))sign},      \
        {OSSL_FUNC_SIGNATURE_VERIFY_INIT, (void (*)(void))verify_init},                                                \
        {OSSL_FUNC_SIGNATURE_VERIFY, (void (*)(void))verify},                                                          \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))sign_update},                                         \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))sign_final},                                           \
        {OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, (void (*)(void))verify_update},                                     \
    {                                                                                                                  \
        OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, (void (*)(void))verify_final                                          \
    }

const OSSL_DISPATCH ha_signature_rsa[] = {COMMON_FUNCTIONS, DIGEST_FUNCTIONS, {0}};
const OSSL_DISPATCH ha_signature_ecdsa[] = {COMMON_FUNCTIONS, DIGEST_FUNCTIONS, {0}};
const OSSL_DISPATCH ha_signature_ed25519[] = {COMMON_FUNCTIONS, {0}};
