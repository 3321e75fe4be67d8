// SPDX-License-Identifier: Apache-2.0
// Creation, adoption, deletion. The file is written before and after what is done in the token, so that at no point a
// crash leaves something that the next start (bind.c) doesn't find.
#include "base/clock.h"
#include "base/text.h"
#include "keys/keys_internal.h"
#include "keys/objects.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define ID_LEN      16      // bytes of a CKA_ID that we make
#define GENERATE_MS 180000  // a smartcard takes its time over RSA-4096
#define DESTROY_MS  60000

// Holds keys->changing; fails when the name is taken.
static enum ha_code begin(struct ha_keys *keys, const char *name, struct ha_err *err)
{
    if (!ha_name_valid(name)) {
        ha_fail(err, HA_E_MALFORMED, "that is no name for a key");
        return ha_hint(err, "letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 64");
    }
    pthread_mutex_lock(&keys->changing);
    ha_auto(ha_key_unref) struct ha_key *present = ha_keys_get(keys, name);
    if (!present)
        return HA_OK;
    pthread_mutex_unlock(&keys->changing);
    ha_fail(err, HA_E_CONFLICT, "there is a key '%s' already", name);
    return ha_hint(err, "choose another name, or delete that key first");
}

static struct ha_key *draft(const char *name, struct ha_token *token, enum ha_key_type type, unsigned purposes)
{
    struct ha_key *key = ha_key_new(name, ha_token_config(token)->name);
    if (!key)
        return NULL;
    key->token = token;
    key->type = type;
    key->purposes = purposes;
    ha_time_iso(key->created);
    return key;
}

// The creation's outcome isn't known: the key stays in the table as incomplete, so that an operator sees it.
static void keep_incomplete(struct ha_keys *keys, struct ha_key *key)
{
    struct ha_err ignored = {0};
    ha_key_set_state(key, HA_STATE_INCOMPLETE,
                     "its creation was cut off; delete it with `hsm-agent key delete NAME --yes` and create it again");
    ha_key_ref(key);
    if (ha_keys_insert(keys, key, &ignored))
        ha_key_unref(key);
}

static enum ha_code generate(struct ha_keys *keys, struct ha_key *key, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf spki = {0};
    struct ha_packet question = {
        .op = HA_OP_GENERATE,
        .key_type = key->type,
        .purposes = key->purposes,
        .part = {{key->id, key->id_len}, {key->name, strlen(key->name)}},
    };
    enum ha_code code = ha_token_control(key->token, &question, ha_now_ms() + GENERATE_MS, NULL, NULL, &spki, err);
    if (code == HA_E_DEADLINE || code == HA_E_TOKEN_DOWN || code == HA_E_INTERNAL) {
        keep_incomplete(keys, key);
        return code;
    }
    if (code) {
        // The token said no, so nothing was made.
        struct ha_err ignored = {0};
        ha_store_remove(&keys->store, key->name, &ignored);
        return code;
    }
    if (ha_pubkey_from_spki(spki.data, spki.len, &key->public_key, err) ||
        ha_pubkey_type(key->public_key) != key->type) {
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

static enum ha_code add(struct ha_keys *keys, struct ha_key *key, struct ha_key **ret_key, struct ha_err *err)
{
    ha_key_ref(key);
    if (ha_keys_insert(keys, key, err)) {
        ha_key_unref(key);
        return err->code;
    }
    *ret_key = ha_key_ref(key);
    return HA_OK;
}

static enum ha_code create(struct ha_keys *keys, const char *name, struct ha_token *token, enum ha_key_type type,
                           unsigned purposes, struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = draft(name, token, type, purposes);
    if (!key)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    key->id_len = ID_LEN;
    if (getrandom(key->id, ID_LEN, 0) != ID_LEN)
        return ha_fail_errno(err, errno, "getrandom");
    if (ha_store_write(&keys->store, key, err) || generate(keys, key, err))
        return err->code;
    return add(keys, key, ret_key, err);
}

enum ha_code ha_keys_create(struct ha_keys *keys, const char *name, struct ha_token *token, enum ha_key_type type,
                            unsigned purposes, struct ha_key **ret_key, struct ha_err *err)
{
    if (begin(keys, name, err))
        return err->code;
    enum ha_code code = create(keys, name, token, type, purposes, ret_key, err);
    pthread_mutex_unlock(&keys->changing);
    return code;
}

static unsigned purposes_of(const struct ha_object *object, enum ha_key_type type)
{
    unsigned purposes = 0;
    if (object->flags & HA_OBJECT_SIGN)
        purposes |= HA_PURPOSE_SIGN;
    if (object->flags & HA_OBJECT_DECRYPT)
        purposes |= HA_PURPOSE_DECRYPT;
    if (object->flags & HA_OBJECT_DERIVE)
        purposes |= HA_PURPOSE_DERIVE;
    return purposes & ha_purposes_possible(type);
}

static enum ha_code pick(const struct ha_objects *objects, const char *uri, struct ha_err *err)
{
    if (objects->n == 0) {
        ha_fail(err, HA_E_NO_KEY, "no private key of the token fits %s", uri);
        return ha_hint(err, "list what is there with pkcs11-tool --list-objects --login, and name it by id or object");
    }
    if (objects->n > 1) {
        char first[160], second[160];
        ha_object_name(&objects->items[0], first, sizeof(first));
        ha_object_name(&objects->items[1], second, sizeof(second));
        ha_fail(err, HA_E_AMBIGUOUS, "%zu private keys of the token fit: %.150s and %.150s", objects->n, first, second);
        return ha_hint(err, "name one of them by its id; two with one id can't be told apart: remove one");
    }
    return HA_OK;
}

static enum ha_code check_shown(const struct ha_object *object, struct ha_err *err)
{
    if (object->spki_len > 0)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "the token doesn't show this key's public key: %s", object->why);
    return ha_hint(err, "store the public key or the certificate in the token under the same id");
}

// Two objects with one id can't be told apart, even if the URI's label fits only one of them.
static enum ha_code check_alone(struct ha_token *token, const struct ha_object *object, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf uri = {0};
    ha_auto(ha_objects_clear) struct ha_objects same = {0};
    if (object->id_len == 0) {
        ha_fail(err, HA_E_KEY_CANNOT, "the object has no CKA_ID, by which keys are bound");
        return ha_hint(err, "give it one, for example with pkcs11-tool --set-id");
    }
    ha_buf_puts(&uri, "pkcs11:type=private;id=");
    for (size_t i = 0; i < object->id_len; i++)
        ha_buf_printf(&uri, "%%%02x", object->id[i]);
    if (ha_objects_list(token, ha_buf_text(&uri), &same, err))
        return err->code;
    return pick(&same, ha_buf_text(&uri), err);
}

static enum ha_code adopt(struct ha_keys *keys, const char *name, struct ha_token *token, const char *uri,
                          unsigned purposes, struct ha_key **ret_key, struct ha_err *err)
{
    ha_auto(ha_objects_clear) struct ha_objects objects = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *public_key = NULL;
    if (ha_objects_list(token, uri, &objects, err) || pick(&objects, uri, err))
        return err->code;
    const struct ha_object *object = &objects.items[0];
    if (check_alone(token, object, err) || check_shown(object, err) ||
        ha_pubkey_from_spki(object->spki, object->spki_len, &public_key, err))
        return err->code;
    enum ha_key_type type = ha_pubkey_type(public_key);
    if (!purposes)
        purposes = purposes_of(object, type);
    if (!purposes)
        return ha_fail(err, HA_E_KEY_CANNOT, "the object may neither sign nor decrypt nor derive");
    if (purposes & ~ha_purposes_possible(type))
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s can't have these purposes",
                       ha_key_type_info(type)->name);

    ha_auto(ha_key_unref) struct ha_key *key = draft(name, token, type, purposes);
    if (!key)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    key->adopted = true;
    key->phase = HA_PHASE_READY;
    memcpy(key->id, object->id, object->id_len);
    key->id_len = object->id_len;
    key->public_key = ha_take(&public_key);
    ha_key_set_state(key, HA_STATE_READY, "");
    if (ha_store_write(&keys->store, key, err))
        return err->code;
    return add(keys, key, ret_key, err);
}

enum ha_code ha_keys_adopt(struct ha_keys *keys, const char *name, struct ha_token *token, const char *uri,
                           unsigned purposes, struct ha_key **ret_key, struct ha_err *err)
{
    if (begin(keys, name, err))
        return err->code;
    enum ha_code code = adopt(keys, name, token, uri, purposes, ret_key, err);
    pthread_mutex_unlock(&keys->changing);
    return code;
}

static enum ha_code destroy_objects(struct ha_keys *keys, struct ha_key *key, struct ha_err *err)
{
    struct ha_token *token = key->token;
    if (!token) {
        ha_fail(err, HA_E_TOKEN_DOWN, "the token '%s' isn't in the configuration", key->token_name);
        return ha_hint(err, "configure the token again, or remove the key's file from the state directory");
    }
    struct ha_token_status status;
    ha_token_status(token, &status);
    if (status.err.code) {
        *err = status.err;
        return err->code;
    }
    if (atomic_load(&key->state) == HA_STATE_AMBIGUOUS) {
        ha_fail(err, HA_E_AMBIGUOUS,
                "more than one object of the token fits '%s', and the wrong one could be destroyed", key->name);
        return ha_hint(err,
                       "remove the other one with the token's own tools, restart the agent, and delete the key then");
    }
    enum ha_key_phase before = key->phase;
    key->phase = HA_PHASE_DELETING;
    if (ha_store_write(&keys->store, key, err)) {
        key->phase = before;
        return err->code;
    }
    struct ha_packet question = {.op = HA_OP_DESTROY, .part[0] = {key->id, key->id_len}};
    if (key->public_key)
        question.part[1] = (struct ha_part){ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN};
    if (ha_token_control(token, &question, ha_now_ms() + DESTROY_MS, NULL, NULL, NULL, err)) {
        ha_key_set_state(key, HA_STATE_INCOMPLETE, "its deletion was cut off; delete it again");
        return ha_wrap(err, "the objects of '%s' may still be in the token", key->name);
    }
    return HA_OK;
}

enum ha_code ha_keys_delete(struct ha_keys *keys, const char *name, bool destroy, bool *ret_destroyed,
                            struct ha_err *err)
{
    pthread_mutex_lock(&keys->changing);
    ha_auto(ha_key_unref) struct ha_key *key = ha_keys_get(keys, name);
    enum ha_code code = HA_OK;
    if (!key) {
        code = ha_fail(err, HA_E_NO_KEY, "there is no key '%s'", name);
    } else {
        destroy = destroy || !key->adopted;
        if (destroy)
            code = destroy_objects(keys, key, err);
        if (code == HA_OK)
            code = ha_store_remove(&keys->store, name, err);
        if (code == HA_OK)
            ha_keys_drop(keys, name);
    }
    pthread_mutex_unlock(&keys->changing);
    if (code == HA_OK)
        *ret_destroyed = destroy;
    return code;
}
