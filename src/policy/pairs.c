// SPDX-License-Identifier: Apache-2.0
#include "policy/pairs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct first {
    struct first *next;
    uint8_t hash[HA_PAIRS_HASH_LEN];
    uid_t uid;
    int64_t until_s;
};

struct ha_pairs {
    pthread_mutex_t lock;
    struct first *firsts;
    size_t n;
};

struct ha_pairs *ha_pairs_new(void)
{
    struct ha_pairs *pairs = calloc(1, sizeof *pairs);
    if (pairs)
        pthread_mutex_init(&pairs->lock, NULL);
    return pairs;
}

static void forget(struct ha_pairs *pairs, struct first **at)
{
    struct first *first = *at;
    *at = first->next;
    free(first);
    pairs->n--;
}

void ha_pairs_free(struct ha_pairs *pairs)
{
    if (!pairs)
        return;
    while (pairs->firsts)
        forget(pairs, &pairs->firsts);
    pthread_mutex_destroy(&pairs->lock);
    free(pairs);
}

static void forget_late(struct ha_pairs *pairs, int64_t now_s)
{
    for (struct first **at = &pairs->firsts; *at;) {
        if ((*at)->until_s <= now_s)
            forget(pairs, at);
        else
            at = &(*at)->next;
    }
}

static enum ha_pair remember(struct ha_pairs *pairs, const uint8_t *hash, uid_t uid, int64_t until_s,
                             int64_t *ret_until_s)
{
    struct first *first = pairs->n < HA_PAIRS_MAX ? malloc(sizeof *first) : NULL;
    if (!first)
        return HA_PAIR_FULL;
    *first = (struct first){.next = pairs->firsts, .uid = uid, .until_s = until_s};
    memcpy(first->hash, hash, sizeof first->hash);
    pairs->firsts = first;
    pairs->n++;
    *ret_until_s = until_s;
    return HA_PAIR_FIRST;
}

static enum ha_pair ask(struct ha_pairs *pairs, const uint8_t *hash, uid_t uid, int64_t until_s, uid_t *ret_other,
                        int64_t *ret_until_s)
{
    for (struct first **at = &pairs->firsts; *at; at = &(*at)->next) {
        if (memcmp((*at)->hash, hash, HA_PAIRS_HASH_LEN) != 0)
            continue;
        if ((*at)->uid == uid) {
            *ret_until_s = (*at)->until_s;
            return HA_PAIR_FIRST;
        }
        *ret_other = (*at)->uid;
        forget(pairs, at);
        return HA_PAIR_MET;
    }
    return remember(pairs, hash, uid, until_s, ret_until_s);
}

enum ha_pair ha_pairs_ask(struct ha_pairs *pairs, const uint8_t hash[static HA_PAIRS_HASH_LEN], uid_t uid,
                          int64_t now_s, unsigned within_s, uid_t *ret_other, int64_t *ret_until_s)
{
    pthread_mutex_lock(&pairs->lock);
    forget_late(pairs, now_s);
    enum ha_pair pair = ask(pairs, hash, uid, now_s + within_s, ret_other, ret_until_s);
    pthread_mutex_unlock(&pairs->lock);
    return pair;
}
