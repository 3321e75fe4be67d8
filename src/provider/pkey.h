// SPDX-License-Identifier: Apache-2.0
// A key object: a public key in the provider's private library context, and the name of the agent's key that belongs
// to it. Doesn't change once it is made; counted, thread-safe.
#pragma once

#include "provider/provider.h"
#include "provider/reference.h"

#include "base/auto.h"

#include <stdatomic.h>

// What a key's purposes let it sign; learnt from the agent at the first signature.
enum ha_pkey_way { HA_PKEY_WAY_UNKNOWN, HA_PKEY_WAY_PLAIN, HA_PKEY_WAY_TLS };

struct ha_pkey {
    struct ha_provider *provider;  // borrowed; the core keeps it as long as it has keys
    atomic_uint refs;
    enum ha_provider_type type;
    EVP_PKEY *pub;     // NULL in a new object that waits for its import
    hsm_agent *agent;  // borrowed from the provider, or own_agent
    hsm_agent *own_agent;
    uint8_t spki_sha256[32];
    atomic_int way;                     // enum ha_pkey_way
    char name[HA_REFERENCE_NAME_SIZE];  // "": a public key only
};

// Without a public key. NULL: out of memory.
struct ha_pkey *ha_pkey_new(struct ha_provider *provider, enum ha_provider_type type);
struct ha_pkey *ha_pkey_ref(struct ha_pkey *key);
void ha_pkey_free(struct ha_pkey *key);
HA_AUTO_DEFINE(struct ha_pkey, ha_pkey_free)

// The key that the reference names; the public key comes from the reference, or from the agent when it has none. NULL
// after a complaint.
struct ha_pkey *ha_pkey_open(struct ha_provider *provider, const struct ha_reference *reference);
