// SPDX-License-Identifier: Apache-2.0
#include "keys/key.h"

#include "keys/certificates.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const state_names[] = {
    [HA_STATE_READY] = "ready",         [HA_STATE_UNPROVEN] = "unproven",     [HA_STATE_MISSING] = "missing",
    [HA_STATE_AMBIGUOUS] = "ambiguous", [HA_STATE_INCOMPLETE] = "incomplete", [HA_STATE_TOKEN_DOWN] = "token-down",
};
static_assert(HA_ARRAY_SIZE(state_names) == HA_STATE_COUNT, "a name for each state");

const char *ha_key_state_name(enum ha_key_state state)
{
    return state_names[state];
}

struct ha_key *ha_key_new(const char *name)
{
    struct ha_key *key = calloc(1, sizeof(*key));
    if (!key)
        return NULL;
    atomic_init(&key->refs, 1);
    pthread_mutex_init(&key->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&key->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    key->version = 1;
    atomic_init(&key->activates_s, HA_ACTIVE_ALWAYS);
    key->name = strdup(name);
    if (!key->name) {
        ha_key_unref(key);
        return NULL;
    }
    return key;
}

enum ha_code ha_key_add_replica(struct ha_key *key, const char *token_name, const uint8_t *id, size_t id_len,
                                struct ha_err *err)
{
    assert(id_len <= HA_KEY_ID_MAX);
    if (key->n_replicas == HA_REPLICAS_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "a key has %d replicas at most", HA_REPLICAS_MAX);
    struct ha_replica *replicas = reallocarray(key->replicas, key->n_replicas + 1, sizeof(*replicas));
    if (!replicas)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    key->replicas = replicas;
    struct ha_replica *replica = &replicas[key->n_replicas];
    memset(replica, 0, sizeof(*replica));
    atomic_init(&replica->state, HA_STATE_TOKEN_DOWN);
    memcpy(replica->id, id, id_len);
    replica->id_len = id_len;
    replica->token_name = strdup(token_name);
    if (!replica->token_name)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    key->n_replicas++;
    return HA_OK;
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
    ha_key_certificate_unref(key->certificate);
    ha_pubkey_free(key->public_key);
    pthread_cond_destroy(&key->changed);
    pthread_mutex_destroy(&key->lock);
    for (size_t i = 0; i < key->n_replicas; i++)
        free(key->replicas[i].token_name);
    free(key->replicas);
    free(key->environment);
    free(key->holder);
    free(key->profile);
    free(key->name);
    free(key);
}

void ha_replica_set_state(struct ha_key *key, struct ha_replica *replica, enum ha_key_state state, const char *trouble)
{
    pthread_mutex_lock(&key->lock);
    snprintf(replica->trouble, sizeof(replica->trouble), "%s", trouble);
    atomic_store(&replica->state, state);
    pthread_cond_broadcast(&key->changed);
    pthread_mutex_unlock(&key->lock);
}

void ha_replica_trouble(struct ha_key *key, const struct ha_replica *replica, char ret_text[static HA_TROUBLE_MAX])
{
    pthread_mutex_lock(&key->lock);
    memcpy(ret_text, replica->trouble, HA_TROUBLE_MAX);
    pthread_mutex_unlock(&key->lock);
}

void ha_key_set_state(struct ha_key *key, enum ha_key_state state, const char *trouble)
{
    for (size_t i = 0; i < key->n_replicas; i++)
        ha_replica_set_state(key, &key->replicas[i], state, trouble);
}

enum ha_key_state ha_replica_state(const struct ha_key *key, const struct ha_replica *replica)
{
    enum ha_key_state state = atomic_load(&replica->state);
    if (key->n_replicas == 1 || (state != HA_STATE_READY && state != HA_STATE_UNPROVEN))
        return state;
    struct ha_token *token = atomic_load(&replica->token);
    unsigned outstanding;
    pid_t run;
    if (!token || !ha_token_outstanding(token, &outstanding, &run))
        return HA_STATE_TOKEN_DOWN;
    return run == atomic_load(&replica->run) ? state : HA_STATE_UNPROVEN;
}

// The nearer to being used, the better: a token comes back by itself, an object that is lost doesn't.
static const struct ha_replica *best(const struct ha_key *key)
{
    static const enum ha_key_state order[] = {HA_STATE_READY,     HA_STATE_UNPROVEN, HA_STATE_TOKEN_DOWN,
                                              HA_STATE_AMBIGUOUS, HA_STATE_MISSING,  HA_STATE_INCOMPLETE};
    static_assert(HA_ARRAY_SIZE(order) == HA_STATE_COUNT, "each state has a place");
    for (size_t at = 0; at < HA_ARRAY_SIZE(order); at++)
        for (size_t i = 0; i < key->n_replicas; i++)
            if (ha_replica_state(key, &key->replicas[i]) == order[at])
                return &key->replicas[i];
    return &key->replicas[0];
}

enum ha_key_state ha_key_state(const struct ha_key *key)
{
    return ha_replica_state(key, best(key));
}

void ha_key_trouble(struct ha_key *key, char ret_text[static HA_TROUBLE_MAX])
{
    ha_replica_trouble(key, best(key), ret_text);
}
