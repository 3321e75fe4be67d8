// SPDX-License-Identifier: Apache-2.0
#include "token/verify.h"

#include "token/p11.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096

struct ha_known_key {
    struct ha_known_key *next;
    struct ha_pubkey *key;
};

void ha_known_keys_init(struct ha_known_keys *keys)
{
    mtx_init(&keys->lock, mtx_plain);
    keys->buckets = calloc(BUCKETS, sizeof(struct ha_known_key *));
}

// Called with the lock. The hash is as good as random already.
static struct ha_known_key **find(struct ha_known_keys *keys, const uint8_t *spki)
{
    struct ha_known_key **link = &keys->buckets[(spki[0] | spki[1] << 8) % BUCKETS];
    while (*link && memcmp(ha_pubkey_spki_sha256((*link)->key), spki, HA_SPKI_HASH_LEN) != 0)
        link = &(*link)->next;
    return link;
}

void ha_known_keys_put(struct ha_known_keys *keys, struct ha_pubkey *key)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *owned = key;
    ha_auto(ha_free) struct ha_known_key *row = malloc(sizeof(*row));
    if (!owned || !row || !keys->buckets)
        return;
    mtx_lock(&keys->lock);
    struct ha_known_key **link = find(keys, ha_pubkey_spki_sha256(owned));
    if (!*link) {
        *row = (struct ha_known_key){.key = ha_take(&owned)};
        *link = ha_take(&row);
    }
    mtx_unlock(&keys->lock);
}

static const struct ha_pubkey *get(struct ha_known_keys *keys, const uint8_t *spki)
{
    const struct ha_known_key *row = NULL;
    mtx_lock(&keys->lock);
    if (keys->buckets)
        row = *find(keys, spki);
    mtx_unlock(&keys->lock);
    return row ? row->key : NULL;
}

static bool is_wanted(enum ha_verify_what what, enum ha_alg alg)
{
    switch (what) {
    case HA_VERIFY_RSA:
        return ha_alg_info(alg)->family == HA_FAMILY_RSA;
    case HA_VERIFY_ALWAYS:
        return true;
    case HA_VERIFY_OFF:
        break;
    }
    return false;
}

bool ha_verify_signature(struct ha_p11 *token, const struct ha_packet *question, const void *signature, size_t n)
{
    enum ha_alg alg = (enum ha_alg)question->alg;
    const struct ha_part *input = &question->part[2];
    // Only who has the secret can verify a code, and a wrong one gives nothing away.
    if (!is_wanted(token->options->verify, alg) || ha_alg_info(alg)->use == HA_USE_MAC)
        return true;
    const struct ha_pubkey *key = get(&token->known_keys, question->part[1].data);
    bool good = key && (question->flags & HA_PACKET_DIGEST
                            ? ha_pubkey_verify_digest(key, alg, input->data, input->len, signature, n)
                            : ha_pubkey_verify(key, alg, input->data, input->len, signature, n));
    if (!good) {
        atomic_fetch_add(&token->faulty, 1);
        ha_log(&token->log, HA_LOG_ERROR, "faulty-signature", HA_S("token", token->options->name),
               HA_S("algorithm", ha_alg_info(alg)->name), HA_S("public-key", key ? "known" : "unknown"));
    }
    return good;
}
