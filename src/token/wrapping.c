// SPDX-License-Identifier: Apache-2.0
#include "token/wrapping.h"

#include "base/auto.h"
#include "crypto/ossl.h"
#include "token/ckr.h"
#include "token/find.h"
#include "token/generate.h"
#include "token/kek.h"
#include "token/public.h"
#include "token/session.h"
#include "token/template.h"
#include "token/p11.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#define MODULUS_MAX   2048  // bytes
#define WRAPPED_MAX   8192  // bytes of a wrapped RSA-4096 key, and much room
#define AES_KEY_LEN   32
#define MECHANISM_KWP 0x0000210bUL  // CKM_AES_KEY_WRAP_KWP, which p11-kit's header doesn't have

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static const CK_MECHANISM_TYPE mechanism_of[] = {
    [HA_WRAP_KWP] = MECHANISM_KWP,
    [HA_WRAP_PAD] = CKM_AES_KEY_WRAP_PAD,
    [HA_WRAP_CBC] = CKM_AES_CBC_PAD,
};
static_assert(HA_ARRAY_SIZE(mechanism_of) == HA_WRAP_COUNT, "a mechanism for each way to wrap");

static uint8_t which(const struct ha_mechanisms *mechanisms, CK_FLAGS flags)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < HA_WRAP_COUNT; i++)
        bits |= ha_mechanisms_have(mechanisms, mechanism_of[i], flags) ? 1u << i : 0;
    return (uint8_t)bits;
}

void ha_wrapping_choose(const struct ha_mechanisms *mechanisms, struct ha_wrapping_ways *ret_ways)
{
    // The token that wraps keeps a copy, so it has to unwrap too.
    struct ha_wrapping_ways ways = {.out = which(mechanisms, CKF_WRAP | CKF_UNWRAP),
                                    .in = which(mechanisms, CKF_UNWRAP)};
    if (!ways.out)
        ways.out_lacks = "wrapping with AES (CKM_AES_KEY_WRAP_PAD or CKM_AES_CBC_PAD)";
    else if (!ha_mechanisms_have(mechanisms, CKM_RSA_PKCS_OAEP, CKF_WRAP))
        ways.out_lacks = "wrapping with CKM_RSA_PKCS_OAEP";
    else if (!ha_mechanisms_have(mechanisms, CKM_AES_KEY_GEN, CKF_GENERATE))
        ways.out_lacks = "CKM_AES_KEY_GEN";
    if (!ways.in)
        ways.in_lacks = "unwrapping with AES (CKM_AES_KEY_WRAP_PAD or CKM_AES_CBC_PAD)";
    else if (!ha_mechanisms_have(mechanisms, CKM_RSA_PKCS_OAEP, CKF_UNWRAP))
        ways.in_lacks = "unwrapping with CKM_RSA_PKCS_OAEP";
    else if (!ha_mechanisms_have(mechanisms, CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR))
        ways.in_lacks = "CKM_RSA_PKCS_KEY_PAIR_GEN";
    *ret_ways = ways;
}

static enum ha_code called(struct ha_session *session, const char *function, CK_RV rv, struct ha_err *err)
{
    if (rv == CKR_OK)
        return HA_OK;
    session->poisoned = true;
    return ha_ckr_fail(err, function, rv);
}

void ha_wrapping_drop(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object)
{
    if (object != CK_INVALID_HANDLE && token->p11->C_DestroyObject(session->handle, object) != CKR_OK)
        session->poisoned = true;
}

// --- The AES key

enum ha_code ha_wrapping_new_key(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE *ret_key,
                                 struct ha_err *err)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_KEY_GEN};
    CK_ULONG len = AES_KEY_LEN;
    CK_ATTRIBUTE template[] = {
        {CKA_TOKEN, &no, sizeof(no)},   {CKA_PRIVATE, &yes, sizeof(yes)},     {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_WRAP, &yes, sizeof(yes)},  {CKA_UNWRAP, &yes, sizeof(yes)},      {CKA_ENCRYPT, &no, sizeof(no)},
        {CKA_DECRYPT, &no, sizeof(no)}, {CKA_EXTRACTABLE, &yes, sizeof(yes)}, {CKA_VALUE_LEN, &len, sizeof(len)},
    };
    CK_RV rv = token->p11->C_GenerateKey(session->handle, &mechanism, template, HA_ARRAY_SIZE(template), ret_key);
    return called(session, "C_GenerateKey", rv, err);
}

static CK_MECHANISM oaep(CK_RSA_PKCS_OAEP_PARAMS *params)
{
    *params = (CK_RSA_PKCS_OAEP_PARAMS){.hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = CKZ_DATA_SPECIFIED};
    return (CK_MECHANISM){CKM_RSA_PKCS_OAEP, params, sizeof(*params)};
}

struct number {
    uint8_t bytes[MODULUS_MAX];
    CK_ULONG len;
};

static enum ha_code get_number(const struct ha_pubkey *key, const char *name, struct number *ret_number,
                               struct ha_err *err)
{
    ha_auto(BN_free) BIGNUM *bn = NULL;
    if (EVP_PKEY_get_bn_param(ha_pubkey_evp(key), name, &bn) != 1 || BN_num_bytes(bn) > MODULUS_MAX)
        return ha_ossl_fail(err, HA_E_INTERNAL, "reading a public key");
    ret_number->len = (CK_ULONG)BN_bn2bin(bn, ret_number->bytes);
    return HA_OK;
}

static enum ha_code import(struct ha_p11 *token, struct ha_session *session, const struct ha_pubkey *key,
                           CK_OBJECT_HANDLE *ret_object, struct ha_err *err)
{
    struct number modulus, exponent;
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    if (get_number(key, OSSL_PKEY_PARAM_RSA_N, &modulus, err) || get_number(key, OSSL_PKEY_PARAM_RSA_E, &exponent, err))
        return err->code;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &no, sizeof(no)},
        {CKA_PRIVATE, &no, sizeof(no)},
        {CKA_WRAP, &yes, sizeof(yes)},
        {CKA_MODULUS, modulus.bytes, modulus.len},
        {CKA_PUBLIC_EXPONENT, exponent.bytes, exponent.len},
    };
    CK_RV rv = token->p11->C_CreateObject(session->handle, template, HA_ARRAY_SIZE(template), ret_object);
    return called(session, "C_CreateObject", rv, err);
}

static enum ha_code call_wrap(struct ha_p11 *token, struct ha_session *session, CK_MECHANISM *mechanism,
                              CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE what, struct ha_buf *out, struct ha_err *err)
{
    CK_ULONG n = WRAPPED_MAX;
    uint8_t *bytes = ha_buf_reserve(out, n);
    if (!bytes)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a wrapped key");
    CK_RV rv = token->p11->C_WrapKey(session->handle, mechanism, with, what, bytes, &n);
    if (called(session, "C_WrapKey", rv, err))
        return err->code;
    if (n > WRAPPED_MAX)
        return ha_fail(err, HA_E_TOKEN_ERROR, "the token's wrapped key has %lu bytes", n);
    ha_buf_advance(out, n);
    return HA_OK;
}

enum ha_code ha_wrapping_seal(struct ha_p11 *token, struct ha_session *session, const struct ha_pubkey *peer,
                              CK_OBJECT_HANDLE key, struct ha_buf *out, struct ha_err *err)
{
    CK_RSA_PKCS_OAEP_PARAMS params;
    CK_MECHANISM mechanism = oaep(&params);
    CK_OBJECT_HANDLE rsa = CK_INVALID_HANDLE;
    enum ha_code code = import(token, session, peer, &rsa, err);
    if (code == HA_OK)
        code = call_wrap(token, session, &mechanism, rsa, key, out, err);
    ha_wrapping_drop(token, session, rsa);
    return code;
}

enum ha_code ha_wrapping_unseal(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE rsa,
                                const struct ha_part *sealed, CK_OBJECT_HANDLE *ret_key, struct ha_err *err)
{
    CK_RSA_PKCS_OAEP_PARAMS params;
    CK_MECHANISM mechanism = oaep(&params);
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)}, {CKA_KEY_TYPE, &type, sizeof(type)}, {CKA_TOKEN, &no, sizeof(no)},
        {CKA_PRIVATE, &yes, sizeof(yes)},   {CKA_SENSITIVE, &yes, sizeof(yes)},  {CKA_EXTRACTABLE, &no, sizeof(no)},
        {CKA_UNWRAP, &yes, sizeof(yes)},    {CKA_DECRYPT, &no, sizeof(no)},
    };
    CK_RV rv = token->p11->C_UnwrapKey(session->handle, &mechanism, rsa, (CK_BYTE *)(uintptr_t)sealed->data,
                                       sealed->len, template, HA_ARRAY_SIZE(template), ret_key);
    return called(session, "C_UnwrapKey", rv, err);
}

// --- The private key

CK_MECHANISM ha_wrapping_mechanism(enum ha_wrap how, uint8_t iv[static HA_WRAPPING_IV_LEN])
{
    bool cbc = how == HA_WRAP_CBC;
    memset(iv, 0, HA_WRAPPING_IV_LEN);
    return (CK_MECHANISM){mechanism_of[how], cbc ? iv : NULL, cbc ? HA_WRAPPING_IV_LEN : 0};
}

enum ha_code ha_wrapping_wrap(struct ha_p11 *token, struct ha_session *session, enum ha_wrap how, CK_OBJECT_HANDLE key,
                              CK_OBJECT_HANDLE private_key, struct ha_buf *out, struct ha_err *err)
{
    uint8_t iv[HA_WRAPPING_IV_LEN];
    CK_MECHANISM mechanism = ha_wrapping_mechanism(how, iv);
    return call_wrap(token, session, &mechanism, key, private_key, out, err);
}

static CK_KEY_TYPE p11_type(enum ha_key_type type)
{
    switch (ha_key_type_info(type)->family) {
    case HA_FAMILY_RSA:
        return CKK_RSA;
    case HA_FAMILY_EC:
        return CKK_EC;
    case HA_FAMILY_ED:
        break;
    case HA_FAMILY_MAC:
        return CKK_GENERIC_SECRET;
    case HA_FAMILY_KEK:
        return CKK_AES;
    }
    return CKK_EC_EDWARDS;
}

static enum ha_code unwrap_private(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                                   CK_OBJECT_HANDLE *ret_object, struct ha_err *err)
{
    enum ha_key_type type = (enum ha_key_type)job->question->key_type;
    struct ha_packet lasting = *job->question;
    lasting.flags &= ~(uint32_t)HA_PACKET_SHARED;
    uint8_t iv[HA_WRAPPING_IV_LEN];
    CK_MECHANISM mechanism = ha_wrapping_mechanism((enum ha_wrap)job->question->alg, iv);
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE key_type = p11_type(type);
    CK_RV rv = CKR_OK;
    for (unsigned variant = 0; variant < ha_template_variants(type); variant++) {
        struct ha_template template;
        CK_ATTRIBUTE attributes[2 + HA_TEMPLATE_MAX] = {{CKA_CLASS, &class, sizeof(class)},
                                                        {CKA_KEY_TYPE, &key_type, sizeof(key_type)}};
        ha_template_fill(&template, type, variant, &lasting);
        memcpy(attributes + 2, template.private_key, template.n_private * sizeof(attributes[0]));
        rv = token->p11->C_UnwrapKey(session->handle, &mechanism, job->key, (CK_BYTE *)(uintptr_t)job->wrapped.data,
                                     job->wrapped.len, attributes, 2 + template.n_private, ret_object);
        if (rv == CKR_OK || !ha_generate_is_refused(rv, job->runs))
            break;
    }
    return called(session, "C_UnwrapKey", rv, err);
}

static enum ha_code create_public(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                                  CK_OBJECT_HANDLE *ret_object, struct ha_err *err)
{
    enum ha_key_type type = (enum ha_key_type)job->question->key_type;
    struct ha_packet lasting = *job->question;
    lasting.flags &= ~(uint32_t)HA_PACKET_SHARED;
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE key_type = p11_type(type);
    struct number value = {.len = 0};
    ha_auto(ha_buf_clear) struct ha_buf point = {0};
    bool rsa = key_type == CKK_RSA;
    if (rsa ? get_number(job->public_key, OSSL_PKEY_PARAM_RSA_N, &value, err)
            : ha_pubkey_point(job->public_key, &point, err))
        return err->code;
    if (!rsa) {
        // The point is in a DER OCTET STRING.
        value.bytes[value.len++] = 0x04;
        if (point.len > 0x7f)
            value.bytes[value.len++] = 0x81;
        value.bytes[value.len++] = (uint8_t)point.len;
        memcpy(value.bytes + value.len, point.data, point.len);
        value.len += point.len;
    }
    CK_RV rv = CKR_OK;
    for (unsigned variant = 0; variant < ha_template_variants(type); variant++) {
        struct ha_template template;
        CK_ATTRIBUTE attributes[3 + HA_TEMPLATE_MAX] = {{CKA_CLASS, &class, sizeof(class)},
                                                        {CKA_KEY_TYPE, &key_type, sizeof(key_type)},
                                                        {rsa ? CKA_MODULUS : CKA_EC_POINT, value.bytes, value.len}};
        CK_ULONG n = 3;
        ha_template_fill(&template, type, variant, &lasting);
        for (CK_ULONG i = 0; i < template.n_public; i++) {
            if (template.public_key[i].type != CKA_MODULUS_BITS)  // for C_GenerateKeyPair only
                attributes[n++] = template.public_key[i];
        }
        rv = token->p11->C_CreateObject(session->handle, attributes, n, ret_object);
        if (rv == CKR_OK || !ha_generate_is_refused(rv, job->runs))
            break;
    }
    return called(session, "C_CreateObject", rv, err);
}

// Whether what came out is what went in, as far as the objects tell. That it works is proved by using it.
static enum ha_code check_public(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE private_key,
                                 const struct ha_wrapping_job *job, struct ha_err *err)
{
    const struct ha_key_name name = {job->question->part[0].data, job->question->part[0].len,
                                     ha_pubkey_spki_sha256(job->public_key), false, false};
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    bool told = false;
    if (ha_public_match(token, session, private_key, &name, &told, &key, err))
        return err->code;
    return key ? HA_OK : ha_fail(err, HA_E_TOKEN_ERROR, "the token unwrapped another key than was wrapped");
}

enum ha_code ha_wrapping_unwrap(struct ha_p11 *token, struct ha_session *session, const struct ha_wrapping_job *job,
                                struct ha_err *err)
{
    CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE, public_key = CK_INVALID_HANDLE;
    bool backup = job->question->flags & HA_PACKET_BACKUP;
    if (job->question->key_type == HA_KEY_AES_256)
        return ha_kek_unwrap(token, session, job, err);
    if (unwrap_private(token, session, job, &private_key, err) == HA_OK &&
        create_public(token, session, job, &public_key, err) == HA_OK &&
        ha_generate_check_private(token, session, private_key, true, backup, err) == HA_OK &&
        check_public(token, session, private_key, job, err) == HA_OK)
        return HA_OK;
    ha_wrapping_drop(token, session, private_key);
    ha_wrapping_drop(token, session, public_key);
    return err->code;
}
