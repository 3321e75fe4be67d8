// SPDX-License-Identifier: Apache-2.0
// Key objects as OpenSSL's core sees them. Everything public is the default provider's work; the private half can
// only be used.

#include "provider/pkey.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#define PRIVATE OSSL_KEYMGMT_SELECT_PRIVATE_KEY

static void *new_rsa(void *provider)
{
    return ha_pkey_new(provider, HA_PROVIDER_RSA);
}

static void *new_rsa_pss(void *provider)
{
    return ha_pkey_new(provider, HA_PROVIDER_RSA_PSS);
}

static void *new_ec(void *provider)
{
    return ha_pkey_new(provider, HA_PROVIDER_EC);
}

static void *new_ed25519(void *provider)
{
    return ha_pkey_new(provider, HA_PROVIDER_ED25519);
}

static void key_free(void *key)
{
    ha_pkey_free(key);
}

// What our decoders and our store hand over: the address of a pointer to the key, which is taken out.
static void *load(enum ha_provider_type type, const void *reference, size_t size)
{
    struct ha_pkey **address = (struct ha_pkey **)reference;
    if (!reference || size != sizeof *address || !*address || (*address)->type != type)
        return NULL;
    return ha_take(address);
}

static void *load_rsa(const void *reference, size_t size)
{
    return load(HA_PROVIDER_RSA, reference, size);
}

static void *load_rsa_pss(const void *reference, size_t size)
{
    return load(HA_PROVIDER_RSA_PSS, reference, size);
}

static void *load_ec(const void *reference, size_t size)
{
    return load(HA_PROVIDER_EC, reference, size);
}

static void *load_ed25519(const void *reference, size_t size)
{
    return load(HA_PROVIDER_ED25519, reference, size);
}

static void *another(const void *key, int selection)
{
    // Key objects don't change, so a copy is one more reference.
    return ha_pkey_ref((struct ha_pkey *)key);
}

static int has(const void *context, int selection)
{
    const struct ha_pkey *key = context;
    if (!key || !key->pub)
        return 0;
    return !(selection & PRIVATE) || *key->name;
}

static int match(const void *context_a, const void *context_b, int selection)
{
    const struct ha_pkey *a = context_a, *b = context_b;
    if (!a->pub || !b->pub)
        return 0;
    if (selection & OSSL_KEYMGMT_SELECT_KEYPAIR)
        return EVP_PKEY_eq(a->pub, b->pub) == 1;
    return EVP_PKEY_parameters_eq(a->pub, b->pub) == 1;
}

static int get_params(void *context, OSSL_PARAM params[])
{
    const struct ha_pkey *key = context;
    return key->pub && EVP_PKEY_get_params(key->pub, params);
}

static const OSSL_PARAM *gettable_rsa(void *provider)
{
    return EVP_KEYMGMT_gettable_params(((struct ha_provider *)provider)->keymgmt[HA_PROVIDER_RSA]);
}

static const OSSL_PARAM *gettable_rsa_pss(void *provider)
{
    return EVP_KEYMGMT_gettable_params(((struct ha_provider *)provider)->keymgmt[HA_PROVIDER_RSA_PSS]);
}

static const OSSL_PARAM *gettable_ec(void *provider)
{
    return EVP_KEYMGMT_gettable_params(((struct ha_provider *)provider)->keymgmt[HA_PROVIDER_EC]);
}

static const OSSL_PARAM *gettable_ed25519(void *provider)
{
    return EVP_KEYMGMT_gettable_params(((struct ha_provider *)provider)->keymgmt[HA_PROVIDER_ED25519]);
}

// The core asks for the private half to sign with it in the default provider. Were it given the public one, it would
// keep that, and fail later.
static int export(void *context, int selection, OSSL_CALLBACK *callback, void *argument)
{
    const struct ha_pkey *key = context;
    OSSL_PARAM *params = NULL;
    if (!key->pub || (selection & PRIVATE))
        return 0;
    int wanted = selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS;
    if (!EVP_PKEY_todata(key->pub, wanted, &params))
        return 0;
    int done = callback(params, argument);
    OSSL_PARAM_free(params);
    return done;
}

// Public keys come in to be compared with ours. Private ones stay where they can be used.
static int import(void *context, int selection, const OSSL_PARAM params[])
{
    struct ha_pkey *key = context;
    EVP_PKEY *pub = NULL;
    if (key->pub || OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_D) ||
        OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY))
        return 0;
    const struct ha_provider *provider = key->provider;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(provider->libctx, ha_provider_type_name(key->type), NULL);
    int wanted = selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS;
    if (maker && EVP_PKEY_fromdata_init(maker) == 1)
        EVP_PKEY_fromdata(maker, &pub, wanted, (OSSL_PARAM *)params);
    EVP_PKEY_CTX_free(maker);
    key->pub = pub;
    return pub != NULL;
}

static const OSSL_PARAM *types_rsa(int selection)
{
    static const OSSL_PARAM public[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_END,
    };
    return selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? public : NULL;
}

// With what the key may be restricted to (RFC 4055 section 3.1).
static const OSSL_PARAM *types_rsa_pss(int selection)
{
    static const OSSL_PARAM public[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_MASKGENFUNC, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, NULL),
        OSSL_PARAM_END,
    };
    return selection & (OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_OTHER_PARAMETERS) ? public : NULL;
}

static const OSSL_PARAM *types_ec(int selection)
{
    static const OSSL_PARAM public[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    static const OSSL_PARAM group[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_END,
    };
    if (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY)
        return public;
    return selection & OSSL_KEYMGMT_SELECT_ALL_PARAMETERS ? group : NULL;
}

static const OSSL_PARAM *types_ed25519(int selection)
{
    static const OSSL_PARAM public[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    return selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? public : NULL;
}

static const char *operation_rsa_pss(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "RSA" : NULL;
}

static const char *operation_ec(int operation)
{
    switch (operation) {
    case OSSL_OP_SIGNATURE:
        return "ECDSA";
    case OSSL_OP_KEYEXCH:
        return "ECDH";
    default:
        return NULL;
    }
}

#define COMMON_FUNCTIONS                                                                                               \
    {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))key_free}, {OSSL_FUNC_KEYMGMT_DUP, (void (*)(void))another},              \
        {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))has}, {OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))match},                \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))get_params},                                                    \
        {OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void)) export},                                                           \
    {                                                                                                                  \
        OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))import                                                               \
    }

const OSSL_DISPATCH ha_keymgmt_rsa[] = {
    COMMON_FUNCTIONS,
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_rsa},
    {OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))load_rsa},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable_rsa},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))types_rsa},
    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))types_rsa},
    {0},
};

const OSSL_DISPATCH ha_keymgmt_rsa_pss[] = {
    COMMON_FUNCTIONS,
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_rsa_pss},
    {OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))load_rsa_pss},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable_rsa_pss},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))types_rsa_pss},
    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))types_rsa_pss},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))operation_rsa_pss},
    {0},
};

const OSSL_DISPATCH ha_keymgmt_ec[] = {
    COMMON_FUNCTIONS,
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_ec},
    {OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))load_ec},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable_ec},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))types_ec},
    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))types_ec},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))operation_ec},
    {0},
};

const OSSL_DISPATCH ha_keymgmt_ed25519[] = {
    COMMON_FUNCTIONS,
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))new_ed25519},
    {OSSL_FUNC_KEYMGMT_LOAD, (void (*)(void))load_ed25519},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))gettable_ed25519},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))types_ed25519},
    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))types_ed25519},
    {0},
};
