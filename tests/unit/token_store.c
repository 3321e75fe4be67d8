// SPDX-License-Identifier: Apache-2.0
// Raw PKCS#11, since libp11 0.4.12 stores RSA keys only.
#include "token_store.h"

#include "base/auto.h"
#include "token_rig.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: storing failed: %s\n", __FILE__, __LINE__, #condition);                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

// An object in the making; the values live as long as it does.
struct object {
    CK_ATTRIBUTE attributes[24];
    CK_ULONG n;
    uint8_t bytes[8192];
    size_t used;
};

static void add(struct object *object, CK_ATTRIBUTE_TYPE type, const void *value, size_t n)
{
    CHECK(object->n < HA_ARRAY_SIZE(object->attributes) && n <= sizeof(object->bytes) - object->used);
    memcpy(object->bytes + object->used, value, n);
    object->attributes[object->n++] = (CK_ATTRIBUTE){type, object->bytes + object->used, n};
    object->used += n;
}

static void add_flag(struct object *object, CK_ATTRIBUTE_TYPE type, bool value)
{
    CK_BBOOL flag = value;
    add(object, type, &flag, sizeof(flag));
}

static void add_number(struct object *object, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    add(object, type, &value, sizeof(value));
}

static void add_bn(struct object *object, CK_ATTRIBUTE_TYPE type, const EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;
    uint8_t bytes[1024];
    CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    add(object, type, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_free(number);
}

static void add_curve(struct object *object, const EVP_PKEY *key)
{
    char name[64];
    unsigned char *der = NULL;
    CHECK(EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name), NULL) == 1);
    int nid = EC_curve_nist2nid(name);
    ASN1_OBJECT *oid = OBJ_nid2obj(nid == NID_undef ? OBJ_sn2nid(name) : nid);
    int n = i2d_ASN1_OBJECT(oid, &der);
    CHECK(n > 0);
    add(object, CKA_EC_PARAMS, der, (size_t)n);
    OPENSSL_free(der);
}

static void common(struct object *object, CK_OBJECT_CLASS class, const char *id, const char *label)
{
    *object = (struct object){0};
    add_number(object, CKA_CLASS, class);
    add_flag(object, CKA_TOKEN, true);
    add(object, CKA_ID, id, strlen(id));
    add(object, CKA_LABEL, label, strlen(label));
}

static void private_object(struct object *object, const EVP_PKEY *key)
{
    add_flag(object, CKA_PRIVATE, true);
    add_flag(object, CKA_SENSITIVE, true);
    add_flag(object, CKA_SIGN, true);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        add_number(object, CKA_KEY_TYPE, CKK_EC);
        add_curve(object, key);
        add_bn(object, CKA_VALUE, key, OSSL_PKEY_PARAM_PRIV_KEY);
        return;
    }
    add_number(object, CKA_KEY_TYPE, CKK_RSA);
    add_bn(object, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N);
    add_bn(object, CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E);
    add_bn(object, CKA_PRIVATE_EXPONENT, key, OSSL_PKEY_PARAM_RSA_D);
    add_bn(object, CKA_PRIME_1, key, OSSL_PKEY_PARAM_RSA_FACTOR1);
    add_bn(object, CKA_PRIME_2, key, OSSL_PKEY_PARAM_RSA_FACTOR2);
    add_bn(object, CKA_EXPONENT_1, key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
    add_bn(object, CKA_EXPONENT_2, key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
    add_bn(object, CKA_COEFFICIENT, key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
}

static void public_object(struct object *object, const EVP_PKEY *key)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        uint8_t point[2 + 133];
        size_t n = 0;
        add_number(object, CKA_KEY_TYPE, CKK_EC);
        add_curve(object, key);
        CHECK(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point + 2, 0x7f, &n) == 1);
        point[0] = 0x04;
        point[1] = (uint8_t)n;
        add(object, CKA_EC_POINT, point, 2 + n);
        return;
    }
    add_number(object, CKA_KEY_TYPE, CKK_RSA);
    add_bn(object, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N);
    add_bn(object, CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E);
}

static void certificate_object(struct object *object, EVP_PKEY *key)
{
    unsigned char *der = NULL, *subject = NULL;
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_pubkey(certificate, key);
    CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
    int n = i2d_X509(certificate, &der), n_subject = i2d_X509_NAME(name, &subject);
    CHECK(n > 0 && n_subject > 0);
    add_number(object, CKA_CERTIFICATE_TYPE, CKC_X_509);
    add_flag(object, CKA_PRIVATE, false);
    add(object, CKA_SUBJECT, subject, (size_t)n_subject);
    add(object, CKA_VALUE, der, (size_t)n);
    OPENSSL_free(der);
    OPENSSL_free(subject);
    X509_free(certificate);
}

static CK_SESSION_HANDLE open_session(CK_FUNCTION_LIST *p11)
{
    CK_SLOT_ID slots[8];
    CK_ULONG n = HA_ARRAY_SIZE(slots);
    CK_SESSION_HANDLE session = 0;
    CHECK(p11->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK);
    for (CK_ULONG i = 0; i < n && !session; i++) {
        CK_TOKEN_INFO info;
        CHECK(p11->C_GetTokenInfo(slots[i], &info) == CKR_OK);
        if (memcmp(info.label, RIG_LABEL " ", strlen(RIG_LABEL) + 1) == 0)
            CHECK(p11->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK);
    }
    CHECK(p11->C_Login(session, CKU_USER, (CK_BYTE *)RIG_PIN, strlen(RIG_PIN)) == CKR_OK);
    return session;
}

static void create(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, struct object *object)
{
    CK_OBJECT_HANDLE handle;
    CHECK(p11->C_CreateObject(session, object->attributes, object->n, &handle) == CKR_OK);
}

void token_store(EVP_PKEY *key, const char *id, const char *label, unsigned what)
{
    CK_FUNCTION_LIST *p11 = p11_kit_module_load(rig_softhsm(), P11_KIT_MODULE_UNMANAGED | P11_KIT_MODULE_CRITICAL);
    CHECK(p11 && p11->C_Initialize(NULL) == CKR_OK);
    CK_SESSION_HANDLE session = open_session(p11);
    struct object object;
    if (what & STORE_PRIVATE) {
        common(&object, CKO_PRIVATE_KEY, id, label);
        private_object(&object, key);
        add_flag(&object, CKA_ALWAYS_AUTHENTICATE, what & STORE_ALWAYS_AUTHENTICATE);
        create(p11, session, &object);
    }
    if (what & STORE_PUBLIC) {
        common(&object, CKO_PUBLIC_KEY, id, label);
        public_object(&object, key);
        create(p11, session, &object);
    }
    if (what & STORE_CERTIFICATE) {
        common(&object, CKO_CERTIFICATE, id, label);
        certificate_object(&object, key);
        create(p11, session, &object);
    }
    p11->C_Finalize(NULL);
    p11_kit_module_release(p11);
}
