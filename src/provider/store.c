// SPDX-License-Identifier: Apache-2.0
// Opens hsm-agent:NAME, for programs that take a URI where a key file goes. The public key comes from the agent.

#include "provider/complain.h"
#include "provider/pkey.h"
#include "provider/reference.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/params.h>
#include <openssl/store.h>
#include <stdlib.h>
#include <string.h>

struct store {
    struct ha_provider *provider;
    struct ha_reference reference;
    bool key_wanted;
    bool done;
};

static void *open_uri(void *context, const char *uri)
{
    struct ha_provider *provider = context;
    struct store *store = calloc(1, sizeof *store);
    const char *wrong = store ? ha_reference_uri(uri, strlen(uri), &store->reference) : "out of memory";
    if (wrong) {
        ha_complain(provider, HA_REASON_KEY, NULL, "%s: %s", uri, wrong);
        free(store);
        return NULL;
    }
    store->provider = provider;
    store->key_wanted = true;
    return store;
}

static const OSSL_PARAM *settable(void *provider)
{
    static const OSSL_PARAM table[] = {OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL), OSSL_PARAM_END};
    return table;
}

static int set_params(void *context, const OSSL_PARAM params[])
{
    struct store *store = context;
    int expected = 0;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
    if (!p)
        return 1;
    if (!OSSL_PARAM_get_int(p, &expected))
        return 0;
    store->key_wanted = expected == 0 || expected == OSSL_STORE_INFO_PKEY || expected == OSSL_STORE_INFO_PUBKEY;
    return 1;
}

static int load(void *context, OSSL_CALLBACK *callback, void *argument, OSSL_PASSPHRASE_CALLBACK *passphrase,
                void *passphrase_argument)
{
    struct store *store = context;
    store->done = true;
    if (!store->key_wanted)
        return 0;
    ha_auto(ha_pkey_free) struct ha_pkey *key = ha_pkey_open(store->provider, &store->reference);
    if (!key)
        return 0;
    int object = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_int(OSSL_OBJECT_PARAM_TYPE, &object),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, (char *)ha_provider_type_name(key->type), 0),
        OSSL_PARAM_octet_string(OSSL_OBJECT_PARAM_REFERENCE, &key, sizeof key),
        OSSL_PARAM_END,
    };
    return callback(params, argument);
}

static int at_end(void *context)
{
    return ((struct store *)context)->done;
}

static int close_store(void *context)
{
    free(context);
    return 1;
}

const OSSL_DISPATCH ha_store_loader[] = {
    {OSSL_FUNC_STORE_OPEN, (void (*)(void))open_uri},
    {OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, (void (*)(void))settable},
    {OSSL_FUNC_STORE_SET_CTX_PARAMS, (void (*)(void))set_params},
    {OSSL_FUNC_STORE_LOAD, (void (*)(void))load},
    {OSSL_FUNC_STORE_EOF, (void (*)(void))at_end},
    {OSSL_FUNC_STORE_CLOSE, (void (*)(void))close_store},
    {0},
};
