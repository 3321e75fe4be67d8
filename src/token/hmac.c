// SPDX-License-Identifier: Apache-2.0
#include "token/hmac.h"

#include "token/ckr.h"
#include "token/generate.h"
#include "token/session.h"
#include "token/p11.h"

#include <assert.h>
#include <string.h>

#define TEMPLATE_MAX 16

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static const CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static const CK_KEY_TYPE generic_secret = CKK_GENERIC_SECRET;
static const CK_ULONG made_len = HA_HMAC_KEY_MIN;

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

// lax: what the key mustn't do is left to the token, as in ha_template_fill.
static void fill(struct template *template, const struct ha_packet *question, bool lax)
{
    static const CK_ATTRIBUTE_TYPE forbidden[] = {CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT,
                                                  CKA_WRAP,   CKA_UNWRAP,  CKA_DERIVE};
    const struct ha_part *id = &question->part[0], *label = &question->part[1], *secret = &question->part[2];
    *template = (struct template){0};
    add(template, CKA_CLASS, &secret_key, sizeof(secret_key));
    add(template, CKA_KEY_TYPE, &generic_secret, sizeof(generic_secret));
    add_flag(template, CKA_TOKEN, true);
    add_flag(template, CKA_PRIVATE, true);
    add_flag(template, CKA_SENSITIVE, true);
    add_flag(template, CKA_EXTRACTABLE, false);
    add(template, CKA_ID, id->data, id->len);
    add(template, CKA_LABEL, label->data, label->len);
    add_flag(template, CKA_SIGN, true);
    for (size_t i = 0; i < HA_ARRAY_SIZE(forbidden) && !lax; i++)
        add_flag(template, forbidden[i], false);
    if (secret->len)
        add(template, CKA_VALUE, secret->data, secret->len);
    else
        add(template, CKA_VALUE_LEN, &made_len, sizeof(made_len));
}

static enum ha_code check_mechanism(const struct ha_p11 *token, struct ha_err *err)
{
    if (ha_sign_way(&token->sign, HA_ALG_HMAC_SHA256) != HA_WAY_NONE)
        return HA_OK;
    return ha_fail(err, HA_E_KEY_CANNOT, "the token has no mechanism for %s", ha_alg_info(HA_ALG_HMAC_SHA256)->name);
}

enum ha_code ha_hmac_make(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                          unsigned runs, CK_OBJECT_HANDLE *ret_object, struct ha_err *err)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_GENERIC_SECRET_KEY_GEN};
    bool given = question->part[2].len > 0;
    CK_RV rv = CKR_OK;
    if (check_mechanism(token, err))
        return err->code;
    for (int lax = 0; lax < 2; lax++) {
        struct template template;
        CK_OBJECT_HANDLE object = 0;
        fill(&template, question, lax);
        session->poisoned = true;
        rv = given ? token->p11->C_CreateObject(session->handle, template.items, template.n, &object)
                   : token->p11->C_GenerateKey(session->handle, &mechanism, template.items, template.n, &object);
        if (rv == CKR_OK) {
            session->poisoned = false;
            *ret_object = object;
            return HA_OK;
        }
        if (!ha_generate_is_refused(rv, runs))
            break;
    }
    return ha_ckr_fail(err, given ? "C_CreateObject" : "C_GenerateKey", rv);
}

enum ha_code ha_hmac_identity(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                              struct ha_pubkey **ret_key, struct ha_err *err)
{
    static CK_BYTE text[] = HA_PUBKEY_CHECK_TEXT;
    CK_MECHANISM mechanism = {.mechanism = CKM_SHA256_HMAC};
    uint8_t check[HA_PUBKEY_CHECK_LEN];
    CK_ULONG n = sizeof(check);
    if (check_mechanism(token, err))
        return err->code;
    CK_RV rv = token->p11->C_SignInit(session->handle, &mechanism, object);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_SignInit", rv);
    session->poisoned = true;  // an operation has begun on it
    rv = token->p11->C_Sign(session->handle, text, sizeof(text) - 1, check, &n);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_Sign", rv);
    if (n != sizeof(check))
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token's code has %lu bytes instead of %zu", n, sizeof(check));
    session->poisoned = false;
    return ha_pubkey_from_check(HA_KEY_HMAC_256, check, ret_key, err);
}
