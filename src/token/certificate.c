// SPDX-License-Identifier: Apache-2.0
#include "token/certificate.h"

#include "crypto/x509_parts.h"
#include "token/ckr.h"
#include "token/find.h"
#include "token/operate.h"
#include "token/p11.h"
#include "token/session.h"

#include <stdint.h>
#include <string.h>

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static const CK_OBJECT_CLASS class = CKO_CERTIFICATE;
static const CK_CERTIFICATE_TYPE x509 = CKC_X_509;

static CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    return (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, len};
}

// The objects with that CKA_ID that are this very certificate. The values are compared here: not every token searches
// for CKA_VALUE.
static enum ha_code find(struct ha_p11 *token, struct ha_session *session, const struct ha_part *id,
                         const struct ha_part *der, struct ha_handles *ret_found, struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles all = {0};
    ha_auto(ha_buf_clear) struct ha_buf value = {0};
    size_t room = der->len + 1;  // a longer one shows that it is
    uint8_t *into = ha_buf_reserve(&value, room);
    if (!into)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a certificate");
    if (ha_find_by_id(token, session, CKO_CERTIFICATE, id->data, id->len, &all, err))
        return err->code;
    size_t kept = 0;
    for (size_t i = 0; i < all.n; i++) {
        CK_ATTRIBUTE wanted = attribute(CKA_VALUE, into, room);
        if (ha_find_attributes(token, session, all.items[i], &wanted, 1, err))
            return err->code;
        if (wanted.ulValueLen == der->len && memcmp(into, der->data, der->len) == 0)
            all.items[kept++] = all.items[i];
    }
    all.n = kept;
    *ret_found = all;
    all = (struct ha_handles){0};
    return HA_OK;
}

static enum ha_code create(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                           struct ha_err *err)
{
    ha_auto(ha_x509_parts_clear) struct ha_x509_parts parts = {0};
    const struct ha_part *id = &question->part[0], *label = &question->part[1], *der = &question->part[2];
    if (ha_x509_parts_read(der->data, der->len, &parts, err))
        return err->code;
    CK_ATTRIBUTE template[] = {
        attribute(CKA_CLASS, &class, sizeof class),
        attribute(CKA_CERTIFICATE_TYPE, &x509, sizeof x509),
        attribute(CKA_TOKEN, &yes, sizeof yes),
        attribute(CKA_PRIVATE, &no, sizeof no),
        attribute(CKA_ID, id->data, id->len),
        attribute(CKA_LABEL, label->data, label->len),
        attribute(CKA_SUBJECT, parts.subject.data, parts.subject.len),
        attribute(CKA_ISSUER, parts.issuer.data, parts.issuer.len),
        attribute(CKA_SERIAL_NUMBER, parts.serial.data, parts.serial.len),
        attribute(CKA_VALUE, der->data, der->len),
    };
    CK_OBJECT_HANDLE object;
    CK_RV rv = token->p11->C_CreateObject(session->handle, template, HA_ARRAY_SIZE(template), &object);
    if (rv == CKR_OK)
        return HA_OK;
    session->poisoned = true;
    return ha_ckr_fail(err, "C_CreateObject", rv);
}

// An operation may be done again after a failure half-way: what is there already isn't made twice.
static enum ha_code store(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                          struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles before = {0}, after = {0};
    const struct ha_part *id = &question->part[0], *der = &question->part[2];
    if (find(token, session, id, der, &before, err))
        return err->code;
    if (before.n > 0)
        return HA_OK;
    if (create(token, session, question, err) || find(token, session, id, der, &after, err))
        return err->code;
    return after.n > 0 ? HA_OK
                       : ha_fail(err, HA_E_TOKEN_ERROR, "the token took the certificate and doesn't show it again");
}

static enum ha_code destroy(struct ha_p11 *token, struct ha_session *session, const struct ha_part *id,
                            const struct ha_part *der, struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles found = {0};
    if (find(token, session, id, der, &found, err))
        return err->code;
    for (size_t i = 0; i < found.n; i++) {
        CK_RV rv = token->p11->C_DestroyObject(session->handle, found.items[i]);
        if (rv != CKR_OK) {
            session->poisoned = true;
            return ha_ckr_fail(err, "C_DestroyObject", rv);
        }
    }
    return HA_OK;
}

static enum ha_code run(struct ha_p11 *token, struct ha_session *session, void *context, struct ha_err *err)
{
    const struct ha_packet *question = context;
    const struct ha_part *made = &question->part[2], *old = &question->part[3];
    mtx_lock(&token->object_lock);
    enum ha_code code = made->len ? store(token, session, question, err) : HA_OK;
    bool same = old->len && old->len == made->len && memcmp(old->data, made->data, old->len) == 0;
    if (code == HA_OK && old->len && !same)
        code = destroy(token, session, &question->part[0], old, err);
    mtx_unlock(&token->object_lock);
    return code;
}

enum ha_code ha_certificate_store(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err)
{
    struct ha_packet copy = *question;
    if (question->part[0].len == 0 || question->part[0].len > HA_CKA_ID_MAX)
        return ha_fail(err, HA_E_MALFORMED, "a CKA_ID has 1 to %d bytes, not %zu", HA_CKA_ID_MAX,
                       question->part[0].len);
    return ha_operate(token, HA_OPERATE_HELD, run, &copy, err);
}
