// SPDX-License-Identifier: Apache-2.0
#include "provider/pkey.h"

#include "provider/complain.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

HA_AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free)

struct ha_pkey *ha_pkey_new(struct ha_provider *provider, enum ha_provider_type type)
{
    struct ha_pkey *key = calloc(1, sizeof *key);
    if (!key)
        return NULL;
    key->provider = provider;
    key->type = type;
    key->agent = provider->agent;
    atomic_init(&key->refs, 1);
    atomic_init(&key->way, HA_PKEY_WAY_UNKNOWN);
    return key;
}

struct ha_pkey *ha_pkey_ref(struct ha_pkey *key)
{
    atomic_fetch_add(&key->refs, 1);
    return key;
}

void ha_pkey_free(struct ha_pkey *key)
{
    if (!key || atomic_fetch_sub(&key->refs, 1) != 1)
        return;
    EVP_PKEY_free(key->pub);
    hsm_agent_free(key->own_agent);
    free(key);
}

static bool type_of(const EVP_PKEY *pub, enum ha_provider_type *ret_type)
{
    for (size_t i = 0; i < HA_PROVIDER_TYPE_COUNT; i++) {
        if (EVP_PKEY_is_a(pub, ha_provider_type_name(i))) {
            *ret_type = i;
            return true;
        }
    }
    return false;
}

// The agent knows its RSA keys as such only: a key for PSS only is the same key under another algorithm identifier.
static EVP_PKEY *as_rsa(const struct ha_provider *provider, const EVP_PKEY *pss)
{
    EVP_PKEY *rsa = NULL;
    BIGNUM *n = NULL, *e = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(provider->libctx, ha_provider_type_name(HA_PROVIDER_RSA), NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (maker && builder && EVP_PKEY_get_bn_param(pss, OSSL_PKEY_PARAM_RSA_N, &n) &&
        EVP_PKEY_get_bn_param(pss, OSSL_PKEY_PARAM_RSA_E, &e) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params && EVP_PKEY_fromdata_init(maker) == 1)
        EVP_PKEY_fromdata(maker, &rsa, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(maker);
    BN_free(n);
    BN_free(e);
    return rsa;
}

// The SHA-256 of the SubjectPublicKeyInfo that the agent has for the key.
static bool hash_spki(struct ha_pkey *key, const EVP_PKEY *pub, const uint8_t *spki, size_t n)
{
    uint8_t *other = NULL;
    if (key->type == HA_PROVIDER_RSA_PSS) {
        ha_auto(EVP_PKEY_free) EVP_PKEY *rsa = as_rsa(key->provider, pub);
        int len = rsa ? i2d_PUBKEY(rsa, &other) : -1;
        if (len <= 0)
            return false;
        spki = other;
        n = (size_t)len;
    }
    int done = EVP_Q_digest(key->provider->libctx, "SHA256", NULL, spki, n, key->spki_sha256, NULL);
    OPENSSL_free(other);
    return done == 1;
}

static struct ha_pkey *open_with(struct ha_provider *provider, const struct ha_reference *reference,
                                 const uint8_t *spki, size_t n)
{
    enum ha_provider_type type;
    const uint8_t *p = spki;
    ha_auto(EVP_PKEY_free) EVP_PKEY *pub = d2i_PUBKEY_ex(NULL, &p, (long)n, provider->libctx, NULL);
    if (!pub || p != spki + n || !type_of(pub, &type)) {
        ha_complain(provider, HA_REASON_KEY, reference->name, "its public key isn't one of RSA, EC or Ed25519");
        return NULL;
    }
    ha_auto(ha_pkey_free) struct ha_pkey *key = ha_pkey_new(provider, type);
    if (!key || !hash_spki(key, pub, spki, n)) {
        ha_complain(provider, HA_REASON_MEMORY, reference->name, "out of memory");
        return NULL;
    }
    memcpy(key->name, reference->name, sizeof key->name);
    if (*reference->socket) {
        key->own_agent = ha_provider_agent_new(reference->socket);
        key->agent = key->own_agent;
        if (!key->agent) {
            ha_complain(provider, HA_REASON_MEMORY, reference->name, "out of memory");
            return NULL;
        }
    }
    key->pub = ha_take(&pub);
    return ha_take(&key);
}

struct ha_pkey *ha_pkey_open(struct ha_provider *provider, const struct ha_reference *reference)
{
    if (reference->spki)
        return open_with(provider, reference, reference->spki, reference->spki_len);
    hsm_agent *other = *reference->socket ? ha_provider_agent_new(reference->socket) : NULL;
    hsm_agent *agent = other ? other : provider->agent;
    struct hsm_agent_error error = {0};
    uint8_t *spki = NULL;
    size_t n = 0;
    struct ha_pkey *key = NULL;
    if (*reference->socket && !other)
        ha_complain(provider, HA_REASON_MEMORY, reference->name, "out of memory");
    else if (hsm_agent_public_key(agent, reference->name, &spki, &n, &error) != 0)
        ha_complain_of_agent(provider, reference->name, "asking for the public key", hsm_agent_socket(agent), &error);
    else
        key = open_with(provider, reference, spki, n);
    free(spki);
    hsm_agent_free(other);
    return key;
}
