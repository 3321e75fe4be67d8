// SPDX-License-Identifier: Apache-2.0
// ECDH at the agent: the plain shared secret. Key derivation functions are for the program.

#include "provider/complain.h"
#include "provider/remote.h"

#include <openssl/core_names.h>
#include <stdlib.h>

struct exchange {
    struct ha_provider *provider;
    struct ha_pkey *key;
    struct ha_pkey *peer;
};

static void *new_context(void *provider)
{
    struct exchange *ctx = calloc(1, sizeof *ctx);
    if (ctx)
        ctx->provider = provider;
    return ctx;
}

static void free_context(void *context)
{
    struct exchange *ctx = context;
    if (!ctx)
        return;
    ha_pkey_free(ctx->key);
    ha_pkey_free(ctx->peer);
    free(ctx);
}

static void *dup_context(void *context)
{
    const struct exchange *from = context;
    struct exchange *ctx = new_context(from->provider);
    if (!ctx)
        return NULL;
    ctx->key = from->key ? ha_pkey_ref(from->key) : NULL;
    ctx->peer = from->peer ? ha_pkey_ref(from->peer) : NULL;
    return ctx;
}

static int init(void *context, void *key, const OSSL_PARAM params[])
{
    struct exchange *ctx = context;
    if (!key || !*((struct ha_pkey *)key)->name)
        return 0;
    ha_pkey_ref(key);
    ha_pkey_free(ctx->key);
    ctx->key = key;
    return 1;
}

static int set_peer(void *context, void *peer)
{
    struct exchange *ctx = context;
    const struct ha_pkey *theirs = peer;
    if (!ctx->key || !theirs || !theirs->pub || EVP_PKEY_parameters_eq(ctx->key->pub, theirs->pub) != 1) {
        ha_complain(ctx->provider, HA_REASON_UNSUPPORTED, ctx->key ? ctx->key->name : NULL,
                    "the peer's key isn't on the same curve");
        return 0;
    }
    ha_pkey_ref(peer);
    ha_pkey_free(ctx->peer);
    ctx->peer = peer;
    return 1;
}

static int derive(void *context, unsigned char *secret, size_t *ret_len, size_t size)
{
    const struct exchange *ctx = context;
    if (!ctx->key || !ctx->peer)
        return 0;
    size_t len = ((size_t)EVP_PKEY_get_bits(ctx->key->pub) + 7) / 8;
    if (secret) {
        len = size;
        if (!ha_remote_derive(ctx->key, ctx->peer->pub, secret, &len))
            return 0;
    }
    *ret_len = len;
    return 1;
}

const OSSL_DISPATCH ha_exchange_ecdh[] = {
    {OSSL_FUNC_KEYEXCH_NEWCTX, (void (*)(void))new_context},
    {OSSL_FUNC_KEYEXCH_FREECTX, (void (*)(void))free_context},
    {OSSL_FUNC_KEYEXCH_DUPCTX, (void (*)(void))dup_context},
    {OSSL_FUNC_KEYEXCH_INIT, (void (*)(void))init},
    {OSSL_FUNC_KEYEXCH_SET_PEER, (void (*)(void))set_peer},
    {OSSL_FUNC_KEYEXCH_DERIVE, (void (*)(void))derive},
    {0},
};
