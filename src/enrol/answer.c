// SPDX-License-Identifier: Apache-2.0
#include "enrol/answer.h"

#include "base/text.h"
#include "crypto/ossl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

static void free_certificates(STACK_OF(X509) * certificates)
{
    sk_X509_pop_free(certificates, X509_free);
}
HA_AUTO_DEFINE(STACK_OF(X509), free_certificates)
HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(PKCS7, PKCS7_free)
HA_AUTO_DEFINE(X509, X509_free)

static enum ha_code no_memory(struct ha_err *err)
{
    return ha_fail(err, HA_E_MEMORY, "out of memory for certificates");
}

static enum ha_code put_certificate(X509 *certificate, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (!bio || PEM_write_bio_X509(bio, certificate) != 1)
        return no_memory(err);
    long n = BIO_get_mem_data(bio, &text);
    ha_buf_append(out, text, n > 0 ? (size_t)n : 0);
    return ha_buf_ok(out) ? HA_OK : no_memory(err);
}

static enum ha_code put_certificates(const STACK_OF(X509) * certificates, struct ha_buf *out, struct ha_err *err)
{
    int n = certificates ? sk_X509_num(certificates) : 0;
    if (n < 1 || n > HA_ANSWER_CERTIFICATES_MAX)
        return ha_fail(err, HA_E_CA, "the CA sent %d certificates", n < 0 ? 0 : n);
    for (int i = 0; i < n; i++)
        if (put_certificate(sk_X509_value(certificates, i), out, err))
            return err->code;
    return HA_OK;
}

// The bytes between PEM's lines when there are such, else all.
static void unwrap(const char **text, size_t *n)
{
    const char *begin = *n ? memmem(*text, *n, "-----BEGIN ", 11) : NULL;
    if (!begin)
        return;
    const char *end_of_all = *text + *n;
    const char *from = memchr(begin, '\n', (size_t)(end_of_all - begin));
    const char *to = from ? memmem(from, (size_t)(end_of_all - from), "-----END ", 9) : NULL;
    if (to) {
        *text = from;
        *n = (size_t)(to - from);
    }
}

static enum ha_code decode(const char *text, size_t n, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf plain = {0};
    struct ha_err cause = {0};
    unwrap(&text, &n);
    for (size_t i = 0; i < n; i++)
        if (!text[i] || !strchr(" \t\r\n=", text[i]))
            ha_buf_putc(&plain, text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    if (!ha_buf_ok(&plain))
        return no_memory(err);
    if (ha_b64u_decode(out, ha_buf_text(&plain), plain.len, &cause) != HA_OK || out->len == 0)
        return ha_fail(err, HA_E_CA, "what the CA sent is neither DER nor base64");
    return HA_OK;
}

enum ha_code ha_answer_pkcs7(const void *bytes, size_t n, struct ha_buf *out, struct ha_err *err)
{
    enum { SEQUENCE = 0x30 };
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    // '0' is also a character of base64; DER goes on with a length that no text begins with.
    const uint8_t *raw = bytes;
    bool is_der = n > 1 && raw[0] == SEQUENCE && raw[1] >= 0x80;
    if (!is_der && decode(bytes, n, &der, err))
        return err->code;
    const unsigned char *at = is_der ? raw : der.data;
    const unsigned char *end = at + (is_der ? n : der.len);
    ha_auto(PKCS7_free) PKCS7 *message = d2i_PKCS7(NULL, &at, end - at);
    if (!message || at != end || !PKCS7_type_is_signed(message) || !message->d.sign) {
        ERR_clear_error();
        return ha_fail(err, HA_E_CA, "what the CA sent is no PKCS#7 with certificates");
    }
    return put_certificates(message->d.sign->cert, out, err);
}

static enum ha_code read_pem(const char *text, size_t n, STACK_OF(X509) * *ret_certificates, struct ha_err *err)
{
    ha_auto(free_certificates) STACK_OF(X509) *certificates = sk_X509_new_null();
    ha_auto(BIO_free_all) BIO *bio = n < INT32_MAX ? BIO_new_mem_buf(text, (int)n) : NULL;
    if (!certificates || !bio)
        return no_memory(err);
    for (X509 *one; (one = PEM_read_bio_X509(bio, NULL, NULL, NULL));) {
        if (sk_X509_num(certificates) > HA_ANSWER_CERTIFICATES_MAX || sk_X509_push(certificates, one) <= 0) {
            X509_free(one);
            break;
        }
    }
    ERR_clear_error();
    *ret_certificates = ha_take(&certificates);
    return HA_OK;
}

enum ha_code ha_answer_pem(const char *text, size_t n, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(free_certificates) STACK_OF(X509) *certificates = NULL;
    if (read_pem(text, n, &certificates, err))
        return err->code;
    return put_certificates(certificates, out, err);
}

static X509_REQ *read_csr(const char *csr)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(csr, -1);
    X509_REQ *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
    ERR_clear_error();
    return request;
}

enum ha_code ha_answer_sort(const char *csr, const char *pem, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(X509_REQ_free) X509_REQ *request = read_csr(csr);
    ha_auto(free_certificates) STACK_OF(X509) *certificates = NULL;
    ha_auto(X509_free) X509 *leaf = NULL;
    EVP_PKEY *key = request ? X509_REQ_get0_pubkey(request) : NULL;
    if (!key)
        return ha_fail(err, HA_E_MALFORMED, "the request isn't a PKCS#10 in PEM");
    if (read_pem(pem, strlen(pem), &certificates, err))
        return err->code;
    for (int i = 0; i < sk_X509_num(certificates) && !leaf; i++) {
        EVP_PKEY *other = X509_get0_pubkey(sk_X509_value(certificates, i));
        if (other && EVP_PKEY_eq(other, key) == 1)
            leaf = sk_X509_delete(certificates, i);
    }
    ERR_clear_error();
    if (!leaf) {
        ha_fail(err, HA_E_CA, "the CA sent no certificate for the key that was asked about");
        return ha_hint(err, "Ask the CA's operators; the agent wouldn't take a certificate for another key.");
    }
    if (put_certificate(leaf, out, err))
        return err->code;
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *one = sk_X509_value(certificates, i);
        bool again = X509_cmp(one, leaf) == 0;
        for (int j = 0; j < i && !again; j++)
            again = X509_cmp(one, sk_X509_value(certificates, j)) == 0;
        if (!again && put_certificate(one, out, err))
            return err->code;
    }
    return HA_OK;
}

enum ha_code ha_answer_csr_der(const char *csr, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(X509_REQ_free) X509_REQ *request = read_csr(csr);
    ha_auto(ha_ossl_free) unsigned char *der = NULL;
    int n = request ? i2d_X509_REQ(request, &der) : -1;
    if (n <= 0) {
        ERR_clear_error();
        return ha_fail(err, HA_E_MALFORMED, "the request isn't a PKCS#10 in PEM");
    }
    ha_buf_append(out, der, (size_t)n);
    return ha_buf_ok(out) ? HA_OK : no_memory(err);
}

enum ha_code ha_answer_csr_pem(const char *csr, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    if (ha_answer_csr_der(csr, &der, err))
        return err->code;
    ha_buf_puts(out, "-----BEGIN " PEM_STRING_X509_REQ "-----\n");
    ha_b64_encode(out, der.data, der.len, 64);
    ha_buf_puts(out, "-----END " PEM_STRING_X509_REQ "-----\n");
    return ha_buf_ok(out) ? HA_OK : no_memory(err);
}

bool ha_answer_same_csr(const char *a, const char *b)
{
    ha_auto(ha_buf_clear) struct ha_buf left = {0}, right = {0};
    struct ha_err cause = {0};
    return decode(a, strlen(a), &left, &cause) == HA_OK && decode(b, strlen(b), &right, &cause) == HA_OK &&
           left.len == right.len && memcmp(left.data, right.data, left.len) == 0;
}

bool ha_answer_same_certificate(const char *a, const char *b)
{
    ha_auto(free_certificates) STACK_OF(X509) *left = NULL, *right = NULL;
    struct ha_err cause = {0};
    return read_pem(a, strlen(a), &left, &cause) == HA_OK && read_pem(b, strlen(b), &right, &cause) == HA_OK &&
           sk_X509_num(left) > 0 && sk_X509_num(right) > 0 &&
           X509_cmp(sk_X509_value(left, 0), sk_X509_value(right, 0)) == 0;
}

enum ha_code ha_answer_serial(const char *pem, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(free_certificates) STACK_OF(X509) *certificates = NULL;
    if (read_pem(pem, strlen(pem), &certificates, err))
        return err->code;
    X509 *first = sk_X509_num(certificates) > 0 ? sk_X509_value(certificates, 0) : NULL;
    ha_auto(BN_free) BIGNUM *number = first ? ASN1_INTEGER_to_BN(X509_get0_serialNumber(first), NULL) : NULL;
    ha_auto(ha_ossl_free_text) char *text = number && !BN_is_negative(number) ? BN_bn2hex(number) : NULL;
    if (!text) {
        ERR_clear_error();
        return ha_fail(err, HA_E_MALFORMED, "the certificate isn't one in PEM, or has no serial number");
    }
    const char *digits = text + strspn(text, "0");
    ha_buf_puts(out, "0x");
    for (const char *c = *digits ? digits : "0"; *c; c++)
        ha_buf_putc(out, *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c);
    return ha_buf_ok(out) ? HA_OK : no_memory(err);
}
