// SPDX-License-Identifier: Apache-2.0
// A hash table with chains. It grows with the keys in use on the token and no further: only what was found is put.
#include "token/cache.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096

struct ha_cache_entry {
    struct ha_cache_entry *next;
    struct ha_p11_key key;
    uint8_t spki[HA_SPKI_HASH_LEN];
    size_t id_len;
    uint8_t id[];
};

void ha_cache_init(struct ha_cache *cache)
{
    mtx_init(&cache->lock, mtx_plain);
    cache->buckets = calloc(BUCKETS, sizeof(struct ha_cache_entry *));
}

// The link that points to the entry, or the chain's end. The SPKI's hash is as good as random already.
static struct ha_cache_entry **find(struct ha_cache *cache, const struct ha_key_name *name)
{
    struct ha_cache_entry **link = &cache->buckets[(name->spki[0] | name->spki[1] << 8) % BUCKETS];
    while (*link && (memcmp((*link)->spki, name->spki, HA_SPKI_HASH_LEN) != 0 || (*link)->id_len != name->id_len ||
                     memcmp((*link)->id, name->id, name->id_len) != 0))
        link = &(*link)->next;
    return link;
}

bool ha_cache_get(struct ha_cache *cache, const struct ha_key_name *name, struct ha_p11_key *ret_key)
{
    if (!cache->buckets)
        return false;
    mtx_lock(&cache->lock);
    const struct ha_cache_entry *entry = *find(cache, name);
    if (entry)
        *ret_key = entry->key;
    mtx_unlock(&cache->lock);
    return entry != NULL;
}

static struct ha_cache_entry *new_entry(const struct ha_key_name *name)
{
    struct ha_cache_entry *entry = malloc(sizeof(*entry) + name->id_len);
    if (!entry)
        return NULL;
    entry->next = NULL;
    memcpy(entry->spki, name->spki, HA_SPKI_HASH_LEN);
    entry->id_len = name->id_len;
    memcpy(entry->id, name->id, name->id_len);
    return entry;
}

void ha_cache_put(struct ha_cache *cache, const struct ha_key_name *name, const struct ha_p11_key *key)
{
    if (!cache->buckets)
        return;
    mtx_lock(&cache->lock);
    struct ha_cache_entry **link = find(cache, name);
    if (!*link)
        *link = new_entry(name);
    if (*link)
        (*link)->key = *key;
    mtx_unlock(&cache->lock);
}

static void unlink_entry(struct ha_cache_entry **link)
{
    struct ha_cache_entry *entry = *link;
    *link = entry->next;
    free(entry);
}

void ha_cache_drop(struct ha_cache *cache, const struct ha_key_name *name)
{
    if (!cache->buckets)
        return;
    mtx_lock(&cache->lock);
    struct ha_cache_entry **link = find(cache, name);
    if (*link)
        unlink_entry(link);
    mtx_unlock(&cache->lock);
}

void ha_cache_drop_id(struct ha_cache *cache, const uint8_t *id, size_t id_len)
{
    mtx_lock(&cache->lock);
    for (size_t i = 0; cache->buckets && i < BUCKETS; i++) {
        struct ha_cache_entry **link = &cache->buckets[i];
        while (*link) {
            if ((*link)->id_len == id_len && memcmp((*link)->id, id, id_len) == 0)
                unlink_entry(link);
            else
                link = &(*link)->next;
        }
    }
    mtx_unlock(&cache->lock);
}
