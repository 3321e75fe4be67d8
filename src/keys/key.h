// SPDX-License-Identifier: Apache-2.0
// A named key: what stands in its file, and what became of it in the token. Shared by reference, immutable but for its
// state.
#pragma once

#include "base/auto.h"
#include "channel/token.h"
#include "crypto/pubkey.h"

#include <pthread.h>
#include <stdatomic.h>

#define HA_KEY_ID_MAX  64  // bytes of a CKA_ID
#define HA_TROUBLE_MAX 400

enum ha_key_phase {
    HA_PHASE_CREATING,  // the file was written, the objects perhaps
    HA_PHASE_READY,
    HA_PHASE_DELETING,  // the objects are perhaps destroyed
    HA_PHASE_COUNT
};

enum ha_key_state {
    HA_STATE_READY,
    HA_STATE_MISSING,     // the token doesn't have it
    HA_STATE_AMBIGUOUS,   // the token has more than one object that fits
    HA_STATE_INCOMPLETE,  // its creation was cut off
    HA_STATE_TOKEN_DOWN,  // not known: the token hasn't been ready since the start
    HA_STATE_COUNT
};
const char *ha_key_state_name(enum ha_key_state state);

struct ha_key {
    atomic_uint refs;
    char *name;
    enum ha_key_phase phase;
    enum ha_key_type type;
    unsigned purposes;
    bool adopted;  // made by someone else
    unsigned version;
    char created[25];  // ISO 8601
    char *token_name;
    struct ha_token *_Atomic token;  // NULL: none of the configuration
    uint8_t id[HA_KEY_ID_MAX];       // CKA_ID
    size_t id_len;
    struct ha_pubkey *public_key;  // NULL while HA_PHASE_CREATING
    _Atomic enum ha_key_state state;
    pthread_mutex_t lock;  // guards trouble
    char trouble[HA_TROUBLE_MAX];
};

// A new key with one reference. name and token_name are copied. NULL: out of memory.
struct ha_key *ha_key_new(const char *name, const char *token_name);
struct ha_key *ha_key_ref(struct ha_key *key);
void ha_key_unref(struct ha_key *key);  // NULL is fine
HA_AUTO_DEFINE(struct ha_key, ha_key_unref)

// trouble: why it isn't ready, and what to do; "" when it is.
void ha_key_set_state(struct ha_key *key, enum ha_key_state state, const char *trouble);
void ha_key_trouble(struct ha_key *key, char ret_text[static HA_TROUBLE_MAX]);
