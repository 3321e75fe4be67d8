// SPDX-License-Identifier: Apache-2.0
// Binding: each key's file against what its token holds. A key is an object with its CKA_ID and its public key; two
// that fit are an error that names both, because a guess would sign with the wrong key.
#include "base/clock.h"
#include "keys/keys_internal.h"
#include "keys/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESTROY_MS 60000

static bool fits(const struct ha_key *key, const struct ha_object *object)
{
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(key->public_key, &n);
    return object->spki_len == n && memcmp(object->spki, spki, n) == 0;
}

static void bind_ready(const struct ha_keys *keys, struct ha_key *key, const struct ha_object *found, size_t n)
{
    char trouble[HA_TROUBLE_MAX];
    size_t fitting = 0;
    for (size_t i = 0; i < n; i++)
        fitting += fits(key, &found[i]);
    if (n == 1 && fitting == 1) {
        ha_key_set_state(key, HA_STATE_READY, "");
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
    ha_key_set_state(key, state, trouble);
    ha_log(keys->log, HA_LOG_ERROR, "key-unusable", HA_S("key", key->name), HA_S("state", ha_key_state_name(state)),
           HA_S("cause", trouble));
}

// Destroys what may be left of the key and forgets it.
static void finish_removal(struct ha_keys *keys, struct ha_key *key, const char *event)
{
    struct ha_err err = {0};
    struct ha_packet question = {.op = HA_OP_DESTROY, .part[0] = {.data = key->id, .len = key->id_len}};
    if (key->public_key)
        question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN};
    if (ha_token_control(key->token, &question, ha_now_ms() + DESTROY_MS, NULL, NULL, NULL, &err) ||
        ha_store_remove(&keys->store, key->name, &err)) {
        ha_key_set_state(key, HA_STATE_INCOMPLETE,
                         "its removal was cut off; delete it again with `hsm-agent key delete`");
        ha_log_err(keys->log, HA_LOG_ERROR, "key-removal-failed", &err, HA_S("key", key->name));
        return;
    }
    ha_log(keys->log, HA_LOG_WARN, event, HA_S("key", key->name));
    ha_keys_drop(keys, key->name);
}

static void bind_one(struct ha_keys *keys, struct ha_key *key, const struct ha_objects *objects)
{
    size_t first, n = ha_objects_find(objects, key->id, key->id_len, &first);
    switch (key->phase) {
    case HA_PHASE_READY:
        bind_ready(keys, key, n ? &objects->items[first] : NULL, n);
        return;
    case HA_PHASE_DELETING:
        finish_removal(keys, key, "key-deletion-finished");
        return;
    case HA_PHASE_CREATING:
        if (n == 0) {
            finish_removal(keys, key, "key-creation-undone");
            return;
        }
        char object[160], trouble[HA_TROUBLE_MAX];
        ha_object_name(&objects->items[first], object, sizeof(object));
        snprintf(
            trouble, sizeof(trouble),
            "its creation was cut off after the token had made %.160s; nobody was told of this key: delete it with "
            "`hsm-agent key delete %s --yes` and create it again",
            object, key->name);
        ha_key_set_state(key, HA_STATE_INCOMPLETE, trouble);
        ha_log(keys->log, HA_LOG_ERROR, "key-incomplete", HA_S("key", key->name), HA_S("cause", trouble));
        return;
    case HA_PHASE_COUNT:
        break;
    }
}

void ha_keys_attach(struct ha_keys *keys, struct ha_token *token)
{
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i]->token_name, ha_token_config(token)->name) == 0)
            all[i]->token = token;
        ha_key_unref(all[i]);
    }
    free(all);
}

void ha_keys_detach(struct ha_keys *keys, struct ha_token *token, struct ha_token *successor)
{
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++) {
        struct ha_token *present = token;
        if (atomic_compare_exchange_strong(&all[i]->token, &present, successor) && !successor)
            ha_key_set_state(all[i], HA_STATE_TOKEN_DOWN, "");
        ha_key_unref(all[i]);
    }
    free(all);
}

enum ha_code ha_keys_bind(struct ha_keys *keys, struct ha_token *token, struct ha_err *err)
{
    const char *token_name = ha_token_config(token)->name;
    ha_auto(ha_objects_clear) struct ha_objects objects = {0};
    pthread_mutex_lock(&keys->changing);
    if (ha_objects_list(token, "", &objects, err)) {
        pthread_mutex_unlock(&keys->changing);
        return ha_wrap(err, "its keys can't be listed");
    }
    size_t n, bound = 0;
    struct ha_key **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i]->token_name, token_name) == 0) {
            all[i]->token = token;
            bind_one(keys, all[i], &objects);
            bound += atomic_load(&all[i]->state) == HA_STATE_READY;
        }
        ha_key_unref(all[i]);
    }
    free(all);
    pthread_mutex_unlock(&keys->changing);
    ha_log(keys->log, HA_LOG_INFO, "keys-bound", HA_S("token", token_name), HA_N("keys", bound),
           HA_N("objects", objects.n));
    return HA_OK;
}
