// SPDX-License-Identifier: Apache-2.0
#include "token/destroy.h"

#include "token/ckr.h"
#include "token/find.h"
#include "token/object.h"
#include "token/operate.h"
#include "token/public.h"
#include "token/session.h"
#include "token/p11.h"

#include <string.h>

static enum ha_code destroy_object(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                   struct ha_err *err)
{
    CK_RV rv = token->p11->C_DestroyObject(session->handle, object);
    if (rv == CKR_OK)
        return HA_OK;
    session->poisoned = true;
    return ha_ckr_fail(err, "C_DestroyObject", rv);
}

// Keeps of the handles those that belong to the public key, or have the identity.
static enum ha_code keep_matching(struct ha_p11 *token, struct ha_session *session, const struct ha_key_name *name,
                                  struct ha_handles *handles, struct ha_err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < handles->n; i++) {
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
        bool told = false;
        if (ha_object_match(token, session, handles->items[i], name, &told, &key, err))
            return err->code;
        if (!told) {
            ha_fail(err, HA_E_KEY_CANNOT,
                    name->secret ? "the token has a secret key with that CKA_ID but can't use it; nothing was destroyed"
                                 : "the token has a private key with that CKA_ID but doesn't tell its public key; "
                                   "nothing was destroyed");
            return ha_hint(err, "Look at the key with the token's own tool, and delete it there if it is the one.");
        }
        if (key)
            handles->items[kept++] = handles->items[i];
    }
    handles->n = kept;
    if (kept > 1)
        return ha_fail(err, HA_E_AMBIGUOUS, "%zu keys on the token fit this key; nothing was destroyed", kept);
    return HA_OK;
}

// The private key, or the secret one.
static enum ha_code destroy_keys(struct ha_p11 *token, struct ha_session *session, const struct ha_key_name *name,
                                 struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles found = {0};
    CK_OBJECT_CLASS class = name->secret ? CKO_SECRET_KEY : CKO_PRIVATE_KEY;
    if (ha_find_by_id(token, session, class, name->id, name->id_len, &found, err) ||
        (name->spki && keep_matching(token, session, name, &found, err)))
        return err->code;
    for (size_t i = 0; i < found.n; i++) {
        if (destroy_object(token, session, found.items[i], err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code destroy_publics(struct ha_p11 *token, struct ha_session *session, const struct ha_key_name *name,
                                    struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles found = {0};
    if (ha_find_by_id(token, session, CKO_PUBLIC_KEY, name->id, name->id_len, &found, err))
        return err->code;
    for (size_t i = 0; i < found.n; i++) {
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
        struct ha_err failure = {0};
        enum ha_code code = name->spki ? ha_public_of_object(token, session, found.items[i], &key, &failure) : HA_OK;
        if (code && (code != HA_E_KEY_CANNOT || failure.rv != CKR_OK)) {
            *err = failure;
            return code;
        }
        bool other = name->spki && (!key || memcmp(ha_pubkey_spki_sha256(key), name->spki, HA_SPKI_HASH_LEN) != 0);
        if (!other && destroy_object(token, session, found.items[i], err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code run(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    const struct ha_key_name *name = context;
    mtx_lock(&token->object_lock);
    ha_cache_drop_id(&token->cache, name->id, name->id_len);
    // The private key first: it may be recognised by the public one, should this be cut short and done again.
    enum ha_code code = destroy_keys(token, session, name, err);
    if (code == HA_OK && !name->secret)
        code = destroy_publics(token, session, name, err);
    mtx_unlock(&token->object_lock);
    return code;
}

enum ha_code ha_destroy(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err)
{
    const struct ha_part *id = &question->part[0], *spki = &question->part[1];
    if (id->len == 0 || id->len > HA_CKA_ID_MAX || (spki->len != 0 && spki->len != HA_SPKI_HASH_LEN))
        return ha_fail(err, HA_E_MALFORMED, "a CKA_ID has 1 to %d bytes, the hash of a public key %d", HA_CKA_ID_MAX,
                       HA_SPKI_HASH_LEN);
    // No SPKI: whatever has the id.
    struct ha_key_name name = {.id = id->data,
                               .id_len = id->len,
                               .spki = spki->len ? spki->data : NULL,
                               .secret = ha_key_type_is_secret((enum ha_key_type)question->key_type),
                               .kek = question->key_type == HA_KEY_AES_256};
    return ha_operate(token, HA_OPERATE_HELD, run, &name, err);
}
