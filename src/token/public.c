// SPDX-License-Identifier: Apache-2.0
#include "token/public.h"

#include "token/find.h"
#include "token/session.h"
#include "token/p11.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define MODULUS_MAX  2056  // 16384 bits and a sign byte or two
#define EXPONENT_MAX 64
#define PARAMS_MAX   512  // a named curve is short, explicit parameters of an old token are not
#define POINT_MAX    160
#define SPKI_MAX     2600
#define CERT_MAX     65536

HA_AUTO_DEFINE(X509, X509_free)

// PKCS#11 3.0 section 2.3.10 lets tokens name Ed25519 by this string instead of the OID.
static const uint8_t edwards25519[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r', 'd', 's', '2', '5', '5', '1', '9'};

enum ha_key_type ha_public_curve(const void *params, size_t n)
{
    for (unsigned i = HA_KEY_NONE + 1; i < HA_KEY_TYPE_COUNT; i++) {
        const struct ha_key_type_info *info = ha_key_type_info((enum ha_key_type)i);
        if (info->oid_len > 0 && info->oid_len == n && memcmp(info->oid, params, n) == 0)
            return (enum ha_key_type)i;
    }
    if (n == sizeof(edwards25519) && memcmp(params, edwards25519, n) == 0)
        return HA_KEY_ED25519;
    return HA_KEY_NONE;
}

static enum ha_code not_told(struct ha_err *err)
{
    ha_fail(err, HA_E_KEY_CANNOT, "the token doesn't tell its public key");
    return ha_hint(err,
                   "Store the public key or the certificate on the token, with the same CKA_ID as the private key.");
}

// Some tokens tell the whole SubjectPublicKeyInfo (CKA_PUBLIC_KEY_INFO, PKCS#11 2.40).
static enum ha_code from_info(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                              struct ha_pubkey **ret_key, struct ha_err *err)
{
    uint8_t spki[SPKI_MAX];
    CK_ATTRIBUTE attribute = {CKA_PUBLIC_KEY_INFO, spki, sizeof(spki)};
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    if (attribute.ulValueLen == 0)
        return not_told(err);
    return ha_pubkey_from_spki(spki, attribute.ulValueLen, ret_key, err);
}

static enum ha_code from_rsa(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                             struct ha_pubkey **ret_key, struct ha_err *err)
{
    uint8_t modulus[MODULUS_MAX], exponent[EXPONENT_MAX];
    CK_ATTRIBUTE attributes[] = {
        {CKA_MODULUS, modulus, sizeof(modulus)},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
    };
    if (ha_find_attributes(token, session, object, attributes, HA_ARRAY_SIZE(attributes), err))
        return err->code;
    if (attributes[0].ulValueLen == 0 || attributes[1].ulValueLen == 0)
        return from_info(token, session, object, ret_key, err);
    return ha_pubkey_from_rsa(modulus, attributes[0].ulValueLen, exponent, attributes[1].ulValueLen, ret_key, err);
}

static enum ha_code from_ec(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                            struct ha_pubkey **ret_key, struct ha_err *err)
{
    uint8_t params[PARAMS_MAX], point[POINT_MAX];
    CK_ATTRIBUTE attributes[] = {
        {CKA_EC_PARAMS, params, sizeof(params)},
        {CKA_EC_POINT, point, sizeof(point)},
    };
    if (ha_find_attributes(token, session, object, attributes, HA_ARRAY_SIZE(attributes), err))
        return err->code;
    if (attributes[0].ulValueLen == 0 || attributes[1].ulValueLen == 0)
        return from_info(token, session, object, ret_key, err);
    enum ha_key_type type = ha_public_curve(params, attributes[0].ulValueLen);
    if (type == HA_KEY_NONE)
        return ha_fail(err, HA_E_KEY_CANNOT, "its curve is none of P-256, P-384, P-521, Ed25519");
    return ha_pubkey_from_point(type, point, attributes[1].ulValueLen, ret_key, err);
}

static enum ha_code from_certificate(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                     struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_free) uint8_t *der = malloc(CERT_MAX);
    if (!der)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a certificate");
    CK_ATTRIBUTE attribute = {CKA_VALUE, der, CERT_MAX};
    if (ha_find_attributes(token, session, object, &attribute, 1, err))
        return err->code;
    const uint8_t *at = der;
    ha_auto(X509_free) X509 *certificate = d2i_X509(NULL, &at, (long)attribute.ulValueLen);
    unsigned char *spki = NULL;
    int n = certificate ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki) : -1;
    if (n <= 0)
        return ha_fail(err, HA_E_KEY_CANNOT, "the certificate with its CKA_ID isn't one of X.509");
    enum ha_code code = ha_pubkey_from_spki(spki, (size_t)n, ret_key, err);
    OPENSSL_free(spki);
    return code;
}

static enum ha_code read_object(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                struct ha_pubkey **ret_key, struct ha_err *err)
{
    CK_OBJECT_CLASS class = 0;
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
    };
    if (ha_find_attributes(token, session, object, attributes, HA_ARRAY_SIZE(attributes), err))
        return err->code;
    if (class == CKO_CERTIFICATE)
        return from_certificate(token, session, object, ret_key, err);
    if (attributes[1].ulValueLen == sizeof(type) && type == CKK_RSA)
        return from_rsa(token, session, object, ret_key, err);
    if (attributes[1].ulValueLen == sizeof(type) && (type == CKK_EC || type == CKK_EC_EDWARDS))
        return from_ec(token, session, object, ret_key, err);
    return ha_fail(err, HA_E_KEY_CANNOT, "it is neither an RSA nor an EC nor an Ed25519 key");
}

enum ha_code ha_public_of_object(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                 struct ha_pubkey **ret_key, struct ha_err *err)
{
    enum ha_code code = read_object(token, session, object, ret_key, err);
    // A key that our own code refuses (too short, off its curve) is none we can use; the token is not to blame.
    if (code && err->rv == CKR_OK && code != HA_E_MEMORY)
        err->code = HA_E_KEY_CANNOT;
    return code ? err->code : HA_OK;
}

static bool is_wanted(const struct ha_pubkey *key, const struct ha_key_name *name)
{
    return memcmp(ha_pubkey_spki_sha256(key), name->spki, HA_SPKI_HASH_LEN) == 0;
}

// Whether the object tells a public key at all is *ret_told.
static enum ha_code match_object(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                 const struct ha_key_name *name, bool *ret_told, struct ha_pubkey **ret_key,
                                 struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    struct ha_err failure = {0};
    enum ha_code code = ha_public_of_object(token, session, object, &key, &failure);
    if (code && (code != HA_E_KEY_CANNOT || failure.rv != CKR_OK)) {
        *err = failure;
        return code;
    }
    *ret_told = key != NULL;
    *ret_key = key && is_wanted(key, name) ? ha_take(&key) : NULL;
    return HA_OK;
}

// Whether the private object is of the type that the public key has: a CKA_ID may be used twice.
static enum ha_code same_type(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE private_key,
                              const struct ha_pubkey *key, bool *ret_same, struct ha_err *err)
{
    uint8_t params[PARAMS_MAX];
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_EC_PARAMS, params, sizeof(params)},
    };
    if (ha_find_attributes(token, session, private_key, attributes, HA_ARRAY_SIZE(attributes), err))
        return err->code;
    if (ha_key_type_info(ha_pubkey_type(key))->family == HA_FAMILY_RSA)
        *ret_same = type == CKK_RSA;
    else
        *ret_same =
            (type == CKK_EC || type == CKK_EC_EDWARDS) &&
            (attributes[1].ulValueLen == 0 || ha_public_curve(params, attributes[1].ulValueLen) == ha_pubkey_type(key));
    return HA_OK;
}

static enum ha_code match_others(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_CLASS class,
                                 CK_OBJECT_HANDLE private_key, const struct ha_key_name *name, bool *ret_told,
                                 struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_handles_clear) struct ha_handles others = {0};
    if (ha_find_by_id(token, session, class, name->id, name->id_len, &others, err))
        return err->code;
    for (size_t i = 0; i < others.n && !*ret_key; i++) {
        ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
        bool told = false, same = false;
        if (match_object(token, session, others.items[i], name, &told, &key, err) ||
            (key && same_type(token, session, private_key, key, &same, err)))
            return err->code;
        *ret_told = *ret_told || told;
        if (same)
            *ret_key = ha_take(&key);
    }
    return HA_OK;
}

enum ha_code ha_public_match(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE private_key,
                             const struct ha_key_name *name, bool *ret_told, struct ha_pubkey **ret_key,
                             struct ha_err *err)
{
    static const CK_OBJECT_CLASS others[] = {CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    ha_auto(ha_pubkey_free) struct ha_pubkey *key = NULL;
    bool told = false;
    if (match_object(token, session, private_key, name, &told, &key, err))
        return err->code;
    bool by_itself = told;
    for (size_t i = 0; i < HA_ARRAY_SIZE(others) && !by_itself && !key; i++) {
        if (match_others(token, session, others[i], private_key, name, &told, &key, err))
            return err->code;
    }
    *ret_told = told;
    *ret_key = ha_take(&key);
    return HA_OK;
}
