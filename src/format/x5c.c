// SPDX-License-Identifier: Apache-2.0
#include "format/x5c.h"

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/ossl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

HA_AUTO_DEFINE(X509, X509_free)
HA_AUTO_DEFINE(X509_PUBKEY, X509_PUBKEY_free)
HA_AUTO_DEFINE(BIO, BIO_free_all)

void ha_x5c_clear(struct ha_x5c *chain)
{
    for (size_t i = 0; i < chain->n; i++)
        ha_buf_clear(&chain->der[i]);
    chain->n = 0;
}

static enum ha_code parse(const struct ha_buf *der, X509 **ret_certificate, struct ha_err *err)
{
    const unsigned char *at = der->data;
    ha_auto(X509_free) X509 *certificate = d2i_X509(NULL, &at, (long)der->len);
    if (!certificate || at != der->data + der->len)
        return ha_ossl_fail(err, HA_E_MALFORMED, "what should be a certificate isn't one");
    *ret_certificate = ha_take(&certificate);
    return HA_OK;
}

// Adds the certificate, after a look whether it is one.
enum ha_code ha_x5c_add(struct ha_x5c *chain, const void *der, size_t n, struct ha_err *err)
{
    size_t total = n;
    for (size_t i = 0; i < chain->n; i++)
        total += chain->der[i].len;
    if (chain->n == HA_X5C_MAX || total > HA_X5C_BYTES_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "a chain may have %d certificates of %d bytes together", HA_X5C_MAX,
                       HA_X5C_BYTES_MAX);
    struct ha_buf *into = &chain->der[chain->n++];
    ha_buf_append(into, der, n);
    if (!ha_buf_ok(into))
        return ha_fail(err, HA_E_MEMORY, "no memory for a certificate");
    ha_auto(X509_free) X509 *certificate = NULL;
    return parse(into, &certificate, err);
}

enum ha_code ha_x5c_from_pem(const char *pem, size_t n, struct ha_x5c *ret_chain, struct ha_err *err)
{
    if (n > 2 * HA_X5C_BYTES_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the certificates are larger than %d bytes", 2 * HA_X5C_BYTES_MAX);
    ha_auto(BIO_free_all) BIO *bio = BIO_new_mem_buf(pem, (int)n);
    if (!bio)
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a certificate");
    for (;;) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long len = 0;
        if (!PEM_read_bio(bio, &name, &header, &der, &len)) {
            bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE && ret_chain->n > 0;
            ERR_clear_error();
            return end ? HA_OK : ha_fail(err, HA_E_MALFORMED, "the text isn't a certificate in PEM");
        }
        enum ha_code code = HA_OK;
        if (strcmp(name, PEM_STRING_X509) != 0)
            code = ha_fail(err, HA_E_MALFORMED, "the PEM block is a \"%.64s\", not a certificate", name);
        else
            code = ha_x5c_add(ret_chain, der, (size_t)len, err);
        OPENSSL_clear_free(der, (size_t)len);  // it may be somebody's private key
        OPENSSL_free(name);
        OPENSSL_free(header);
        if (code)
            return code;
    }
}

// Standard base64 (RFC 7515 section 4.1.6 wants it here), as strict as base64url is read: its text is turned into that.
static enum ha_code decode_base64(const char *text, struct ha_buf *out, struct ha_err *err)
{
    size_t n = strlen(text), data = n;
    while (data > 0 && text[data - 1] == '=')
        data--;
    if (n % 4 != 0 || n - data > 2 || strpbrk(text, "-_"))
        return ha_fail(err, HA_E_MALFORMED, "a certificate of x5c isn't standard base64");
    ha_auto(ha_buf_clear) struct ha_buf url = {0};
    for (size_t i = 0; i < data; i++)
        ha_buf_putc(&url, (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]));
    if (!ha_buf_ok(&url))
        return ha_fail(err, HA_E_MEMORY, "no memory for a certificate");
    if (ha_b64u_decode(out, ha_buf_text(&url), url.len, err))
        return ha_fail(err, HA_E_MALFORMED, "a certificate of x5c isn't standard base64");
    return HA_OK;
}

enum ha_code ha_x5c_from_json(const ha_json *x5c, struct ha_x5c *ret_chain, struct ha_err *err)
{
    if (ha_json_type(x5c) != HA_JSON_ARRAY || !ha_json_first(x5c))
        return ha_fail(err, HA_E_MALFORMED, "x5c isn't a list of certificates");
    for (const ha_json *item = ha_json_first(x5c); item; item = ha_json_next(item)) {
        ha_auto(ha_buf_clear) struct ha_buf der = {0};
        const char *text = ha_json_string(item);
        if (!text)
            return ha_fail(err, HA_E_MALFORMED, "x5c isn't a list of strings");
        if (decode_base64(text, &der, err) || ha_x5c_add(ret_chain, der.data, der.len, err))
            return err->code;
    }
    return HA_OK;
}

void ha_x5c_to_pem(const struct ha_x5c *chain, struct ha_buf *out)
{
    for (size_t i = 0; i < chain->n; i++) {
        ha_buf_puts(out, "-----BEGIN " PEM_STRING_X509 "-----\n");
        ha_b64_encode(out, chain->der[i].data, chain->der[i].len, 64);
        ha_buf_puts(out, "-----END " PEM_STRING_X509 "-----\n");
    }
}

void ha_x5c_write(struct ha_buf *out, const struct ha_x5c *chain)
{
    ha_jw_array(out, "x5c");
    for (size_t i = 0; i < chain->n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf text = {0};
        ha_b64_encode(&text, chain->der[i].data, chain->der[i].len, 0);
        out->failed = out->failed || text.failed;
        ha_jw_string(out, NULL, ha_buf_text(&text));
    }
    ha_jw_array_end(out);
}

// A key that is certified for PSS alone (RFC 4055: id-RSASSA-PSS) is the same RSA key.
static int encode_key(X509 *certificate, unsigned char **ret_spki)
{
    X509_PUBKEY *own = X509_get_X509_PUBKEY(certificate);
    ASN1_OBJECT *algorithm = NULL;
    const unsigned char *bits;
    int n;
    if (!X509_PUBKEY_get0_param(&algorithm, &bits, &n, NULL, own) || OBJ_obj2nid(algorithm) != NID_rsassaPss)
        return i2d_X509_PUBKEY(own, ret_spki);
    ha_auto(X509_PUBKEY_free) X509_PUBKEY *plain = X509_PUBKEY_new();
    unsigned char *copy = OPENSSL_memdup(bits, (size_t)n);
    if (!plain || !copy || !X509_PUBKEY_set0_param(plain, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL, copy, n)) {
        OPENSSL_free(copy);
        return -1;
    }
    return i2d_X509_PUBKEY(plain, ret_spki);
}

enum ha_code ha_x5c_key_of(struct x509_st *certificate, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(ha_ossl_free) unsigned char *spki = NULL;
    int n = encode_key(certificate, &spki);
    if (n <= 0)
        return ha_ossl_fail(err, HA_E_MALFORMED, "the certificate's public key");
    return ha_pubkey_from_spki(spki, (size_t)n, ret_key, err) ? ha_wrap(err, "the certificate's key") : HA_OK;
}

enum ha_code ha_x5c_pubkey(const struct ha_x5c *chain, struct ha_pubkey **ret_key, struct ha_err *err)
{
    ha_auto(X509_free) X509 *certificate = NULL;
    return parse(&chain->der[0], &certificate, err) ? err->code : ha_x5c_key_of(certificate, ret_key, err);
}

enum ha_code ha_x5c_sha256(const struct ha_x5c *chain, uint8_t ret_hash[static HA_X5C_HASH_LEN], struct ha_err *err)
{
    uint8_t digest[HA_DIGEST_MAX];
    if (ha_digest(HA_HASH_SHA256, chain->der[0].data, chain->der[0].len, digest, err))
        return err->code;
    memcpy(ret_hash, digest, HA_X5C_HASH_LEN);
    return HA_OK;
}

// "20270101T000000Z"-like words for people: as OpenSSL prints dates.
static void print_time(const ASN1_TIME *time, char *ret_text, size_t size)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    int n = bio && ASN1_TIME_print(bio, time) ? BIO_read(bio, ret_text, (int)size - 1) : 0;
    ret_text[n > 0 ? n : 0] = '\0';
}

static enum ha_code seconds_of(const ASN1_TIME *time, int64_t *ret_s, struct ha_err *err)
{
    struct tm when;
    if (!ASN1_TIME_to_tm(time, &when))
        return ha_ossl_fail(err, HA_E_MALFORMED, "a date of the certificate can't be read");
    *ret_s = timegm(&when);
    return HA_OK;
}

enum ha_code ha_x5c_dates(const struct ha_x5c *chain, int64_t *ret_from, int64_t *ret_until, struct ha_err *err)
{
    ha_auto(X509_free) X509 *certificate = NULL;
    int64_t from = 0, until = 0;
    if (parse(&chain->der[0], &certificate, err) || seconds_of(X509_get0_notBefore(certificate), &from, err) ||
        seconds_of(X509_get0_notAfter(certificate), &until, err))
        return err->code;
    *ret_from = from;
    *ret_until = until;
    return HA_OK;
}

enum ha_code ha_x5c_check_dates(const struct ha_x5c *chain, int64_t at_s, struct ha_err *err)
{
    ha_auto(X509_free) X509 *certificate = NULL;
    if (parse(&chain->der[0], &certificate, err))
        return err->code;
    time_t at = (time_t)at_s;
    char date[64];
    const ASN1_TIME *from = X509_get0_notBefore(certificate), *until = X509_get0_notAfter(certificate);
    if (ASN1_TIME_cmp_time_t(from, at) > 0) {
        print_time(from, date, sizeof date);
        return ha_fail(err, HA_E_NOT_VERIFIED, "the certificate isn't valid before %s", date);
    }
    if (ASN1_TIME_cmp_time_t(until, at) < 0) {
        print_time(until, date, sizeof date);
        return ha_fail(err, HA_E_NOT_VERIFIED, "the certificate expired on %s", date);
    }
    return HA_OK;
}

enum ha_code ha_x5c_check_key(const struct ha_x5c *chain, const struct ha_pubkey *key, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *own = NULL;
    if (ha_x5c_pubkey(chain, &own, err))
        return err->code;
    if (memcmp(ha_pubkey_spki_sha256(own), ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN) == 0)
        return HA_OK;
    ha_fail(err, HA_E_CONFLICT, "the certificate is for another key");
    return ha_hint(err, "the signer's certificate goes first, those of its CAs after it");
}
