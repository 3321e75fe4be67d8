// SPDX-License-Identifier: Apache-2.0
#include "token/derive.h"

#include "crypto/pubkey.h"
#include "token/ckr.h"
#include "token/session.h"
#include "token/p11.h"

#include <string.h>

#define FIELD_MAX 66  // bytes of a P-521 coordinate

// PKCS#11 allows the point raw and as a DER OCTET STRING (CK_ECDH1_DERIVE_PARAMS); tokens take one, the other, or both.
enum peer_form { FORM_UNSETTLED, FORM_RAW, FORM_DER };

enum ha_way ha_derive_way(const struct ha_mechanisms *mechanisms)
{
    return ha_mechanisms_have(mechanisms, CKM_ECDH1_DERIVE, CKF_DERIVE) ? HA_WAY_DATA : HA_WAY_NONE;
}

static void octet_string(const struct ha_part *point, struct ha_buf *out)
{
    ha_buf_putc(out, 0x04);
    if (point->len > 0x7f)
        ha_buf_putc(out, (char)0x81);
    ha_buf_putc(out, (char)point->len);  // 133 bytes at most, for P-521
    ha_buf_append(out, point->data, point->len);
}

static CK_RV call_derive(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                         const struct ha_buf *peer, CK_ULONG field_len, CK_OBJECT_HANDLE *ret_secret)
{
    CK_ECDH1_DERIVE_PARAMS params = {
        .kdf = CKD_NULL,
        .ulPublicDataLen = peer->len,
        .pPublicData = peer->data,
    };
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &params, sizeof(params)};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    // The secret lives in the session for the moment between these calls and is handed to the caller anyway.
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &no, sizeof(no)},
        {CKA_PRIVATE, &no, sizeof(no)},
        {CKA_SENSITIVE, &no, sizeof(no)},
        {CKA_EXTRACTABLE, &yes, sizeof(yes)},
        {CKA_VALUE_LEN, &field_len, sizeof(field_len)},
    };
    return token->p11->C_DeriveKey(session->handle, &mechanism, key->handle, template, HA_ARRAY_SIZE(template),
                                   ret_secret);
}

// In the form that is settled; else raw, and if that fails DER. What works is remembered.
static enum ha_code derive_object(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                                  const struct ha_part *point, CK_ULONG field_len, CK_OBJECT_HANDLE *ret_secret,
                                  struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf peer = {0};
    int form = atomic_load(&token->peer_form);
    CK_RV rv = CKR_OK;
    if (form != FORM_DER) {
        ha_buf_append(&peer, point->data, point->len);
        if (!ha_buf_ok(&peer))
            return ha_fail(err, HA_E_MEMORY, "out of memory for the peer's point");
        rv = call_derive(token, session, key, &peer, field_len, ret_secret);
        if (rv == CKR_OK) {
            atomic_store(&token->peer_form, FORM_RAW);
            return HA_OK;
        }
    }
    // A lost session or a key that may not derive has nothing to do with the form.
    bool other_cause =
        ha_ckr_class(rv) == HA_CKR_SESSION || ha_ckr_class(rv) == HA_CKR_DEVICE || rv == CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (form == FORM_RAW || other_cause)
        return ha_ckr_fail(err, "C_DeriveKey", rv);
    ha_buf_reset(&peer);
    octet_string(point, &peer);
    if (!ha_buf_ok(&peer))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the peer's point");
    rv = call_derive(token, session, key, &peer, field_len, ret_secret);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_DeriveKey", rv);
    atomic_store(&token->peer_form, FORM_DER);
    return HA_OK;
}

// Appends the value, with the leading zeros that a token may have trimmed, and destroys the object.
static enum ha_code read_secret(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE secret,
                                size_t field_len, struct ha_buf *out, struct ha_err *err)
{
    uint8_t value[FIELD_MAX];
    CK_ATTRIBUTE attribute = {CKA_VALUE, value, field_len};
    CK_RV rv = token->p11->C_GetAttributeValue(session->handle, secret, &attribute, 1);
    CK_RV destroyed = token->p11->C_DestroyObject(session->handle, secret);
    uint8_t *shared = ha_buf_reserve(out, field_len);
    enum ha_code code = HA_OK;
    if (rv != CKR_OK) {
        code = ha_ckr_fail(err, "C_GetAttributeValue", rv);
    } else if (attribute.ulValueLen > field_len || !shared) {
        code = ha_fail(err, HA_E_TOKEN_ERROR, "the token's shared secret can't be taken");
    } else {
        // A session whose object wouldn't go is closed when it comes back, and takes the object with it.
        session->poisoned = destroyed != CKR_OK;
        memset(shared, 0, field_len - attribute.ulValueLen);
        memcpy(shared + field_len - attribute.ulValueLen, value, attribute.ulValueLen);
        ha_buf_advance(out, field_len);
    }
    ha_wipe(value, sizeof(value));
    return code;
}

static enum ha_code check(const struct ha_p11_key *key, const struct ha_packet *question, struct ha_err *err)
{
    if (question->alg >= HA_ALG_COUNT || question->alg == HA_ALG_NONE ||
        ha_alg_info((enum ha_alg)question->alg)->use != HA_USE_DERIVE)
        return ha_fail(err, HA_E_MALFORMED, "that isn't an algorithm for key agreement");
    if (!ha_alg_fits((enum ha_alg)question->alg, key->type))
        return ha_fail(err, HA_E_KEY_CANNOT, "%s doesn't go with a key of type %s",
                       ha_alg_info((enum ha_alg)question->alg)->name, ha_key_type_info(key->type)->name);
    const struct ha_part *point = &question->part[2];
    if (point->len != 1 + 2 * ((key->bits + 7) / 8))
        return ha_fail(err, HA_E_MALFORMED, "the peer's point has %zu bytes, which isn't an uncompressed point of %s",
                       point->len, ha_key_type_info(key->type)->name);
    // A point off the curve can reveal the private key of a token that doesn't check.
    ha_auto(ha_pubkey_free) struct ha_pubkey *peer = NULL;
    return ha_pubkey_from_point(key->type, point->data, point->len, &peer, err);
}

enum ha_code ha_derive(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                       const struct ha_packet *question, struct ha_buf *out, struct ha_err *err)
{
    CK_OBJECT_HANDLE secret = CK_INVALID_HANDLE;
    size_t field_len = (key->bits + 7) / 8;
    if (check(key, question, err))
        return err->code;
    session->poisoned = true;  // until it has proved to be well
    if (derive_object(token, session, key, &question->part[2], field_len, &secret, err))
        return err->code;
    return read_secret(token, session, secret, field_len, out, err);
}
