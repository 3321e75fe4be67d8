// SPDX-License-Identifier: Apache-2.0
// A key pair from outside. A file's goes into each token in the way in which a pair that another token made does:
// sealed for a wrapping key that this token makes for the one time. So the token's process and what is between don't
// see it, and no token is asked to take a private key in clear, which many refuse. HACKING.md, "Imported keys".
#include "base/clock.h"
#include "crypto/private_key.h"
#include "keys/keys_internal.h"
#include "keys/prove.h"

#include <string.h>

#define IMPORT_MS 180000  // a smartcard takes its time over its wrapping key

// Of what the token can unwrap, the best that we can make. The mechanism that is RFC 5649 or nearly comes last: on a
// token that reads it otherwise, unwrapping fails.
static bool choose(unsigned ways, enum ha_wrap *ret_how)
{
    static const enum ha_wrap order[] = {HA_WRAP_KWP, HA_WRAP_CBC, HA_WRAP_PAD};
    for (size_t i = 0; i < HA_ARRAY_SIZE(order); i++) {
        if (ways & 1u << order[i]) {
            *ret_how = order[i];
            return true;
        }
    }
    return false;
}

static enum ha_code seal(const struct ha_replica *replica, const struct ha_keys_pair *pair, struct ha_buf *sealed,
                         enum ha_wrap *ret_how, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf answer = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *wrapper = NULL;
    const struct ha_packet question = {.op = HA_OP_WRAPPER};
    if (ha_token_control(replica->token, &question, ha_now_ms() + IMPORT_MS, NULL, NULL, &answer, err))
        return err->code;
    if (answer.len < 1 || !choose(answer.data[0], ret_how))
        return ha_fail(err, HA_E_INTERNAL, "the token's process gave no wrapping key");
    if (ha_pubkey_from_spki(answer.data + 1, answer.len - 1, &wrapper, err))
        return err->code;
    return ha_private_key_seal(wrapper, *ret_how == HA_WRAP_CBC, pair->pkcs8->data, pair->pkcs8->len, sealed, err);
}

static enum ha_code bring(const struct ha_key *key, const struct ha_replica *replica, const void *context,
                          struct ha_err *err)
{
    const struct ha_keys_pair *pair = context;
    ha_auto(ha_buf_clear) struct ha_buf sealed = {0};
    enum ha_wrap how = HA_WRAP_KWP;
    if (seal(replica, pair, &sealed, &how, err))
        return err->code;
    struct ha_packet question = {
        .op = HA_OP_UNWRAP,
        .alg = how,
        .key_type = key->type,
        .purposes = key->purposes,
        .flags = key->backup ? HA_PACKET_BACKUP : 0,
        .part = {{replica->id, replica->id_len}, {key->name, strlen(key->name)}, {0}, {sealed.data, sealed.len}},
    };
    question.part[2].data = ha_pubkey_spki(pair->public_key, &question.part[2].len);
    return ha_token_control(replica->token, &question, ha_now_ms() + IMPORT_MS, NULL, NULL, NULL, err);
}

enum ha_code ha_keys_import_pair(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                                 const struct ha_keys_pair *pair, unsigned purposes, const struct ha_key_traits *traits,
                                 struct ha_key **ret_key, struct ha_err *err)
{
    const struct ha_arrival arrival = {pair->public_key, purposes, traits, bring, pair};
    return ha_keys_receive(keys, name, tokens, n, &arrival, ret_key, err);
}

// --- Whatever comes from outside

// Nobody is told of the key before each replica has proved that it is the one that the public key belongs to.
static enum ha_code make(struct ha_key *key, const struct ha_arrival *arrival, struct ha_err *err)
{
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(arrival->public_key, &n);
    if (ha_pubkey_from_spki(spki, n, &key->public_key, err))
        return err->code;
    for (size_t i = 0; i < key->n_replicas; i++)
        if (arrival->bring(key, &key->replicas[i], arrival->context, err) || ha_prove_now(key, &key->replicas[i], err))
            return ha_wrap(err, "in the token '%s'", key->replicas[i].token_name);
    key->phase = HA_PHASE_READY;
    return HA_OK;
}

static enum ha_code receive(struct ha_keys *keys, struct ha_key *key, struct ha_token *const *tokens, size_t n,
                            const struct ha_arrival *arrival, struct ha_err *err)
{
    key->type = ha_pubkey_type(arrival->public_key);
    key->purposes = arrival->purposes;
    key->imported = true;
    if (ha_key_traits_give(arrival->traits, key, err) || ha_keys_place(key, tokens, n, err) ||
        ha_store_write(&keys->store, key, err))
        return err->code;
    enum ha_code code = make(key, arrival, err);
    if (code == HA_OK)
        code = ha_store_write(&keys->store, key, err);
    if (code)
        ha_keys_abandon(keys, key);
    return code;
}

enum ha_code ha_keys_receive(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                             const struct ha_arrival *arrival, struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_keys_begin(keys, name, err))
        return err->code;
    enum ha_code code;
    if ((key = ha_key_new(name)))
        code = receive(keys, key, tokens, n, arrival, err);
    else
        code = ha_fail(err, HA_E_MEMORY, "out of memory");
    if (code == HA_OK)
        code = ha_keys_add(keys, key, ret_key, err);
    pthread_mutex_unlock(&keys->changing);
    return code;
}
