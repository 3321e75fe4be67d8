// SPDX-License-Identifier: Apache-2.0
// Creation. The file is written before and after what is done in the token, so that at no point a
// crash leaves something that the next start (bind.c) doesn't find.
#include "base/clock.h"
#include "base/text.h"
#include "keys/ceremony.h"
#include "keys/keys_internal.h"
#include "keys/objects.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define ID_LEN      16      // bytes of a CKA_ID that we make
#define GENERATE_MS 180000  // a smartcard takes its time over RSA-4096

enum ha_code ha_keys_begin(struct ha_keys *keys, const char *name, struct ha_err *err)
{
    if (!ha_name_valid(name)) {
        ha_fail(err, HA_E_MALFORMED, "that is no name for a key");
        return ha_hint(err, "letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 64");
    }
    pthread_mutex_lock(&keys->changing);
    ha_auto(ha_key_unref) struct ha_key *present = ha_keys_get(keys, name);
    // A ceremony may have been asked for while we waited.
    if (!present && ha_ceremonies_may_make(keys->ceremonies, name, err) == HA_OK)
        return HA_OK;
    pthread_mutex_unlock(&keys->changing);
    if (!present)
        return err->code;
    ha_fail(err, HA_E_CONFLICT, "there is a key '%s' already", name);
    return ha_hint(err, "choose another name, or delete that key first");
}

// The creation's outcome isn't known: the key stays in the table as incomplete, so that an operator sees it.
static void keep_incomplete(struct ha_keys *keys, struct ha_key *key)
{
    struct ha_err ignored = {0};
    ha_key_set_state(key, HA_STATE_INCOMPLETE,
                     "its creation was cut off; delete it with `hsm-agent key delete NAME` and create it again");
    ha_key_ref(key);
    if (ha_keys_insert(keys, key, &ignored))
        ha_key_unref(key);
}

// secret: the bytes of an HMAC key from outside; NULL: the token makes the key.
static enum ha_code generate(struct ha_keys *keys, struct ha_key *key, const struct ha_part *secret, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf spki = {0};
    const struct ha_replica *replica = &key->replicas[0];
    char label[HA_VERSION_NAME_MAX];
    ha_version_name(key->name, key->version, label);
    struct ha_packet question = {
        .op = HA_OP_GENERATE,
        .key_type = key->type,
        .purposes = key->purposes,
        .flags = key->backup ? HA_PACKET_BACKUP : 0,
        .part = {{replica->id, replica->id_len}, {label, strlen(label)}},
    };
    if (secret)
        question.part[2] = *secret;
    enum ha_code code = ha_token_control(replica->token, &question, ha_now_ms() + GENERATE_MS, NULL, NULL, &spki, err);
    if (code == HA_E_DEADLINE || code == HA_E_TOKEN_DOWN || code == HA_E_INTERNAL) {
        keep_incomplete(keys, key);
        return code;
    }
    if (code) {
        // The token said no, so nothing was made.
        struct ha_err ignored = {0};
        ha_store_remove(&keys->store, key, &ignored);
        return code;
    }
    if (ha_pubkey_restore(spki.data, spki.len, &key->public_key, err) || ha_pubkey_type(key->public_key) != key->type) {
        keep_incomplete(keys, key);
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token made a key that isn't of the type it was asked for");
    }
    key->phase = HA_PHASE_READY;
    ha_key_set_state(key, HA_STATE_READY, "");
    if (ha_store_write(&keys->store, key, err)) {
        // The objects are there and the file still says "creating": the next start reports it.
        key->phase = HA_PHASE_CREATING;
        keep_incomplete(keys, key);
        return ha_wrap(err, "the key was made, but its file can't be written");
    }
    return HA_OK;
}

enum ha_code ha_keys_add(struct ha_keys *keys, struct ha_key *key, struct ha_key **ret_key, struct ha_err *err)
{
    ha_key_ref(key);
    if (ha_keys_insert(keys, key, err)) {
        ha_key_unref(key);
        return err->code;
    }
    *ret_key = ha_key_ref(key);
    return HA_OK;
}

void ha_keys_abandon(struct ha_keys *keys, struct ha_key *key)
{
    struct ha_err failure = {0};
    bool left = false;
    ha_pubkey_free(key->public_key);
    key->public_key = NULL;
    key->phase = HA_PHASE_DELETING;
    if (ha_store_write(&keys->store, key, &failure))
        ha_log_err(keys->log, HA_LOG_ERROR, "key-not-written", &failure, HA_S("key", key->name));
    for (size_t i = 0; i < key->n_replicas; i++) {
        struct ha_replica *replica = &key->replicas[i];
        struct ha_err err = {0};
        if (ha_keys_destroy_replica(key, replica, replica->token, &err) == HA_OK)
            continue;
        left = true;
        ha_replica_set_state(key, replica, HA_STATE_INCOMPLETE,
                             "its creation failed; what this token has of it goes when the token is back");
        ha_log_err(keys->log, HA_LOG_WARN, "key-left-over", &err, HA_S("key", key->name));
    }
    failure = (struct ha_err){0};
    if (!left && ha_store_remove(&keys->store, key, &failure) == HA_OK)
        return;
    ha_key_ref(key);
    if (ha_keys_insert(keys, key, &failure))
        ha_key_unref(key);
}

static enum ha_code share(struct ha_keys *keys, struct ha_key *key, struct ha_err *err)
{
    ha_auto(ha_sharing_clear) struct ha_sharing sharing = {0};
    if (ha_sharing_prepare(key, &sharing, err) || ha_store_write(&keys->store, key, err))
        return err->code;
    enum ha_code code = ha_sharing_make(key, &sharing, err);
    if (code == HA_OK) {
        key->phase = HA_PHASE_READY;
        code = ha_store_write(&keys->store, key, err);
    }
    if (code)
        ha_keys_abandon(keys, key);
    return code;
}

// What can be known before anything is written.
static enum ha_code check_ready(struct ha_token *token, struct ha_err *err)
{
    struct ha_token_status status;
    ha_token_status(token, &status);
    if (status.state == HA_TOKEN_READY)
        return HA_OK;
    if (!status.err.code) {
        ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' is %s", ha_token_config(token)->name,
                ha_token_state_name(status.state));
        err->retry_after_s = 1;
        return err->code;
    }
    *err = status.err;
    return err->code;
}

enum ha_code ha_keys_place(struct ha_key *key, struct ha_token *const *tokens, size_t n, struct ha_err *err)
{
    uint8_t id[ID_LEN];
    if (getrandom(id, ID_LEN, 0) != ID_LEN)
        return ha_fail_errno(err, errno, "getrandom");
    for (size_t i = 0; i < n; i++) {
        if (check_ready(tokens[i], err) || ha_key_add_replica(key, ha_token_config(tokens[i])->name, id, ID_LEN, err))
            return err->code;
        key->replicas[i].token = tokens[i];
    }
    ha_time_iso(key->created);
    return HA_OK;
}

enum ha_code ha_keys_make(struct ha_keys *keys, struct ha_key *key, struct ha_token *const *tokens, size_t n,
                          const struct ha_part *secret, struct ha_key **ret_key, struct ha_err *err)
{
    if (n > 1 && key->type == HA_KEY_HMAC_256)
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s is in one token only",
                       ha_key_type_info(key->type)->name);
    if (ha_keys_place(key, tokens, n, err))
        return err->code;
    if (n > 1 ? share(keys, key, err) : ha_store_write(&keys->store, key, err) || generate(keys, key, secret, err))
        return err->code;
    return ha_keys_add(keys, key, ret_key, err);
}

enum ha_code ha_keys_create(struct ha_keys *keys, const char *name, struct ha_token *const *tokens, size_t n,
                            enum ha_key_type type, unsigned purposes, const struct ha_key_traits *traits,
                            struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_keys_begin(keys, name, err))
        return err->code;
    enum ha_code code;
    if ((key = ha_key_new(name))) {
        key->type = type;
        key->purposes = purposes;
        code =
            ha_key_traits_give(traits, key, err) ? err->code : ha_keys_make(keys, key, tokens, n, NULL, ret_key, err);
    } else {
        code = ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    pthread_mutex_unlock(&keys->changing);
    return code;
}

enum ha_code ha_keys_import(struct ha_keys *keys, const char *name, struct ha_token *token, const uint8_t *secret,
                            size_t n, const struct ha_key_traits *traits, struct ha_key **ret_key, struct ha_err *err)
{
    const struct ha_part part = {secret, n};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (n < HA_HMAC_KEY_MIN || n > HA_HMAC_KEY_MAX) {
        ha_fail(err, HA_E_MALFORMED, "an HMAC key has %d to %d bytes; this one has %zu", HA_HMAC_KEY_MIN,
                HA_HMAC_KEY_MAX, n);
        return ha_hint(err, "a shorter one is weaker than its hash, and tokens refuse it; agree on a longer one");
    }
    if (ha_keys_begin(keys, name, err))
        return err->code;
    enum ha_code code;
    if ((key = ha_key_new(name))) {
        key->type = HA_KEY_HMAC_256;
        key->purposes = HA_PURPOSE_MAC;
        key->imported = true;
        code =
            ha_key_traits_give(traits, key, err) ? err->code : ha_keys_make(keys, key, &token, 1, &part, ret_key, err);
    } else {
        code = ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    pthread_mutex_unlock(&keys->changing);
    return code;
}
