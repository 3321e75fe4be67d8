// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509_parts.h"

#include "crypto/ossl.h"

HA_AUTO_DEFINE(X509, X509_free)

void ha_x509_parts_clear(struct ha_x509_parts *parts)
{
    ha_buf_clear(&parts->subject);
    ha_buf_clear(&parts->issuer);
    ha_buf_clear(&parts->serial);
}

static void put(struct ha_buf *out, unsigned char *der, int n)
{
    if (n > 0)
        ha_buf_append(out, der, (size_t)n);
    else
        out->failed = true;
    OPENSSL_free(der);
}

enum ha_code ha_x509_parts_read(const uint8_t *der, size_t n, struct ha_x509_parts *ret_parts, struct ha_err *err)
{
    const unsigned char *at = der;
    ha_auto(X509_free) X509 *certificate = d2i_X509(NULL, &at, (long)n);
    unsigned char *subject = NULL, *issuer = NULL, *serial = NULL;
    if (!certificate || at != der + n)
        return ha_ossl_fail(err, HA_E_MALFORMED, "what should be a certificate isn't one");
    int subject_len = i2d_X509_NAME(X509_get_subject_name(certificate), &subject);
    int issuer_len = i2d_X509_NAME(X509_get_issuer_name(certificate), &issuer);
    int serial_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &serial);
    put(&ret_parts->subject, subject, subject_len);
    put(&ret_parts->issuer, issuer, issuer_len);
    put(&ret_parts->serial, serial, serial_len);
    bool ok = ha_buf_ok(&ret_parts->subject) && ha_buf_ok(&ret_parts->issuer) && ha_buf_ok(&ret_parts->serial);
    return ok ? HA_OK : ha_ossl_fail(err, HA_E_MEMORY, "no memory for a certificate");
}
