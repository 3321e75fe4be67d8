// SPDX-License-Identifier: Apache-2.0
#include "format/certificate.h"

#include "base/file.h"
#include "crypto/ossl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(X509, X509_free)

struct ha_certificate {
    X509 *x509;
    struct ha_buf der;
};

void ha_certificate_free(struct ha_certificate *certificate)
{
    if (!certificate)
        return;
    X509_free(certificate->x509);
    ha_buf_clear(&certificate->der);
    free(certificate);
}

static X509 *read_pem(const void *bytes, size_t n)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(bytes, (int)n);
    // The empty password: nothing here may ask for one.
    return bio ? PEM_read_bio_X509(bio, NULL, NULL, (void *)"") : NULL;
}

static X509 *read_der(const void *bytes, size_t n)
{
    const unsigned char *at = bytes, *end = at + n;
    ha_auto(X509_free) X509 *x509 = d2i_X509(NULL, &at, (long)n);
    return x509 && at == end ? ha_take(&x509) : NULL;
}

enum ha_code ha_certificate_read(const void *bytes, size_t n, struct ha_certificate **ret_certificate,
                                 struct ha_err *err)
{
    if (n > HA_CERTIFICATE_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "a certificate has at most %d bytes", HA_CERTIFICATE_MAX);
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = calloc(1, sizeof *certificate);
    if (!certificate)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a certificate");
    bool der = n > 0 && *(const uint8_t *)bytes == 0x30;
    certificate->x509 = der ? read_der(bytes, n) : read_pem(bytes, n);
    if (!certificate->x509) {
        ha_ossl_fail(err, HA_E_MALFORMED, "that is no X.509 certificate, neither in PEM nor in DER");
        return ha_hint(err,
                       "give text with -----BEGIN CERTIFICATE-----; `openssl x509 -in FILE -text` shows what is one");
    }
    ha_auto(ha_ossl_free) unsigned char *encoded = NULL;
    int len = i2d_X509(certificate->x509, &encoded);
    if (len <= 0)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the certificate can't be encoded");
    ha_buf_append(&certificate->der, encoded, (size_t)len);
    if (!ha_buf_ok(&certificate->der))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a certificate");
    *ret_certificate = ha_take(&certificate);
    return HA_OK;
}

enum ha_code ha_certificate_read_file(const char *path, struct ha_certificate **ret_certificate, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    if (ha_file_read(path, HA_CERTIFICATE_MAX, HA_FILE_ANY, &bytes, err))
        return err->code;
    if (ha_certificate_read(bytes.data, bytes.len, ret_certificate, err))
        return ha_wrap(err, "%s", path);
    return HA_OK;
}

const uint8_t *ha_certificate_der(const struct ha_certificate *certificate, size_t *ret_len)
{
    *ret_len = certificate->der.len;
    return certificate->der.data;
}

static void append_bio(struct ha_buf *out, BIO *bio)
{
    char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);
    if (n > 0)
        ha_buf_append(out, text, (size_t)n);
}

void ha_certificate_to_pem(const struct ha_certificate *certificate, struct ha_buf *out)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    if (bio && PEM_write_bio_X509(bio, certificate->x509))
        append_bio(out, bio);
    else
        out->failed = true;
}

void ha_certificate_subject(const struct ha_certificate *certificate, struct ha_buf *out)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate->x509), 0, XN_FLAG_RFC2253) >= 0)
        append_bio(out, bio);
}

bool ha_certificate_is_for(const struct ha_certificate *certificate, const char *name)
{
    X509 *x509 = certificate->x509;
    bool fits = X509_check_ip_asc(x509, name, 0) == 1 ||
                X509_check_host(x509, name, strlen(name), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1 ||
                X509_check_email(x509, name, strlen(name), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT) == 1;
    ERR_clear_error();
    return fits;
}

struct x509_st *ha_certificate_x509(const struct ha_certificate *certificate)
{
    return certificate->x509;
}

enum ha_code ha_certificate_key(const struct ha_certificate *certificate, struct ha_pubkey **ret_key,
                                struct ha_err *err)
{
    ha_auto(ha_ossl_free) unsigned char *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate->x509), &spki);
    if (len <= 0)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the certificate's key can't be read");
    if (ha_pubkey_from_spki(spki, (size_t)len, ret_key, err))
        return ha_wrap(err, "the certificate's key");
    return HA_OK;
}

enum ha_code ha_certificate_check_key(const struct ha_certificate *certificate, const struct ha_pubkey *key,
                                      struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *own = NULL;
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    if (ha_certificate_key(certificate, &own, err))
        return err->code;
    if (memcmp(ha_pubkey_spki_sha256(own), ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN) == 0)
        return HA_OK;
    ha_certificate_subject(certificate, &subject);
    ha_fail(err, HA_E_CONFLICT, "the certificate of %.200s is for another key", ha_buf_text(&subject));
    return ha_hint(err, "give the certificate that was issued for this key's request");
}
