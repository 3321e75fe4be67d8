// SPDX-License-Identifier: Apache-2.0
// Adoption: key pairs that are in tokens already become a key. Several are one key only if they prove it.
#include "base/clock.h"
#include "keys/keys_internal.h"
#include "keys/objects.h"
#include "keys/prove.h"

#include <string.h>

// The one object that a source stands for.
struct candidate {
    struct ha_objects objects;
    struct ha_pubkey *public_key;
};

static void candidate_clear(struct candidate *candidate)
{
    ha_objects_clear(&candidate->objects);
    ha_pubkey_free(candidate->public_key);
}
HA_AUTO_DEFINE_CLEAR(struct candidate, candidate_clear)

static unsigned purposes_of(const struct ha_object *object, enum ha_key_type type)
{
    unsigned purposes = 0;
    if (object->flags & HA_OBJECT_SIGN)
        purposes |= HA_PURPOSE_SIGN;
    if (object->flags & HA_OBJECT_DECRYPT)
        purposes |= HA_PURPOSE_DECRYPT;
    if (object->flags & HA_OBJECT_DERIVE)
        purposes |= HA_PURPOSE_DERIVE;
    if (object->flags & HA_OBJECT_WRAP)
        purposes |= HA_PURPOSE_WRAP;
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
    ha_buf_printf(&uri, "pkcs11:type=%s;id=", object->flags & HA_OBJECT_SECRET ? "secret-key" : "private");
    for (size_t i = 0; i < object->id_len; i++)
        ha_buf_printf(&uri, "%%%02x", object->id[i]);
    if (ha_objects_list(token, ha_buf_text(&uri), &same, err))
        return err->code;
    return pick(&same, ha_buf_text(&uri), err);
}

static enum ha_code find(const struct ha_keys_source *source, struct candidate *candidate, struct ha_err *err)
{
    if (!source->uri[0])
        return ha_fail(err, HA_E_MALFORMED, "the PKCS#11 URI is empty");
    if (ha_objects_list(source->token, source->uri, &candidate->objects, err) ||
        pick(&candidate->objects, source->uri, err))
        return err->code;
    const struct ha_object *object = &candidate->objects.items[0];
    if (check_alone(source->token, object, err) || check_shown(object, err))
        return err->code;
    return ha_pubkey_restore(object->spki, object->spki_len, &candidate->public_key, err);
}

static enum ha_code check_purposes(unsigned purposes, enum ha_key_type type, struct ha_err *err)
{
    if (!purposes)
        return ha_fail(err, HA_E_KEY_CANNOT, "the object may neither sign nor decrypt nor derive");
    if (purposes & ~ha_purposes_possible(type))
        return ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s can't have these purposes",
                       ha_key_type_info(type)->name);
    return HA_OK;
}

// Adds the source as a replica of key, whose public key and possible purposes are those of the replicas before it.
static enum ha_code add_source(struct ha_key *key, const struct ha_keys_source *source, unsigned *allowed,
                               struct ha_err *err)
{
    ha_auto(candidate_clear) struct candidate candidate = {0};
    const char *token_name = ha_token_config(source->token)->name;
    for (size_t i = 0; i < key->n_replicas; i++)
        if (key->replicas[i].token == source->token)
            return ha_fail(err, HA_E_MALFORMED, "the token '%s' is named twice; replicas are in a token each",
                           token_name);
    if (find(source, &candidate, err))
        return err->code;
    const struct ha_object *object = &candidate.objects.items[0];
    enum ha_key_type type = ha_pubkey_type(candidate.public_key);
    if (key->public_key && memcmp(ha_pubkey_spki_sha256(key->public_key), ha_pubkey_spki_sha256(candidate.public_key),
                                  HA_SPKI_HASH_LEN) != 0) {
        char name[160];
        ha_object_name(object, name, sizeof(name));
        ha_fail(err, HA_E_CONFLICT, "%.150s in the token '%s' is another key than the one in the token '%s'", name,
                token_name, key->replicas[0].token_name);
        return ha_hint(err, "replicas have one and the same key pair: import it into both tokens, then adopt them");
    }
    if (ha_key_add_replica(key, token_name, object->id, object->id_len, err))
        return err->code;
    key->replicas[key->n_replicas - 1].token = source->token;
    key->type = type;
    *allowed &= purposes_of(object, type);
    if (!key->public_key)
        key->public_key = ha_take(&candidate.public_key);
    return HA_OK;
}

static enum ha_code adopt(struct ha_keys *keys, struct ha_key *key, const struct ha_keys_source *sources, size_t n,
                          size_t *ret_at, struct ha_err *err)
{
    unsigned allowed = ~0u;
    for (*ret_at = 0; *ret_at < n; (*ret_at)++)
        if (add_source(key, &sources[*ret_at], &allowed, err))
            return err->code;
    if (!key->purposes)
        key->purposes = allowed;
    if (check_purposes(key->purposes, key->type, err))
        return err->code;
    for (*ret_at = 0; n > 1 && *ret_at < n; (*ret_at)++)
        if (ha_prove_now(key, &key->replicas[*ret_at], err))
            return err->code;
    *ret_at = n;
    if (n == 1)
        ha_key_set_state(key, HA_STATE_READY, "");
    key->adopted = true;
    key->phase = HA_PHASE_READY;
    ha_time_iso(key->created);
    return ha_store_write(&keys->store, key, err);
}

enum ha_code ha_keys_adopt(struct ha_keys *keys, const char *name, const struct ha_keys_source *sources, size_t n,
                           unsigned purposes, const struct ha_key_traits *traits, struct ha_key **ret_key,
                           size_t *ret_wrong, struct ha_err *err)
{
    size_t at = n;
    enum ha_code code = ha_keys_begin(keys, name, err);
    if (code == HA_OK) {
        ha_auto(ha_key_unref) struct ha_key *key = ha_key_new(name);
        if (key) {
            key->purposes = purposes;
            code = ha_key_traits_give(traits, key, err) ? err->code : adopt(keys, key, sources, n, &at, err);
        } else {
            code = ha_fail(err, HA_E_MEMORY, "out of memory");
        }
        if (code == HA_OK)
            code = ha_keys_add(keys, key, ret_key, err);
        pthread_mutex_unlock(&keys->changing);
    }
    if (code)
        *ret_wrong = at;
    return code;
}

enum ha_code ha_keys_locate(struct ha_token *const *tokens, size_t n, const char *uri, struct ha_token **ret_token,
                            struct ha_err *err)
{
    struct ha_token *found = NULL;
    for (size_t i = 0; i < n; i++) {
        ha_auto(ha_objects_clear) struct ha_objects objects = {0};
        struct ha_err why = {0};
        enum ha_code code = ha_objects_list(tokens[i], uri, &objects, &why);
        if (code == HA_E_NO_KEY || (code == HA_OK && objects.n == 0))
            continue;
        if (code) {
            *err = why;
            return code;
        }
        if (found) {
            ha_fail(err, HA_E_AMBIGUOUS, "private keys of the tokens '%s' and '%s' fit %s",
                    ha_token_config(found)->name, ha_token_config(tokens[i])->name, uri);
            return ha_hint(err, "say which token is meant, or write its label into the URI: pkcs11:token=LABEL;...");
        }
        found = tokens[i];
    }
    if (!found) {
        ha_fail(err, HA_E_NO_KEY, "no private key of any token fits %s", uri);
        return ha_hint(err, "list what is there with pkcs11-tool --list-objects --login, and name it by id or object");
    }
    *ret_token = found;
    return HA_OK;
}
