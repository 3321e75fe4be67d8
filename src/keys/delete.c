// SPDX-License-Identifier: Apache-2.0
// Deletion. The files say so before the first object goes, so that what a crash cuts off is finished by the next start
// (bind.c), of all versions that were meant.
#include "base/clock.h"
#include "keys/keys_internal.h"

#include <string.h>
#include <time.h>

#define DESTROY_MS 60000

enum ha_code ha_keys_destroy_replica(struct ha_key *key, struct ha_replica *replica, struct ha_token *token,
                                     struct ha_err *err)
{
    struct ha_packet question = {.op = HA_OP_DESTROY, .key_type = key->type, .part[0] = {replica->id, replica->id_len}};
    if (key->public_key)
        question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN};
    if (ha_token_control(token, &question, ha_now_ms() + DESTROY_MS, NULL, NULL, NULL, err))
        return ha_wrap(err, "the objects of '%s' may still be in the token '%s'", key->name, replica->token_name);
    atomic_store(&replica->gone, true);
    return HA_OK;
}

// What can be known before anything is destroyed. token: NULL for none.
static enum ha_code check_destroyable(const struct ha_key *key, const struct ha_replica *replica,
                                      struct ha_token *token, struct ha_err *err)
{
    if (!token) {
        ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' isn't in the configuration", replica->token_name);
        return ha_hint(err, "configure the token again, or remove the key's file from the state directory");
    }
    struct ha_token_status status;
    ha_token_status(token, &status);
    if (status.err.code) {
        *err = status.err;
        return err->code;
    }
    if (atomic_load(&replica->state) == HA_STATE_AMBIGUOUS) {
        ha_fail(err, HA_E_AMBIGUOUS,
                "more than one object of the token '%s' fits '%s', and the wrong one could be destroyed",
                replica->token_name, key->name);
        return ha_hint(err,
                       "remove the other one with the token's own tools, restart the agent, and delete the key then");
    }
    return HA_OK;
}

static bool is_destroyed(const struct ha_key *key, bool destroy)
{
    return destroy || !key->adopted;
}

static enum ha_code check_all(struct ha_key *const *versions, size_t n, bool destroy, struct ha_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct ha_key *key = versions[i];
        for (size_t j = 0; j < key->n_replicas && is_destroyed(key, destroy); j++) {
            struct ha_token *token = atomic_load(&key->replicas[j].token);
            if (!atomic_load(&key->replicas[j].gone) && check_destroyable(key, &key->replicas[j], token, err))
                return err->code;
        }
    }
    return HA_OK;
}

// What a mark changes.
struct mark {
    enum ha_key_phase phase;
    bool all, objects;
};

static void unmark(struct ha_keys *keys, struct ha_key *key, const struct mark *before, bool written)
{
    struct ha_err failure = {0};
    key->phase = before->phase;
    key->deletes_all = before->all;
    atomic_store(&key->deletes_objects, before->objects);
    if (written && ha_store_write(&keys->store, key, &failure))
        ha_log_err(keys->log, HA_LOG_ERROR, "key-not-written", &failure, HA_S("key", key->name),
                   HA_N("version", key->version));
}

// All or none: the first file that is written speaks for all, should the process end before the others are.
static enum ha_code mark_all(struct ha_keys *keys, struct ha_key *const *versions, size_t n, bool destroy,
                             struct ha_err *err)
{
    struct mark before[HA_VERSIONS_MAX];
    bool first = n > 1;
    for (size_t i = 0; i < n; i++) {
        struct ha_key *key = versions[i];
        before[i] = (struct mark){key->phase, key->deletes_all, atomic_load(&key->deletes_objects)};
        if (!is_destroyed(key, destroy))
            continue;
        key->phase = HA_PHASE_DELETING;
        key->deletes_all = first;
        if (first)
            atomic_store(&key->deletes_objects, destroy);
        first = false;
        if (ha_store_write(&keys->store, key, err) == HA_OK)
            continue;
        for (size_t j = 0; j <= i; j++)
            if (is_destroyed(versions[j], destroy))
                unmark(keys, versions[j], &before[j], j < i);
        return err->code;
    }
    return HA_OK;
}

static enum ha_code forget(struct ha_keys *keys, struct ha_key *key, struct ha_err *err)
{
    if (ha_certificates_remove(keys, key, err) || ha_store_remove(&keys->store, key, err))
        return err->code;
    ha_keys_drop(keys, key);
    return HA_OK;
}

// The other versions of one that was to be deleted with them.
static void resume(struct ha_keys *keys, const struct ha_key *marked, struct ha_key *const *all, size_t n)
{
    bool objects = atomic_load(&marked->deletes_objects);
    for (size_t i = 0; i < n; i++) {
        struct ha_key *key = all[i];
        struct ha_err err = {0};
        if (key == marked || strcmp(key->name, marked->name) != 0 || key->phase == HA_PHASE_DELETING)
            continue;
        if (is_destroyed(key, objects)) {
            key->phase = HA_PHASE_DELETING;
            ha_store_write(&keys->store, key, &err);
        } else {
            forget(keys, key, &err);
        }
        if (err.code)
            ha_log_err(keys->log, HA_LOG_ERROR, "key-deletion-failed", &err, HA_S("key", key->name),
                       HA_N("version", key->version));
    }
}

void ha_keys_resume_deletions(struct ha_keys *keys)
{
    size_t n;
    struct ha_key **all = ha_keys_all(keys, &n);
    for (size_t i = 0; i < n; i++)
        if (all[i]->phase == HA_PHASE_DELETING && all[i]->deletes_all)
            resume(keys, all[i], all, n);
    ha_keys_list_free(all, n);
}

static enum ha_code destroy_one(struct ha_keys *keys, struct ha_key *key, bool destroy, struct ha_err *err)
{
    for (size_t i = 0; i < key->n_replicas && is_destroyed(key, destroy); i++) {
        struct ha_replica *replica = &key->replicas[i];
        struct ha_token *token = atomic_load(&replica->token);
        if (atomic_load(&replica->gone))
            continue;
        if (!token || ha_keys_destroy_replica(key, replica, token, err)) {
            ha_key_set_state(key, HA_STATE_INCOMPLETE, "its deletion was cut off; delete it again");
            return err->code ? err->code : ha_fail(err, HA_E_TOKEN_DOWN, "the token is gone");
        }
    }
    return forget(keys, key, err);
}

// Numbers aren't used again, since logs and certificates speak of them: what is left remembers the highest.
static enum ha_code remember(struct ha_keys *keys, struct ha_key *const *versions, size_t n, const struct ha_key *gone,
                             struct ha_err *err)
{
    struct ha_key *last = versions[n - 1] == gone ? versions[n - 2] : versions[n - 1];
    unsigned before = last->newest, newest = gone->newest > gone->version ? gone->newest : gone->version;
    if (newest <= last->version || newest <= before)
        return HA_OK;
    last->newest = newest;
    if (ha_store_write(&keys->store, last, err)) {
        last->newest = before;
        return err->code;
    }
    return HA_OK;
}

// One that all versions are to be deleted with is barred already.
static enum ha_code check_inactive(struct ha_key *const *versions, size_t n, size_t i, struct ha_err *err)
{
    const struct ha_key *key = versions[i];
    if (n == 1 || atomic_load(&key->deletes_s) ||
        ha_versions_status(versions, n, i, time(NULL), NULL) != HA_STATUS_ACTIVE)
        return HA_OK;
    ha_fail(err, HA_E_CONFLICT, "version %u is the active one of '%s'", key->version, key->name);
    return ha_hint(err, "activate another version first, or delete the key with all its versions");
}

enum ha_code ha_keys_check_deletable(struct ha_keys *keys, const char *name, unsigned version, struct ha_err *err)
{
    size_t n;
    enum ha_code code = HA_OK;
    struct ha_key **versions = ha_keys_versions(keys, name, &n);
    for (size_t i = 0; i < n && code == HA_OK; i++)
        if (versions[i]->version == version)
            code = check_inactive(versions, n, i, err);
    ha_keys_list_free(versions, n);
    return code;
}

static enum ha_code delete_one(struct ha_keys *keys, struct ha_key *const *versions, size_t n, unsigned version,
                               bool destroy, bool *ret_destroyed, struct ha_err *err)
{
    size_t i = 0;
    while (i < n && versions[i]->version != version)
        i++;
    if (i == n)
        return ha_keys_no_version(versions[0]->name, version, err);
    struct ha_key *key = versions[i];
    if (check_inactive(versions, n, i, err) || check_all(&key, 1, destroy, err) ||
        (n > 1 && remember(keys, versions, n, key, err)) || mark_all(keys, &key, 1, destroy, err) ||
        destroy_one(keys, key, destroy, err))
        return err->code;
    *ret_destroyed = is_destroyed(key, destroy);
    return HA_OK;
}

static enum ha_code delete_all(struct ha_keys *keys, struct ha_key *const *versions, size_t n, bool destroy,
                               bool *ret_destroyed, struct ha_err *err)
{
    bool destroyed = false;
    if (check_all(versions, n, destroy, err) || mark_all(keys, versions, n, destroy, err))
        return err->code;
    for (size_t i = 0; i < n; i++) {
        destroyed |= is_destroyed(versions[i], destroy);
        if (destroy_one(keys, versions[i], destroy, err))
            return err->code;
    }
    *ret_destroyed = destroyed;
    return HA_OK;
}

// keys->changing is held.
static enum ha_code delete_now(struct ha_keys *keys, const char *name, unsigned version, bool destroy,
                               bool *ret_destroyed, struct ha_err *err)
{
    size_t n;
    struct ha_key **versions = ha_keys_versions(keys, name, &n);
    enum ha_code code;
    if (n == 0)
        code = ha_fail(err, HA_E_NO_KEY, "there is no key '%s'", name);
    else if (n > HA_VERSIONS_MAX)
        code = ha_fail(err, HA_E_TOO_LARGE, "'%s' has more than %d versions", name, HA_VERSIONS_MAX);
    else if (version)
        code = delete_one(keys, versions, n, version, destroy, ret_destroyed, err);
    else
        code = delete_all(keys, versions, n, destroy, ret_destroyed, err);
    ha_keys_list_free(versions, n);
    return code;
}

enum ha_code ha_keys_delete(struct ha_keys *keys, const char *name, unsigned version, bool destroy, bool *ret_destroyed,
                            struct ha_err *err)
{
    pthread_mutex_lock(&keys->changing);
    enum ha_code code = delete_now(keys, name, version, destroy, ret_destroyed, err);
    pthread_mutex_unlock(&keys->changing);
    return code;
}

enum ha_code ha_keys_delete_due(struct ha_keys *keys, struct ha_key *key, int64_t now_s, bool *ret_due,
                                bool *ret_destroyed, struct ha_err *err)
{
    enum ha_code code = HA_OK;
    pthread_mutex_lock(&keys->changing);
    // It may have been taken back, or another key may have the name by now.
    ha_auto(ha_key_unref) struct ha_key *present = ha_keys_get_version(keys, key->name, key->version);
    int64_t deletes_s = atomic_load(&key->deletes_s);
    bool due = present == key && deletes_s && deletes_s <= now_s;
    if (due)
        code = delete_now(keys, key->name, key->version, atomic_load(&key->deletes_objects), ret_destroyed, err);
    pthread_mutex_unlock(&keys->changing);
    *ret_due = due;
    return code;
}
