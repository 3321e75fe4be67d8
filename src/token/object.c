// SPDX-License-Identifier: Apache-2.0
#include "token/object.h"

#include "base/buf.h"
#include "base/text.h"
#include "token/ckr.h"
#include "token/find.h"
#include "token/hmac.h"
#include "token/kek.h"
#include "token/public.h"
#include "token/session.h"
#include "token/p11.h"
#include "token/uri.h"

#include <string.h>

#define LABEL_MAX 256

static enum ha_code object_uri(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                               const struct ha_key_name *name, char ret_text[static HA_URI_MAX], struct ha_err *err)
{
    uint8_t label[LABEL_MAX];
    CK_ATTRIBUTE attribute = {CKA_LABEL, label, sizeof(label)};
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    ha_uri_of_object(name->id, name->id_len, label, attribute.ulValueLen, ret_text);
    return HA_OK;
}

static enum ha_code ambiguous(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE one,
                              CK_OBJECT_HANDLE other, const struct ha_key_name *name, struct ha_err *err)
{
    char first[HA_URI_MAX], second[HA_URI_MAX];
    if (object_uri(token, session, one, name, first, err) || object_uri(token, session, other, name, second, err))
        return err->code;
    ha_fail(err, HA_E_AMBIGUOUS, "two objects fit this key: %s and %s", first, second);
    return ha_hint(err, "Give one of the two another CKA_ID, or delete it, with the token's own tool.");
}

static enum ha_code not_there(size_t n_candidates, const struct ha_key_name *name, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf id = {0};
    ha_hex_encode(&id, name->id, name->id_len);
    if (n_candidates == 0)
        ha_fail(err, HA_E_NO_KEY, "the token has no %s key with the CKA_ID %s", name->secret ? "secret" : "private",
                ha_buf_text(&id));
    else if (name->secret)
        ha_fail(err, HA_E_NO_KEY, "the secret key with the CKA_ID %s isn't the one that is known", ha_buf_text(&id));
    else
        ha_fail(err, HA_E_NO_KEY, "the private key with the CKA_ID %s doesn't belong to the public key that is known",
                ha_buf_text(&id));
    return ha_hint(err,
                   "Check that the key wasn't deleted or replaced on the token; if it was, delete its name and create "
                   "or adopt it anew.");
}

// A secret key is known by what it makes of our text.
static enum ha_code match_secret(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                 const struct ha_key_name *name, bool *ret_told, struct ha_pubkey **ret_key,
                                 struct ha_err *err)
{
    const CK_KEY_TYPE wanted = name->kek ? CKK_AES : CKK_GENERIC_SECRET;
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    struct ha_err failure = {0};
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof(type)};
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    // Somebody else's key may have the same id.
    bool other = attribute.ulValueLen != sizeof(type) || type != wanted;
    if (!other && (name->kek ? ha_kek_identity : ha_hmac_identity)(token, session, object, &key, &failure) &&
        (failure.code == HA_E_MEMORY || ha_ckr_curable(&failure))) {
        *err = failure;
        return err->code;
    }
    *ret_told = other || key;
    *ret_key = key && memcmp(ha_pubkey_spki_sha256(key), name->spki, HA_SPKI_HASH_LEN) == 0 ? ha_take(&key) : NULL;
    return HA_OK;
}

enum ha_code ha_object_match(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                             const struct ha_key_name *name, bool *ret_told, struct ha_pubkey **ret_key,
                             struct ha_err *err)
{
    bool secret = name->kek || name->secret;
    return (secret ? match_secret : ha_public_match)(token, session, object, name, ret_told, ret_key, err);
}

enum ha_code ha_object_find(struct ha_p11 *token, struct ha_session *session, const struct ha_key_name *name,
                            struct ha_p11_key *ret_key, struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles candidates = {0};
    struct ha_p11_key found = {.generation = atomic_load(&token->generation)};
    CK_OBJECT_CLASS class = name->secret ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
    if (ha_find_by_id(token, session, class, name->id, name->id_len, &candidates, err))
        return err->code;
    for (size_t i = 0; i < candidates.n; i++) {
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
        bool told = false;
        if (ha_object_match(token, session, candidates.items[i], name, &told, &key, err))
            return err->code;
        if (!key)
            continue;
        if (found.type != HA_KEY_NONE)
            return ambiguous(token, session, found.handle, candidates.items[i], name, err);
        found.handle = candidates.items[i];
        found.type = ha_pubkey_type(key);
        found.bits = ha_pubkey_bits(key);
        ha_known_keys_put(&token->known_keys, ha_take(&key));
    }
    if (found.type == HA_KEY_NONE)
        return not_there(candidates.n, name, err);
    if (ha_find_flag(token, session, found.handle, CKA_ALWAYS_AUTHENTICATE, &found.always_authenticate, err))
        return err->code;
    *ret_key = found;
    return HA_OK;
}

static bool remembered(struct ha_p11 *token, const struct ha_key_name *name, struct ha_p11_key *ret_key)
{
    struct ha_p11_key key;
    if (!ha_cache_get(&token->cache, name, &key) || key.generation != atomic_load(&token->generation))
        return false;
    *ret_key = key;
    return true;
}

enum ha_code ha_object_get(struct ha_p11 *token, struct ha_session *session, const struct ha_key_name *name,
                           struct ha_p11_key *ret_key, struct ha_err *err)
{
    if (remembered(token, name, ret_key))
        return HA_OK;
    mtx_lock(&token->object_lock);
    // Many threads may have missed at once; the first of them has found it by now.
    enum ha_code code = HA_OK;
    if (!remembered(token, name, ret_key)) {
        code = ha_object_find(token, session, name, ret_key, err);
        if (code == HA_OK)
            ha_cache_put(&token->cache, name, ret_key);
    }
    mtx_unlock(&token->object_lock);
    return code;
}
