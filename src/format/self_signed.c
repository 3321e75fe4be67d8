// SPDX-License-Identifier: Apache-2.0
#include "format/self_signed.h"

#include "base/text.h"
#include "format/csr_ext.h"
#include "format/x5c.h"
#include "format/x509_sign.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <string.h>

HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(X509, X509_free)

#define PEM_MAX    (64 * 1024)
#define SERIAL_LEN 16  // bytes; RFC 5280 section 4.1.2.2 takes 20 at most

static enum ha_code out_of_memory(struct ha_err *err)
{
    return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a certificate");
}

static enum ha_code read_request(const char *pem, size_t n, const struct ha_pubkey *key, X509_REQ **ret_request,
                                 struct ha_err *err)
{
    ha_auto(BIO_free_all) BIO *bio = n <= PEM_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
    ha_auto(X509_REQ_free) X509_REQ *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, (void *)"") : NULL;
    if (!request) {
        ha_ossl_fail(err, HA_E_MALFORMED, "that is no certificate request");
        return ha_hint(err, "give what POST /v1/keys/{name}/csr (`hsm-agent csr`) answered, as PEM");
    }
    if (X509_REQ_verify(request, ha_pubkey_evp(key)) != 1)
        return ha_ossl_fail(err, HA_E_CONFLICT, "the request is another key's, or its signature isn't good");
    *ret_request = ha_take(&request);
    return HA_OK;
}

static bool set_serial(X509 *made)
{
    uint8_t bytes[SERIAL_LEN];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);  // positive, and of that length
    ha_auto(BN_free) BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made));
}

static bool add_extensions(X509_REQ *request, X509 *made)
{
    ha_auto(ha_csr_ext_free) ha_csr_extensions *extensions = X509_REQ_get_extensions(request);
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
        X509_EXTENSION *extension = sk_X509_EXTENSION_value(extensions, i);
        bool kept = OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_basic_constraints;
        if (kept && !X509_add_ext(made, extension, -1))
            return false;
    }
    BASIC_CONSTRAINTS *none = BASIC_CONSTRAINTS_new();
    bool added = none && X509_add1_ext_i2d(made, NID_basic_constraints, none, 1, X509V3_ADD_DEFAULT) == 1;
    BASIC_CONSTRAINTS_free(none);
    return added;
}

static bool fill(X509_REQ *request, int64_t from_s, int64_t until_s, X509 *made)
{
    X509_NAME *name = X509_REQ_get_subject_name(request);
    ha_auto(ha_ossl_free) unsigned char *spki = NULL;
    // The key as the request has it, which may say that it is for PSS alone.
    int n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), &spki);
    const unsigned char *key = spki;
    X509_PUBKEY *into = X509_get_X509_PUBKEY(made);
    return n > 0 && d2i_X509_PUBKEY(&into, &key, n) && X509_set_version(made, X509_VERSION_3) && set_serial(made) &&
           X509_set_subject_name(made, name) && X509_set_issuer_name(made, name) &&
           ASN1_TIME_set(X509_getm_notBefore(made), (time_t)from_s) &&
           ASN1_TIME_set(X509_getm_notAfter(made), (time_t)until_s) && add_extensions(request, made);
}

// OpenSSL 3 has no function that sets a signature made elsewhere; its parts are the certificate's own, which is ours.
static bool set_algorithm(X509 *made, const X509_ALGOR *algor)
{
    const X509_ALGOR *outer = NULL;
    const ASN1_BIT_STRING *bits = NULL;
    X509_get0_signature(&bits, &outer, made);
    return X509_ALGOR_copy((X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(made), algor) &&
           X509_ALGOR_copy((X509_ALGOR *)(uintptr_t)outer, algor);
}

static bool set_signature(X509 *made, const struct ha_buf *signature)
{
    const ASN1_BIT_STRING *bits = NULL;
    X509_get0_signature(&bits, NULL, made);
    ASN1_BIT_STRING *own = (ASN1_BIT_STRING *)(uintptr_t)bits;
    if (!ha_buf_ok(signature) || !ASN1_BIT_STRING_set(own, signature->data, (int)signature->len))
        return false;
    own->flags |= ASN1_STRING_FLAG_BITS_LEFT;  // no unused bits, whatever the last one is
    return true;
}

// A key for PSS alone is the same key, if its numbers are.
static enum ha_code check_key(X509 *made, const struct ha_pubkey *key, struct ha_err *err)
{
    ha_auto(ha_pubkey_free) struct ha_pubkey *own = NULL;
    if (ha_x5c_key_of(made, &own, err))
        return err->code;
    return memcmp(ha_pubkey_spki_sha256(own), ha_pubkey_spki_sha256(key), HA_SPKI_HASH_LEN) == 0
               ? HA_OK
               : ha_fail(err, HA_E_CONFLICT, "the request is another key's");
}

static enum ha_code sign(const struct ha_signer *signer, enum ha_alg alg, X509 *made, struct ha_err *err)
{
    ha_auto(X509_ALGOR_free) X509_ALGOR *algor = NULL;
    ha_auto(ha_buf_clear) struct ha_buf signature = {0};
    ha_auto(ha_ossl_free) unsigned char *tbs = NULL;
    if (ha_x509_sign_algor(alg, &algor, err))
        return err->code;
    int n = set_algorithm(made, algor) ? i2d_re_X509_tbs(made, &tbs) : -1;
    if (n <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encoding a certificate");
    if (ha_x509_sign_ask(signer, alg, tbs, (size_t)n, &signature, err))
        return err->code;
    if (!set_signature(made, &signature))
        return out_of_memory(err);
    if (X509_verify(made, ha_pubkey_evp(signer->public_key)) != 1)
        return ha_ossl_fail(err, HA_E_TOKEN_ERROR, "the token's signature of the certificate doesn't verify");
    return HA_OK;
}

enum ha_code ha_self_signed(const char *pem, size_t n, enum ha_alg alg, int64_t from_s, int64_t until_s,
                            const struct ha_signer *signer, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(X509_REQ_free) X509_REQ *request = NULL;
    ha_auto(X509_free) X509 *made = X509_new();
    if (!made)
        return out_of_memory(err);
    if (ha_x509_sign_check(alg, signer->public_key, err) || read_request(pem, n, signer->public_key, &request, err))
        return err->code;
    if (!fill(request, from_s, until_s, made))
        return out_of_memory(err);
    if (check_key(made, signer->public_key, err) || sign(signer, alg, made, err))
        return err->code;
    ha_auto(ha_ossl_free) unsigned char *der = NULL;
    int len = i2d_X509(made, &der);
    if (len <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encoding a certificate");
    ha_buf_puts(out, "-----BEGIN " PEM_STRING_X509 "-----\n");
    ha_b64_encode(out, der, (size_t)len, 64);
    ha_buf_puts(out, "-----END " PEM_STRING_X509 "-----\n");
    return ha_buf_ok(out) ? HA_OK : out_of_memory(err);
}
