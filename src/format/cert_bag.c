// SPDX-License-Identifier: Apache-2.0
#include "format/cert_bag.h"

#include "crypto/ossl.h"
#include "format/base64_any.h"
#include "format/pkcs7.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(X509, X509_free)

#define BYTES_MAX (1024 * 1024)  // of one text

void ha_cert_bag_clear(struct ha_cert_bag *bag)
{
    for (size_t i = 0; i < bag->n; i++)
        X509_free(bag->items[i]);
    bag->n = 0;
}

enum ha_code ha_cert_bag_put(struct ha_cert_bag *bag, struct x509_st *certificate, struct ha_err *err)
{
    ha_auto(X509_free) X509 *own = certificate;
    for (size_t i = 0; i < bag->n; i++)
        if (X509_cmp(bag->items[i], own) == 0)
            return HA_OK;
    if (bag->n == HA_CERT_BAG_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "more than %d certificates at once", HA_CERT_BAG_MAX);
    bag->items[bag->n++] = ha_take(&own);
    return HA_OK;
}

static enum ha_code add_der(struct ha_cert_bag *bag, const uint8_t *der, size_t n, struct ha_err *err)
{
    if (ha_pkcs7_looks_like(der, n))
        return ha_pkcs7_certificates(der, n, bag, err);
    const unsigned char *at = der, *end = der + n;
    while (at < end) {
        X509 *certificate = d2i_X509(NULL, &at, (long)(end - at));
        if (!certificate) {
            ha_ossl_fail(err, HA_E_MALFORMED, "a certificate in DER can't be read");
            return ha_hint(err, "`openssl x509 -inform DER -in FILE -text` shows what is one");
        }
        if (ha_cert_bag_put(bag, certificate, err))
            return err->code;
    }
    return n > 0 ? HA_OK : ha_fail(err, HA_E_MALFORMED, "there is no certificate in it");
}

static enum ha_code add_trusted(struct ha_cert_bag *bag, const unsigned char *der, size_t n, struct ha_err *err)
{
    X509 *certificate = d2i_X509_AUX(NULL, &der, (long)n);
    if (!certificate)
        return ha_ossl_fail(err, HA_E_MALFORMED, "a trusted certificate can't be read");
    return ha_cert_bag_put(bag, certificate, err);
}

static bool is_any(const char *name, const char *const *names)
{
    while (*names && strcmp(name, *names) != 0)
        names++;
    return *names;
}

static enum ha_code add_block(struct ha_cert_bag *bag, const char *name, const unsigned char *der, size_t n,
                              struct ha_err *err)
{
    static const char *const certificates[] = {PEM_STRING_X509, PEM_STRING_X509_OLD, NULL};
    static const char *const bags[] = {PEM_STRING_PKCS7, PEM_STRING_PKCS7_SIGNED, PEM_STRING_CMS, NULL};
    if (is_any(name, certificates))
        return add_der(bag, der, n, err);
    if (strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
        return add_trusted(bag, der, n, err);
    if (is_any(name, bags))
        return ha_pkcs7_certificates(der, n, bag, err);
    if (strstr(name, "PRIVATE KEY")) {
        ha_fail(err, HA_E_MALFORMED, "there is a private key in it, which mustn't come here");
        return ha_hint(err, "give the certificates alone; a key that was in a file for others to read isn't secret");
    }
    ha_fail(err, HA_E_MALFORMED, "the PEM block \"%.64s\" is no certificate", name);
    return ha_hint(err, "a \"CERTIFICATE REQUEST\" is what a CA gets; install what it answers");
}

static enum ha_code add_pem(struct ha_cert_bag *bag, const void *bytes, size_t n, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(bytes, (int)n);
    if (!bio)
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for certificates");
    for (bool any = false;; any = true) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long len = 0;
        if (!PEM_read_bio(bio, &name, &header, &der, &len)) {
            bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE && any;
            ERR_clear_error();
            return end ? HA_OK : ha_fail(err, HA_E_MALFORMED, "a PEM block can't be read");
        }
        enum ha_code code = add_block(bag, name, der, (size_t)len, err);
        OPENSSL_clear_free(der, (size_t)len);  // it may be somebody's private key
        OPENSSL_free(name);
        OPENSSL_free(header);
        if (code)
            return code;
    }
}

static enum ha_code add_base64(struct ha_cert_bag *bag, const char *text, size_t n, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf packed = {0}, der = {0};
    for (size_t i = 0; i < n; i++)
        if (!isspace((unsigned char)text[i]))
            ha_buf_putc(&packed, text[i]);
    if (!ha_buf_ok(&packed))
        return ha_fail(err, HA_E_MEMORY, "no memory for certificates");
    if (packed.len == 0 || ha_base64_any_decode(&der, ha_buf_text(&packed), packed.len, err)) {
        ha_fail(err, HA_E_MALFORMED, "that is no certificate: neither PEM nor DER nor base64 of it");
        return ha_hint(err,
                       "give text with -----BEGIN CERTIFICATE-----, or what the CA sent as .cer, .der, .p7b or .p7c");
    }
    return add_der(bag, der.data, der.len, err);
}

enum ha_code ha_cert_bag_add(struct ha_cert_bag *bag, const void *bytes, size_t n, struct ha_err *err)
{
    static const char begin[] = "-----BEGIN ";
    if (n > BYTES_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "more than %d bytes of certificates", BYTES_MAX);
    if (memmem(bytes, n, begin, sizeof begin - 1))
        return add_pem(bag, bytes, n, err);
    return n > 0 && *(const uint8_t *)bytes == 0x30 ? add_der(bag, bytes, n, err) : add_base64(bag, bytes, n, err);
}
