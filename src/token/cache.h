// SPDX-License-Identifier: Apache-2.0
// Handles of keys that were found once, so that using a key searches for nothing. Thread-safe.
#pragma once

#include "base/err.h"
#include "crypto/alg.h"
#include "crypto/pubkey.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <threads.h>

#define HA_CKA_ID_MAX 255  // bytes of a CKA_ID

// What a key is known by: its CKA_ID and its public key (a secret key: its identity). Borrowed.
struct ha_key_name {
    const uint8_t *id;
    size_t id_len;        // 1..HA_CKA_ID_MAX
    const uint8_t *spki;  // SHA-256 of the SPKI, HA_SPKI_HASH_LEN bytes
    bool secret;          // an HMAC key, or
    bool kek;             // an AES key, with secret
};

struct ha_p11_key {
    CK_OBJECT_HANDLE handle;
    unsigned generation;  // of the token when the handle was found; a handle of another generation is void
    enum ha_key_type type;
    unsigned bits;             // of the modulus or the field
    bool always_authenticate;  // it wants the PIN for each signature and decryption (ha_login_context)
};

struct ha_cache_entry;
struct ha_cache {
    mtx_t lock;
    struct ha_cache_entry **buckets;
};

// Lives as long as the process.
void ha_cache_init(struct ha_cache *cache);
bool ha_cache_get(struct ha_cache *cache, const struct ha_key_name *name, struct ha_p11_key *ret_key);
// Adds or replaces. When memory is short it doesn't remember, which only costs time.
void ha_cache_put(struct ha_cache *cache, const struct ha_key_name *name, const struct ha_p11_key *key);
void ha_cache_drop(struct ha_cache *cache, const struct ha_key_name *name);
// Drops all keys with that CKA_ID.
void ha_cache_drop_id(struct ha_cache *cache, const uint8_t *id, size_t id_len);
