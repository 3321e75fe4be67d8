// SPDX-License-Identifier: Apache-2.0
#include "format/pkcs7.h"

#include "crypto/ossl.h"

#include <openssl/asn1.h>
#include <openssl/cms.h>
#include <openssl/err.h>

typedef STACK_OF(X509) certificates;
static void certificates_free(certificates *stack)
{
    sk_X509_pop_free(stack, X509_free);
}
HA_AUTO_DEFINE(certificates, certificates_free)
HA_AUTO_DEFINE(CMS_ContentInfo, CMS_ContentInfo_free)

bool ha_pkcs7_looks_like(const uint8_t *der, size_t n)
{
    // A ContentInfo begins with an OBJECT IDENTIFIER, a certificate with a SEQUENCE. Its length may be indefinite.
    const unsigned char *at = der;
    long length;
    int tag, class;
    bool sequence = n <= INT32_MAX && !(ASN1_get_object(&at, &length, &tag, &class, (long)n) & 0x80) &&
                    tag == V_ASN1_SEQUENCE && class == V_ASN1_UNIVERSAL;
    ERR_clear_error();
    return sequence && at < der + n && *at == V_ASN1_OBJECT;
}

enum ha_code ha_pkcs7_certificates(const uint8_t *der, size_t n, struct ha_cert_bag *bag, struct ha_err *err)
{
    const unsigned char *at = der;
    ha_auto(CMS_ContentInfo_free) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)n);
    if (!cms || at != der + n)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the PKCS#7 can't be read");
    if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed) {
        ha_fail(err, HA_E_MALFORMED, "the PKCS#7 isn't one with certificates (SignedData)");
        return ha_hint(err, "ask the CA for the certificate alone, or the chain as PEM");
    }
    ha_auto(certificates_free) certificates *all = CMS_get1_certs(cms);
    ERR_clear_error();
    if (sk_X509_num(all) <= 0)
        return ha_fail(err, HA_E_MALFORMED, "there is no certificate in the PKCS#7");
    while (sk_X509_num(all) > 0)
        if (ha_cert_bag_put(bag, sk_X509_shift(all), err))
            return err->code;
    return HA_OK;
}
