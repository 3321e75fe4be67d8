// SPDX-License-Identifier: Apache-2.0
#include "cert_rig.h"

#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

HA_AUTO_DEFINE(PKCS7, PKCS7_free)
HA_AUTO_DEFINE(X509_EXTENSION, X509_EXTENSION_free)

#define DAY (24 * 60 * 60L)

static void extend(X509 *certificate, int nid, const char *value)
{
    if (!value)
        return;
    ha_auto(X509_EXTENSION_free) X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_true(X509_add_ext(certificate, extension, -1));
}

X509 *cert_rig_make(const struct cert_rig_wish *wish)
{
    X509 *made = X509_new();
    assert_non_null(made);
    bool usual = wish->from_days == 0 && wish->until_days == 0;
    uint8_t serial[8];
    assert_true(RAND_bytes(serial, sizeof serial));
    serial[0] = 1;
    ha_auto(BN_free) BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    assert_true(X509_set_version(made, X509_VERSION_3));
    assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made)));
    assert_non_null(X509_time_adj_ex(X509_getm_notBefore(made), usual ? -1 : (int)wish->from_days, 0, NULL));
    assert_non_null(X509_time_adj_ex(X509_getm_notAfter(made), usual ? 365 : (int)wish->until_days, 0, NULL));
    assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                                           (const unsigned char *)wish->cn, -1, -1, 0));
    assert_true(X509_set_issuer_name(made, X509_get_subject_name(wish->issuer ? wish->issuer : made)));
    assert_true(X509_set_pubkey(made, wish->evp ? (EVP_PKEY *)wish->evp : ha_pubkey_evp(wish->key)));
    extend(made, NID_basic_constraints, wish->ca ? "critical,CA:TRUE" : NULL);
    extend(made, NID_subject_alt_name, wish->san);
    extend(made, NID_key_usage, wish->key_usage);
    extend(made, NID_ext_key_usage, wish->extended_key_usage);
    const EVP_MD *md = wish->md ? wish->md : EVP_sha256();
    assert_true(X509_sign(made, wish->by->evp, EVP_PKEY_get_base_id(wish->by->evp) == EVP_PKEY_ED25519 ? NULL : md));
    return made;
}

void cert_rig_der(X509 *certificate, struct ha_buf *out)
{
    ha_auto(ha_ossl_free) unsigned char *der = NULL;
    int n = i2d_X509(certificate, &der);
    assert_true(n > 0);
    ha_buf_append(out, der, (size_t)n);
}

void cert_rig_pem(X509 *certificate, struct ha_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_true(PEM_write_bio_X509(bio, certificate));
    long n = BIO_get_mem_data(bio, &text);
    ha_buf_append(out, text, (size_t)n);
    BIO_free_all(bio);
}

void cert_rig_pkcs7(X509 *const *certificates, size_t n, struct ha_buf *out)
{
    ha_auto(PKCS7_free) PKCS7 *bag = PKCS7_new();
    assert_true(PKCS7_set_type(bag, NID_pkcs7_signed) && PKCS7_content_new(bag, NID_pkcs7_data));
    for (size_t i = 0; i < n; i++)
        assert_true(PKCS7_add_certificate(bag, certificates[i]));
    // Without content and signers (RFC 8951 calls it "certs-only").
    PKCS7_set_detached(bag, 1);
    ha_auto(ha_ossl_free) unsigned char *der = NULL;
    int len = i2d_PKCS7(bag, &der);
    assert_true(len > 0);
    ha_buf_append(out, der, (size_t)len);
}
