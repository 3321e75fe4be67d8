// SPDX-License-Identifier: Apache-2.0
#include "token/find.h"

#include "token/ckr.h"
#include "token/session.h"
#include "token/p11.h"

#include <stdlib.h>

#define BATCH 256

void ha_handles_clear(struct ha_handles *handles)
{
    free(handles->items);
    *handles = (struct ha_handles){0};
}

static enum ha_code make_room(struct ha_handles *handles, size_t n, struct ha_err *err)
{
    if (handles->room - handles->n >= n)
        return HA_OK;
    size_t room = 2 * handles->room + n;
    CK_OBJECT_HANDLE *items = reallocarray(handles->items, room, sizeof(*items));
    if (!items)
        return ha_fail(err, HA_E_MEMORY, "out of memory for %zu object handles", room);
    handles->items = items;
    handles->room = room;
    return HA_OK;
}

static enum ha_code collect(struct ha_p11 *token, struct ha_session *session, struct ha_handles *out,
                            struct ha_err *err)
{
    CK_ULONG got = 0;
    do {
        if (make_room(out, BATCH, err))
            return err->code;
        CK_RV rv = token->p11->C_FindObjects(session->handle, out->items + out->n, BATCH, &got);
        if (rv != CKR_OK)
            return ha_ckr_fail(err, "C_FindObjects", rv);
        out->n += got;
    } while (got > 0);
    return HA_OK;
}

enum ha_code ha_find_objects(struct ha_p11 *token, struct ha_session *session, CK_ATTRIBUTE *template, CK_ULONG n,
                             struct ha_handles *out, struct ha_err *err)
{
    CK_RV rv = token->p11->C_FindObjectsInit(session->handle, template, n);
    if (rv != CKR_OK) {
        session->poisoned = true;
        return ha_ckr_fail(err, "C_FindObjectsInit", rv);
    }
    enum ha_code code = collect(token, session, out, err);
    rv = token->p11->C_FindObjectsFinal(session->handle);
    if (code == HA_OK && rv != CKR_OK)
        code = ha_ckr_fail(err, "C_FindObjectsFinal", rv);
    if (code)
        session->poisoned = true;
    return code;
}

enum ha_code ha_find_by_id(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_CLASS class, const void *id,
                           size_t id_len, struct ha_handles *out, struct ha_err *err)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_ID, (void *)(uintptr_t)id, id_len},
    };
    return ha_find_objects(token, session, template, HA_ARRAY_SIZE(template), out, err);
}

enum ha_code ha_find_attributes(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                CK_ATTRIBUTE *attributes, CK_ULONG n, struct ha_err *err)
{
    CK_RV rv = token->p11->C_GetAttributeValue(session->handle, object, attributes, n);
    // With these three the standard lets the token fill in what it can (section 5.7.5).
    if (rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE &&
        rv != CKR_BUFFER_TOO_SMALL) {
        session->poisoned = true;
        return ha_ckr_fail(err, "C_GetAttributeValue", rv);
    }
    for (CK_ULONG i = 0; i < n; i++) {
        if (attributes[i].ulValueLen == CK_UNAVAILABLE_INFORMATION)
            attributes[i].ulValueLen = 0;
    }
    return HA_OK;
}

enum ha_code ha_find_flag(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE_TYPE type, bool *ret_flag, struct ha_err *err)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE attribute = {type, &value, sizeof(value)};
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    *ret_flag = attribute.ulValueLen == sizeof(value) && value;
    return HA_OK;
}
