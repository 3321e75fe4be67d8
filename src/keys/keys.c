// SPDX-License-Identifier: Apache-2.0
// The table of keys: an array sorted by name and version, under a reader-writer lock.
#include "keys/keys_internal.h"

#include "keys/ceremony.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// Where the version stands, or would stand.
static size_t position(const struct ha_keys *keys, const char *name, unsigned version, bool *ret_found)
{
    size_t low = 0, high = keys->n;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct ha_key *item = keys->items[middle];
        int order = strcmp(item->name, name);
        if (order == 0)
            order = (item->version > version) - (item->version < version);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The versions of one name, which stand side by side; the lock is held.
static struct ha_key *const *range(const struct ha_keys *keys, const char *name, size_t *ret_n)
{
    bool found;
    size_t first = position(keys, name, 0, &found), n = 0;
    while (first + n < keys->n && strcmp(keys->items[first + n]->name, name) == 0)
        n++;
    *ret_n = n;
    return n ? keys->items + first : NULL;
}

enum ha_code ha_keys_insert(struct ha_keys *keys, struct ha_key *key, struct ha_err *err)
{
    enum ha_code code = HA_OK;
    pthread_rwlock_wrlock(&keys->lock);
    bool found;
    size_t at = position(keys, key->name, key->version, &found);
    if (!found && keys->n == keys->cap) {
        size_t cap = keys->cap ? keys->cap * 2 : 64;
        struct ha_key **items = reallocarray(keys->items, cap, sizeof(*items));
        if (items) {
            keys->items = items;
            keys->cap = cap;
        } else {
            code = ha_fail(err, HA_E_MEMORY, "out of memory");
        }
    }
    if (code == HA_OK && found) {
        ha_key_unref(keys->items[at]);
        keys->items[at] = key;
    } else if (code == HA_OK) {
        memmove(&keys->items[at + 1], &keys->items[at], (keys->n - at) * sizeof(*keys->items));
        keys->items[at] = key;
        keys->n++;
    }
    pthread_rwlock_unlock(&keys->lock);
    return code;
}

void ha_keys_drop(struct ha_keys *keys, const struct ha_key *key)
{
    struct ha_key *dropped = NULL;
    pthread_rwlock_wrlock(&keys->lock);
    bool found;
    size_t at = position(keys, key->name, key->version, &found);
    if (found) {
        dropped = keys->items[at];
        keys->n--;
        memmove(&keys->items[at], &keys->items[at + 1], (keys->n - at) * sizeof(*keys->items));
    }
    pthread_rwlock_unlock(&keys->lock);
    ha_key_unref(dropped);
}

struct ha_key *ha_keys_get(struct ha_keys *keys, const char *name)
{
    size_t n;
    pthread_rwlock_rdlock(&keys->lock);
    struct ha_key *const *versions = range(keys, name, &n);
    size_t active = n > 1 ? ha_versions_active(versions, n, time(NULL)) : 0;
    struct ha_key *key = n ? ha_key_ref(versions[active]) : NULL;
    pthread_rwlock_unlock(&keys->lock);
    return key;
}

struct ha_key *ha_keys_get_version(struct ha_keys *keys, const char *name, unsigned version)
{
    pthread_rwlock_rdlock(&keys->lock);
    bool found;
    size_t at = position(keys, name, version, &found);
    struct ha_key *key = found ? ha_key_ref(keys->items[at]) : NULL;
    pthread_rwlock_unlock(&keys->lock);
    return key;
}

struct ha_key *ha_keys_get_spki(struct ha_keys *keys, const char *name, const uint8_t *spki_sha256)
{
    size_t n;
    struct ha_key *key = NULL;
    pthread_rwlock_rdlock(&keys->lock);
    struct ha_key *const *versions = range(keys, name, &n);
    for (size_t i = 0; i < n && !key; i++)
        if (versions[i]->public_key &&
            memcmp(ha_pubkey_spki_sha256(versions[i]->public_key), spki_sha256, HA_SPKI_HASH_LEN) == 0)
            key = ha_key_ref(versions[i]);
    pthread_rwlock_unlock(&keys->lock);
    return key;
}

enum ha_key_status ha_keys_status(struct ha_keys *keys, const struct ha_key *key, int64_t *ret_until_s)
{
    size_t n, i = 0;
    enum ha_key_status status = HA_STATUS_RETIRED;
    pthread_rwlock_rdlock(&keys->lock);
    struct ha_key *const *versions = range(keys, key->name, &n);
    while (i < n && versions[i] != key)
        i++;
    if (i < n)
        status = ha_versions_status(versions, n, i, time(NULL), ret_until_s);
    else if (ret_until_s)
        *ret_until_s = 0;
    pthread_rwlock_unlock(&keys->lock);
    return status;
}

static struct ha_key **copy_of(struct ha_key *const *items, size_t n)
{
    struct ha_key **all = n ? calloc(n, sizeof(struct ha_key *)) : NULL;
    for (size_t i = 0; all && i < n; i++)
        all[i] = ha_key_ref(items[i]);
    return all;
}

struct ha_key **ha_keys_versions(struct ha_keys *keys, const char *name, size_t *ret_n)
{
    size_t n;
    pthread_rwlock_rdlock(&keys->lock);
    struct ha_key *const *versions = range(keys, name, &n);
    struct ha_key **all = copy_of(versions, n);
    pthread_rwlock_unlock(&keys->lock);
    *ret_n = all ? n : 0;
    return all;
}

struct ha_key **ha_keys_all(struct ha_keys *keys, size_t *ret_n)
{
    pthread_rwlock_rdlock(&keys->lock);
    size_t n = keys->n;
    struct ha_key **all = copy_of(keys->items, n);
    pthread_rwlock_unlock(&keys->lock);
    *ret_n = all ? n : 0;
    return all;
}

void ha_keys_list_free(struct ha_key **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ha_key_unref(list[i]);
    free(list);
}

static void take_loaded(void *context, struct ha_key *key)
{
    struct ha_keys *keys = context;
    struct ha_err err = {0};
    ha_certificates_load(keys, key);
    if (ha_keys_insert(keys, key, &err)) {
        ha_log_err(keys->log, HA_LOG_ERROR, "key-not-loaded", &err, HA_S("key", key->name));
        ha_key_unref(key);
    }
}

static void log_unreadable(void *context, const char *path, const struct ha_err *err)
{
    const struct ha_keys *keys = context;
    ha_log_err(keys->log, HA_LOG_ERROR, "key-file-unreadable", err, HA_S("file", path));
}

enum ha_code ha_keys_new(const char *state_dir, const struct ha_log *log, struct ha_keys **ret_keys, struct ha_err *err)
{
    struct ha_keys *keys = calloc(1, sizeof(*keys));
    if (!keys)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    keys->log = log;
    pthread_mutex_init(&keys->changing, NULL);
    pthread_rwlock_init(&keys->lock, NULL);
    pthread_mutex_init(&keys->calendar.lock, NULL);
    pthread_cond_init(&keys->calendar.changed, NULL);
    if (ha_store_open(state_dir, &keys->store, err) || ha_certificates_open(keys, state_dir, err) ||
        ha_ceremonies_new(state_dir, &keys->ceremonies, err) ||
        ha_store_load(&keys->store, keys, take_loaded, log_unreadable, err)) {
        ha_keys_free(keys);
        return err->code;
    }
    ha_keys_resume_deletions(keys);
    *ret_keys = keys;
    return HA_OK;
}

void ha_keys_free(struct ha_keys *keys)
{
    if (!keys)
        return;
    ha_keys_stop(keys);
    for (size_t i = 0; i < keys->n; i++)
        ha_key_unref(keys->items[i]);
    free(keys->items);
    free(keys->certificates);
    ha_store_close(&keys->store);
    pthread_cond_destroy(&keys->calendar.changed);
    pthread_mutex_destroy(&keys->calendar.lock);
    ha_ceremonies_free(keys->ceremonies);
    pthread_rwlock_destroy(&keys->lock);
    pthread_mutex_destroy(&keys->changing);
    free(keys);
}

struct ha_ceremonies *ha_keys_ceremonies(struct ha_keys *keys)
{
    return keys->ceremonies;
}
