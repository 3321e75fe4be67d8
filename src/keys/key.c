// SPDX-License-Identifier: Apache-2.0
#include "keys/key.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    [HA_STATE_READY] = "ready",           [HA_STATE_MISSING] = "missing",       [HA_STATE_AMBIGUOUS] = "ambiguous",
    [HA_STATE_INCOMPLETE] = "incomplete", [HA_STATE_TOKEN_DOWN] = "token-down",
};
static_assert(HA_ARRAY_SIZE(state_names) == HA_STATE_COUNT, "a name for each state");

const char *ha_key_state_name(enum ha_key_state state)
{
    return state_names[state];
}

struct ha_key *ha_key_new(const char *name, const char *token_name)
{
    struct ha_key *key = calloc(1, sizeof(*key));
    if (!key)
        return NULL;
    atomic_init(&key->refs, 1);
    atomic_init(&key->state, HA_STATE_TOKEN_DOWN);
    pthread_mutex_init(&key->lock, NULL);
    key->version = 1;
    key->name = strdup(name);
    key->token_name = strdup(token_name);
    if (!key->name || !key->token_name) {
        ha_key_unref(key);
        return NULL;
    }
    return key;
}

struct ha_key *ha_key_ref(struct ha_key *key)
{
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void ha_key_unref(struct ha_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    ha_pubkey_free(key->public_key);
    pthread_mutex_destroy(&key->lock);
    free(key->name);
    free(key->token_name);
    free(key);
}

void ha_key_set_state(struct ha_key *key, enum ha_key_state state, const char *trouble)
{
    pthread_mutex_lock(&key->lock);
    snprintf(key->trouble, sizeof(key->trouble), "%s", trouble);
    pthread_mutex_unlock(&key->lock);
    atomic_store(&key->state, state);
}

void ha_key_trouble(struct ha_key *key, char ret_text[static HA_TROUBLE_MAX])
{
    pthread_mutex_lock(&key->lock);
    memcpy(ret_text, key->trouble, HA_TROUBLE_MAX);
    pthread_mutex_unlock(&key->lock);
}
