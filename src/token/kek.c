// SPDX-License-Identifier: Apache-2.0
#include "token/kek.h"

#include "crypto/digest.h"
#include "token/ckr.h"
#include "token/find.h"
#include "token/generate.h"
#include "token/session.h"
#include "token/wrapping.h"
#include "token/p11.h"

#include <assert.h>
#include <string.h>

#define TEMPLATE_MAX 20

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static const CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static const CK_KEY_TYPE aes = CKK_AES, generic_secret = CKK_GENERIC_SECRET;
static const CK_ULONG key_len = 32;

struct template
{
    CK_ATTRIBUTE items[TEMPLATE_MAX];
    CK_ULONG n;
};

static void add(struct template *template, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    assert(template->n < TEMPLATE_MAX);
    template->items[template->n++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, len};
}

static void add_flag(struct template *template, CK_ATTRIBUTE_TYPE type, bool value)
{
    add(template, type, value ? &yes : &no, sizeof(CK_BBOOL));
}

enum ha_code ha_kek_way(const struct ha_p11 *token, enum ha_wrap *ret_how, struct ha_err *err)
{
    for (int how = HA_WRAP_KWP; how <= HA_WRAP_PAD; how++) {
        if (token->wrapping.out & 1u << how) {
            *ret_how = (enum ha_wrap)how;
            return HA_OK;
        }
    }
    return ha_fail(err, HA_E_KEY_CANNOT,
                   "the token can't wrap keys by RFC 5649: it lacks CKM_AES_KEY_WRAP_KWP and CKM_AES_KEY_WRAP_PAD");
}

// --- Making

// lax: what the key mustn't do is left to the token, as in ha_template_fill. made: the token makes it, of a length;
// else it is unwrapped and has one.
static void fill(struct template *template, const struct ha_packet *question, bool made, bool lax)
{
    static const CK_ATTRIBUTE_TYPE forbidden[] = {CKA_SIGN, CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_DERIVE};
    const struct ha_part *id = &question->part[0], *label = &question->part[1];
    bool shared = made && question->flags & HA_PACKET_SHARED;
    *template = (struct template){0};
    add(template, CKA_CLASS, &secret_key, sizeof(secret_key));
    add(template, CKA_KEY_TYPE, &aes, sizeof(aes));
    add_flag(template, CKA_TOKEN, !shared);
    add_flag(template, CKA_PRIVATE, true);
    add_flag(template, CKA_SENSITIVE, true);
    add_flag(template, CKA_EXTRACTABLE, shared);
    add(template, CKA_ID, id->data, id->len);
    add(template, CKA_LABEL, label->data, label->len);
    add_flag(template, CKA_WRAP, true);
    add_flag(template, CKA_UNWRAP, true);
    for (size_t i = 0; i < HA_ARRAY_SIZE(forbidden) && !lax; i++)
        add_flag(template, forbidden[i], false);
    if (made)
        add(template, CKA_VALUE_LEN, &key_len, sizeof(key_len));
}

enum ha_code ha_kek_make(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                         unsigned runs, CK_OBJECT_HANDLE *ret_object, struct ha_err *err)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_KEY_GEN};
    enum ha_wrap how = HA_WRAP_KWP;
    CK_RV rv = CKR_OK;
    if (ha_kek_way(token, &how, err))
        return err->code;
    for (int lax = 0; lax < 2; lax++) {
        struct template template;
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        fill(&template, question, true, lax);
        session->poisoned = true;
        rv = token->p11->C_GenerateKey(session->handle, &mechanism, template.items, template.n, &object);
        if (rv == CKR_OK) {
            session->poisoned = false;
            *ret_object = object;
            return HA_OK;
        }
        if (!ha_generate_is_refused(rv, runs))
            break;
    }
    return ha_ckr_fail(err, "C_GenerateKey", rv);
}

static enum ha_code call_unwrap(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                                CK_OBJECT_HANDLE *ret_object, struct ha_err *err)
{
    uint8_t iv[HA_WRAPPING_IV_LEN];
    CK_MECHANISM mechanism = ha_wrapping_mechanism((enum ha_wrap)job->question->alg, iv);
    CK_RV rv = CKR_OK;
    for (int lax = 0; lax < 2; lax++) {
        struct template template;
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        fill(&template, job->question, false, lax);
        session->poisoned = true;
        rv = token->p11->C_UnwrapKey(session->handle, &mechanism, job->key, (CK_BYTE *)(uintptr_t)job->wrapped.data,
                                     job->wrapped.len, template.items, template.n, &object);
        if (rv == CKR_OK) {
            session->poisoned = false;
            *ret_object = object;
            return HA_OK;
        }
        if (!ha_generate_is_refused(rv, job->runs))
            break;
    }
    return ha_ckr_fail(err, "C_UnwrapKey", rv);
}

static enum ha_code check_unwrapped(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                                    CK_OBJECT_HANDLE object, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    if (ha_generate_check_private(token, session, object, true, false, err) ||
        ha_kek_identity(token, session, object, &key, err))
        return err->code;
    if (memcmp(ha_pubkey_spki_sha256(key), ha_pubkey_spki_sha256(job->public_key), HA_SPKI_HASH_LEN) == 0)
        return HA_OK;
    return ha_fail(err, HA_E_TOKEN_ERROR, "the token unwrapped another key than was wrapped");
}

enum ha_code ha_kek_unwrap(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                           struct ha_err *err)
{
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    if (call_unwrap(token, session, job, &object, err) || check_unwrapped(token, session, job, object, err)) {
        ha_wrapping_drop(token, session, object);
        return err->code;
    }
    return HA_OK;
}

// --- Tags

enum ha_code ha_kek_tag(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE kek,
                        const uint8_t value[static HA_KEK_VALUE_LEN], struct ha_buf *tag, struct ha_err *err)
{
    enum ha_wrap how = HA_WRAP_KWP;
    struct template template = {0};
    CK_OBJECT_HANDLE secret = CK_INVALID_HANDLE;
    size_t before = tag->len;
    if (ha_kek_way(token, &how, err))
        return err->code;
    add(&template, CKA_CLASS, &secret_key, sizeof(secret_key));
    add(&template, CKA_KEY_TYPE, &generic_secret, sizeof(generic_secret));
    add_flag(&template, CKA_TOKEN, false);
    add_flag(&template, CKA_PRIVATE, true);
    add_flag(&template, CKA_SENSITIVE, false);
    add_flag(&template, CKA_EXTRACTABLE, true);
    add(&template, CKA_VALUE, value, HA_KEK_VALUE_LEN);
    CK_RV rv = token->p11->C_CreateObject(session->handle, template.items, template.n, &secret);
    if (rv != CKR_OK) {
        session->poisoned = true;
        return ha_ckr_fail(err, "C_CreateObject", rv);
    }
    enum ha_code code = ha_wrapping_wrap(token, session, how, kek, secret, tag, err);
    ha_wrapping_drop(token, session, secret);
    if (code == HA_OK && tag->len - before != HA_BACKUP_TAG_LEN)
        code = ha_fail(err, HA_E_TOKEN_ERROR, "the token doesn't wrap as RFC 5649 says: %zu bytes instead of %d",
                       tag->len - before, HA_BACKUP_TAG_LEN);
    return code;
}

// A shorter AES key makes such a tag too, but isn't what a key of this type promises. SoftHSM says 0 of what was
// unwrapped.
static enum ha_code check_length(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                 struct ha_err *err)
{
    CK_ULONG len = 0;
    CK_ATTRIBUTE attribute = {CKA_VALUE_LEN, &len, sizeof(len)};
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    if (attribute.ulValueLen != sizeof(len) || len == 0 || len == key_len)
        return HA_OK;
    return ha_fail(err, HA_E_KEY_CANNOT, "the AES key has %lu bytes, not %lu", len, key_len);
}

enum ha_code ha_kek_identity(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                             struct ha_pubkey **ret_key, struct ha_err *err)
{
    static const char text[] = HA_PUBKEY_CHECK_TEXT;
    uint8_t value[HA_DIGEST_MAX], check[HA_DIGEST_MAX];
    ha_auto(ha_buf_clear) struct ha_buf tag = {0};
    if (check_length(token, session, object, err) || ha_digest(HA_HASH_SHA256, text, sizeof(text) - 1, value, err) ||
        ha_kek_tag(token, session, object, value, &tag, err) ||
        ha_digest(HA_HASH_SHA256, tag.data, tag.len, check, err))
        return err->code;
    return ha_pubkey_from_check(HA_KEY_AES_256, check, ret_key, err);
}
