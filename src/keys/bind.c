// SPDX-License-Identifier: Apache-2.0
// Binding: each key's file against what a token holds. A key is an object with its CKA_ID and its public key; two
// that fit are an error that names both, because a guess would sign with the wrong key. One of several replicas is used
// when it has proved itself besides.
#include "base/clock.h"
#include "keys/keys_internal.h"
#include "keys/objects.h"
#include "keys/prove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fits(const struct ha_key *key, const struct ha_object *object)
{
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(key->public_key, &n);
    return object->spki_len == n && memcmp(object->spki, spki, n) == 0;
}

static void log_unusable(const struct ha_keys *keys, const struct ha_key *key, const struct ha_replica *replica,
                         const char *trouble)
{
    ha_log(keys->log, HA_LOG_ERROR, "key-unusable", HA_S("key", key->name), HA_S("token", replica->token_name),
           HA_S("state", ha_key_state_name(atomic_load(&replica->state))), HA_S("cause", trouble));
}

static void bind_ready(const struct ha_keys *keys, struct ha_key *key, struct ha_replica *replica,
                       const struct ha_object *found, size_t n)
{
    char trouble[HA_TROUBLE_MAX];
    size_t fitting = 0;
    for (size_t i = 0; i < n; i++)
        fitting += fits(key, &found[i]);
    if (n == 1 && fitting == 1) {
        if (key->n_replicas == 1)
            ha_replica_set_state(key, replica, HA_STATE_READY, "");
        else
            ha_replica_set_state(key, replica, HA_STATE_UNPROVEN, "it is about to prove that it is this key");
        return;
    }
    enum ha_key_state state = HA_STATE_MISSING;
    if (n > 1) {
        // With one id, nothing tells for sure which private key belongs to which public key.
        char first[160], second[160];
        ha_object_name(&found[0], first, sizeof(first));
        ha_object_name(&found[1], second, sizeof(second));
        state = HA_STATE_AMBIGUOUS;
        snprintf(trouble, sizeof(trouble),
                 "%zu objects of the token fit: %.120s and %.120s; remove one or change its id", n, first, second);
    } else if (n > 0 && found[0].spki_len == 0) {
        snprintf(trouble, sizeof(trouble), "the token doesn't show this key's public key: %s", found[0].why);
    } else if (n > 0) {
        snprintf(trouble, sizeof(trouble),
                 "the object with this id in the token is another key; restore the token's backup, or delete the key");
    } else {
        snprintf(trouble, sizeof(trouble),
                 "the token has no such object; restore the token's backup, or delete the key");
    }
    ha_replica_set_state(key, replica, state, trouble);
    log_unusable(keys, key, replica, trouble);
}

// Destroys what may be left of the key in this token, and forgets the key when that was the last one.
static void finish_removal(struct ha_keys *keys, struct ha_key *key, struct ha_replica *replica, struct ha_token *token,
                           const char *event)
{
    struct ha_err err = {0};
    if (ha_keys_destroy_replica(key, replica, token, &err)) {
        ha_replica_set_state(key, replica, HA_STATE_INCOMPLETE,
                             "its removal was cut off; delete it again with `hsm-agent key delete`");
        ha_log_err(keys->log, HA_LOG_ERROR, "key-removal-failed", &err, HA_S("key", key->name));
        return;
    }
    for (size_t i = 0; i < key->n_replicas; i++) {
        if (!atomic_load(&key->replicas[i].gone)) {
            ha_replica_set_state(key, replica, HA_STATE_INCOMPLETE,
                                 "its deletion waits for the other tokens that hold the key");
            return;
        }
    }
    if (ha_certificates_remove(keys, key, &err) || ha_store_remove(&keys->store, key, &err)) {
        ha_log_err(keys->log, HA_LOG_ERROR, "key-removal-failed", &err, HA_S("key", key->name));
        return;
    }
    ha_log(keys->log, HA_LOG_WARN, event, HA_S("key", key->name));
    ha_keys_drop(keys, key);
}

// A key whose file says "creating" and that is missing in one of its tokens never came into being, so nobody can use
// it. (If it is in all of them, the file may also be a backup from the wrong moment.)
static bool is_gone_elsewhere(const struct ha_key *key)
{
    for (size_t i = 0; i < key->n_replicas; i++)
        if (atomic_load(&key->replicas[i].gone))
            return true;
    return false;
}

// What was found of such a key in tokens that were bound before.
static void undo_elsewhere(struct ha_keys *keys, struct ha_key *key)
{
    for (size_t i = 0; i < key->n_replicas; i++) {
        struct ha_replica *replica = &key->replicas[i];
        struct ha_token *token = atomic_load(&replica->token);
        if (token && !atomic_load(&replica->gone) && atomic_load(&replica->state) == HA_STATE_INCOMPLETE)
            finish_removal(keys, key, replica, token, "key-creation-undone");
    }
}

static void bind_one(struct ha_keys *keys, struct ha_key *key, struct ha_replica *replica, struct ha_token *token,
                     const struct ha_objects *objects)
{
    size_t first, n = ha_objects_find(objects, replica->id, replica->id_len, ha_key_type_is_secret(key->type), &first);
    switch ((enum ha_key_phase)atomic_load(&key->phase)) {
    case HA_PHASE_READY:
        bind_ready(keys, key, replica, n ? &objects->items[first] : NULL, n);
        return;
    case HA_PHASE_DELETING:
        finish_removal(keys, key, replica, token, "key-deletion-finished");
        return;
    case HA_PHASE_CREATING:
        if (n == 0 || is_gone_elsewhere(key)) {
            finish_removal(keys, key, replica, token, "key-creation-undone");
            undo_elsewhere(keys, key);
            return;
        }
        char object[160], trouble[HA_TROUBLE_MAX];
        ha_object_name(&objects->items[first], object, sizeof(object));
        snprintf(
            trouble, sizeof(trouble),
            "its creation was cut off after the token had made %.160s; nobody was told of this key: delete it with "
            "`hsm-agent key delete %s` and create it again",
            object, key->name);
        ha_replica_set_state(key, replica, HA_STATE_INCOMPLETE, trouble);
        ha_log(keys->log, HA_LOG_ERROR, "key-incomplete", HA_S("key", key->name), HA_S("cause", trouble));
        return;
    case HA_PHASE_COUNT:
        break;
    }
}

static struct ha_replica *replica_in(const struct ha_key *key, const char *token_name)
{
    for (size_t i = 0; i < key->n_replicas; i++)
        if (strcmp(key->replicas[i].token_name, token_name) == 0)
            return &key->replicas[i];
    return NULL;
}

void ha_keys_attach(struct ha_keys *keys, struct ha_token *token)
{
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++) {
        struct ha_replica *replica = replica_in(all[i], ha_token_config(token)->name);
        if (replica)
            atomic_store(&replica->token, token);
        ha_key_unref(all[i]);
    }
    free(all);
}

void ha_keys_detach(struct ha_keys *keys, struct ha_token *token, struct ha_token *successor)
{
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < all[i]->n_replicas; j++) {
            struct ha_replica *replica = &all[i]->replicas[j];
            struct ha_token *present = token;
            if (atomic_compare_exchange_strong(&replica->token, &present, successor) && !successor)
                ha_replica_set_state(all[i], replica, HA_STATE_TOKEN_DOWN, "");
        }
        ha_key_unref(all[i]);
    }
    free(all);
}

// The replicas in this token that are theirs by id and public key prove themselves.
static enum ha_code prove_bound(const struct ha_keys *keys, struct ha_token *token, struct ha_key *const *all, size_t n,
                                struct ha_err *err)
{
    struct ha_token_status status;
    ha_token_status(token, &status);  // its process can't be another one before we return
    struct ha_proof *proofs = calloc(n + 1, sizeof(*proofs));
    if (!proofs)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    size_t n_proofs = 0;
    for (size_t i = 0; i < n; i++) {
        struct ha_replica *replica = replica_in(all[i], ha_token_config(token)->name);
        if (!replica || all[i]->n_replicas == 1)
            continue;
        if (atomic_load(&replica->state) == HA_STATE_UNPROVEN)
            proofs[n_proofs++] = (struct ha_proof){.key = all[i], .replica = replica};
        else
            atomic_store(&replica->run, status.pid);
    }
    ha_prove(token, status.pid, 0, proofs, n_proofs);
    for (size_t i = 0; i < n_proofs; i++) {
        if (proofs[i].code)
            log_unusable(keys, proofs[i].key, proofs[i].replica, proofs[i].err.detail);
        ha_proof_clear(&proofs[i]);
    }
    free(proofs);
    return HA_OK;
}

static enum ha_code bind_all(struct ha_keys *keys, struct ha_token *token, const struct ha_objects *objects,
                             size_t *ret_bound, struct ha_err *err)
{
    const char *token_name = ha_token_config(token)->name;
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++) {
        struct ha_replica *replica = replica_in(all[i], token_name);
        if (!replica)
            continue;
        atomic_store(&replica->token, token);
        bind_one(keys, all[i], replica, token, objects);
    }
    enum ha_code code = prove_bound(keys, token, all, n, err);
    *ret_bound = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ha_replica *replica = replica_in(all[i], token_name);
        *ret_bound += replica && atomic_load(&replica->state) == HA_STATE_READY;
        ha_key_unref(all[i]);
    }
    free(all);
    return code;
}

enum ha_code ha_keys_bind(struct ha_keys *keys, struct ha_token *token, struct ha_err *err)
{
    ha_auto(ha_objects_clear) struct ha_objects objects = {0};
    size_t bound;
    pthread_mutex_lock(&keys->changing);
    enum ha_code code = ha_objects_list(token, "", &objects, err);
    if (code)
        ha_wrap(err, "its keys can't be listed");
    else
        code = bind_all(keys, token, &objects, &bound, err);
    pthread_mutex_unlock(&keys->changing);
    if (code)
        return code;
    ha_calendar_look(keys);
    ha_log(keys->log, HA_LOG_INFO, "keys-bound", HA_S("token", ha_token_config(token)->name), HA_N("keys", bound),
           HA_N("objects", objects.n));
    return HA_OK;
}
