// SPDX-License-Identifier: Apache-2.0
// The provider's entry point, and what it tells the core of itself.

#include "provider/provider.h"
#include "provider/async.h"

#include "base/auto.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define PROPERTIES "provider=hsmagent"
#define REFERENCE  ",structure=hsm-agent-key"

enum { TIMEOUT_MS = 10000 };

static const char *const type_names[] = {
    [HA_PROVIDER_RSA] = "RSA",
    [HA_PROVIDER_RSA_PSS] = "RSA-PSS",
    [HA_PROVIDER_EC] = "EC",
    [HA_PROVIDER_ED25519] = "ED25519",
};
static_assert(HA_ARRAY_SIZE(type_names) == HA_PROVIDER_TYPE_COUNT, "a name for each type");

static const OSSL_ALGORITHM keymgmts[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, ha_keymgmt_rsa, "RSA keys of hsm-agent"},
    {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", PROPERTIES, ha_keymgmt_rsa_pss, "RSA keys of hsm-agent, for PSS only"},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTIES, ha_keymgmt_ec, "EC keys of hsm-agent"},
    {"ED25519:1.3.101.112", PROPERTIES, ha_keymgmt_ed25519, "Ed25519 keys of hsm-agent"},
    {0},
};

static const OSSL_ALGORITHM signatures[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, ha_signature_rsa, "RSA signatures by hsm-agent"},
    {"ECDSA", PROPERTIES, ha_signature_ecdsa, "ECDSA by hsm-agent"},
    {"ED25519:1.3.101.112", PROPERTIES, ha_signature_ed25519, "Ed25519 signatures by hsm-agent"},
    {0},
};

static const OSSL_ALGORITHM ciphers[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTIES, ha_cipher_rsa, "RSA decryption by hsm-agent"},
    {0},
};

static const OSSL_ALGORITHM exchanges[] = {
    {"ECDH", PROPERTIES, ha_exchange_ecdh, "ECDH by hsm-agent"},
    {0},
};

static const OSSL_ALGORITHM decoders[] = {
    {"DER", PROPERTIES ",input=pem", ha_decoder_pem, "PEM of a key reference"},
    {"RSA", PROPERTIES ",input=der" REFERENCE, ha_decoder_rsa, "a reference to an RSA key"},
    {"RSA-PSS", PROPERTIES ",input=der" REFERENCE, ha_decoder_rsa_pss, "a reference to an RSA key for PSS only"},
    {"EC", PROPERTIES ",input=der" REFERENCE, ha_decoder_ec, "a reference to an EC key"},
    {"ED25519", PROPERTIES ",input=der" REFERENCE, ha_decoder_ed25519, "a reference to an Ed25519 key"},
    {0},
};

static const OSSL_ALGORITHM stores[] = {
    {"hsm-agent", PROPERTIES, ha_store_loader, "hsm-agent:NAME"},
    {0},
};

static const OSSL_ITEM reasons[] = {
    {HA_REASON_AGENT, (void *)"the agent can't do it now"},
    {HA_REASON_REFUSED, (void *)"the agent refuses"},
    {HA_REASON_UNSUPPORTED, (void *)"not possible with a key of the agent"},
    {HA_REASON_KEY, (void *)"the key reference is no good"},
    {HA_REASON_MEMORY, (void *)"out of memory"},
    {0},
};

const char *ha_provider_type_name(enum ha_provider_type type)
{
    return type_names[type];
}

hsm_agent *ha_provider_agent_new(const char *socket_path)
{
    const struct hsm_agent_options options = {
        .socket_path = socket_path,
        .timeout_ms = TIMEOUT_MS,
        .wait = ha_async_wait,
    };
    return hsm_agent_new(&options);
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *ret_no_cache)
{
    *ret_no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return keymgmts;
    case OSSL_OP_SIGNATURE:
        return signatures;
    case OSSL_OP_ASYM_CIPHER:
        return ciphers;
    case OSSL_OP_KEYEXCH:
        return exchanges;
    case OSSL_OP_DECODER:
        return decoders;
    case OSSL_OP_STORE:
        return stores;
    default:
        return NULL;
    }
}

static const OSSL_PARAM *gettable(void *context)
{
    static const OSSL_PARAM table[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_END,
    };
    return table;
}

static int get_params(void *context, OSSL_PARAM params[])
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
    if (p && !OSSL_PARAM_set_utf8_ptr(p, "hsm-agent provider"))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_VERSION);
    if (p && !OSSL_PARAM_set_utf8_ptr(p, HA_VERSION))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_BUILDINFO);
    if (p && !OSSL_PARAM_set_utf8_ptr(p, HA_VERSION))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    return !p || OSSL_PARAM_set_int(p, 1);
}

static const OSSL_ITEM *reason_strings(void *context)
{
    return reasons;
}

static void teardown(void *context)
{
    struct ha_provider *provider = context;
    if (!provider)
        return;
    for (size_t i = 0; i < HA_PROVIDER_TYPE_COUNT; i++)
        EVP_KEYMGMT_free(provider->keymgmt[i]);
    if (provider->software)
        OSSL_PROVIDER_unload(provider->software);
    OSSL_LIB_CTX_free(provider->libctx);
    hsm_agent_free(provider->agent);
    free(provider);
}
HA_AUTO_DEFINE(struct ha_provider, teardown)

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable},
    {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, (void (*)(void))reason_strings},
    {0},
};

// The socket that the provider's section in openssl.cnf names; NULL: none.
static const char *configured_socket(const OSSL_CORE_HANDLE *core, OSSL_FUNC_core_get_params_fn *get)
{
    char *path = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr("socket", &path, 0), OSSL_PARAM_END};
    if (!get || !get(core, params))
        return NULL;
    return path;
}

__attribute__((visibility("default"))) OSSL_provider_init_fn OSSL_provider_init;

int OSSL_provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **ret_out,
                       void **ret_context)
{
    ha_auto(teardown) struct ha_provider *provider = calloc(1, sizeof *provider);
    OSSL_FUNC_core_get_params_fn *get_core_params = NULL;
    if (!provider)
        return 0;
    provider->core = core;
    for (const OSSL_DISPATCH *f = in; f->function_id != 0; f++) {
        if (f->function_id == OSSL_FUNC_CORE_GET_PARAMS)
            get_core_params = OSSL_FUNC_core_get_params(f);
        else if (f->function_id == OSSL_FUNC_CORE_NEW_ERROR)
            provider->new_error = OSSL_FUNC_core_new_error(f);
        else if (f->function_id == OSSL_FUNC_CORE_VSET_ERROR)
            provider->vset_error = OSSL_FUNC_core_vset_error(f);
    }
    if (!provider->new_error || !provider->vset_error)
        return 0;
    provider->libctx = OSSL_LIB_CTX_new_from_dispatch(core, in);
    provider->software = provider->libctx ? OSSL_PROVIDER_load(provider->libctx, "default") : NULL;
    if (!provider->software)
        return 0;
    for (size_t i = 0; i < HA_PROVIDER_TYPE_COUNT; i++) {
        provider->keymgmt[i] = EVP_KEYMGMT_fetch(provider->libctx, type_names[i], NULL);
        if (!provider->keymgmt[i])
            return 0;
    }
    provider->agent = ha_provider_agent_new(configured_socket(core, get_core_params));
    if (!provider->agent)
        return 0;
    *ret_out = provider_functions;
    *ret_context = ha_take(&provider);
    return 1;
}
