// SPDX-License-Identifier: Apache-2.0
// The certificate request itself: put together, signed through the signer, verified, written as PEM.
#include "format/csr.h"

#include "base/text.h"
#include "crypto/ossl.h"
#include "format/cert_words.h"
#include "format/csr_ext.h"
#include "format/csr_name.h"
#include "format/x509_sign.h"

#include <openssl/objects.h>
#include <openssl/pem.h>

static enum ha_code out_of_memory(struct ha_err *err)
{
    return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a certificate request");
}

static enum ha_code set_algorithm(X509_REQ *req, enum ha_alg alg, struct ha_err *err)
{
    ha_auto(X509_ALGOR_free) X509_ALGOR *algor = NULL;
    if (ha_x509_sign_algor(alg, &algor, err))
        return err->code;
    return X509_REQ_set1_signature_algo(req, algor) ? HA_OK : out_of_memory(err);
}

static enum ha_code check_pss_key(enum ha_alg alg, const struct ha_pubkey *key, struct ha_err *err)
{
    const struct ha_key_type_info *type = ha_key_type_info(ha_pubkey_type(key));
    if (type->family == HA_FAMILY_RSA && ha_alg_info(alg)->padding == HA_PAD_PSS)
        return HA_OK;
    if (type->family != HA_FAMILY_RSA)
        ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s isn't one for RSA with PSS", type->name);
    else
        ha_fail(err, HA_E_KEY_CANNOT, "a key for PSS only signs its own request with PSS, not with %s",
                ha_alg_info(alg)->name);
    ha_hint(err, "Use an RSA key and PS256, PS384 or PS512.");
    return ha_at(err, "/pss_key");
}

// id-RSASSA-PSS without parameters: any hash, any salt (RFC 4055 section 3.1).
static enum ha_code make_pss_key(X509_REQ *req, struct ha_err *err)
{
    X509_ALGOR *algor = NULL;
    X509_PUBKEY_get0_param(NULL, NULL, NULL, &algor, X509_REQ_get_X509_PUBKEY(req));
    return X509_ALGOR_set0(algor, OBJ_nid2obj(NID_rsassaPss), V_ASN1_UNDEF, NULL) ? HA_OK : out_of_memory(err);
}

// All but the signature.
static enum ha_code fill(const struct ha_csr_request *request, const struct ha_pubkey *key, X509_REQ *req,
                         struct ha_err *err)
{
    ha_auto(X509_NAME_free) X509_NAME *name = NULL;
    ha_auto(ha_csr_ext_free) ha_csr_extensions *extensions = NULL;
    enum ha_code code = ha_x509_sign_check(request->algorithm, key, err);
    if (!code && request->pss_key)
        code = check_pss_key(request->algorithm, key, err);
    if (!code)
        code = ha_csr_name_build(request->subject, &name, err);
    if (!code)
        code = ha_csr_ext_build(request, X509_NAME_entry_count(name) == 0, &extensions, err);
    if (code)
        return code;
    if (!X509_REQ_set_version(req, X509_REQ_VERSION_1) || !X509_REQ_set_subject_name(req, name) ||
        !X509_REQ_set_pubkey(req, ha_pubkey_evp(key)) || (extensions && !X509_REQ_add_extensions(req, extensions)))
        return out_of_memory(err);
    if (request->pss_key && make_pss_key(req, err))
        return err->code;
    return set_algorithm(req, request->algorithm, err);
}

static enum ha_code sign(const struct ha_signer *signer, enum ha_alg alg, X509_REQ *req, struct ha_err *err)
{
    ha_auto(ha_ossl_free) unsigned char *tbs = NULL;
    int tbs_len = i2d_re_X509_REQ_tbs(req, &tbs);
    if (tbs_len <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encoding a certificate request");
    ha_auto(ha_buf_clear) struct ha_buf sig = {0};
    enum ha_code code = ha_x509_sign_ask(signer, alg, tbs, (size_t)tbs_len, &sig, err);
    if (code)
        return code;
    ha_auto(ASN1_STRING_free) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    if (!bits || !ha_buf_ok(&sig) || !ASN1_BIT_STRING_set(bits, sig.data, (int)sig.len))
        return out_of_memory(err);
    // No unused bits: without the flag OpenSSL would cut zero bits off the end.
    bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
    X509_REQ_set0_signature(req, ha_take(&bits));
    if (X509_REQ_verify(req, ha_pubkey_evp(signer->public_key)) != 1)
        return ha_ossl_fail(err, HA_E_TOKEN_ERROR, "the token's signature of the certificate request doesn't verify");
    return HA_OK;
}

enum ha_code ha_csr_build(const struct ha_csr_request *request, const struct ha_signer *signer, struct ha_buf *out,
                          struct ha_err *err)
{
    ha_auto(X509_REQ_free) X509_REQ *req = X509_REQ_new();
    if (!req)
        return out_of_memory(err);
    enum ha_code code = fill(request, signer->public_key, req, err);
    if (!code)
        code = sign(signer, request->algorithm, req, err);
    if (code)
        return code;
    ha_auto(ha_ossl_free) unsigned char *der = NULL;
    int len = i2d_X509_REQ(req, &der);
    if (len <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encoding a certificate request");
    ha_buf_puts(out, "-----BEGIN " PEM_STRING_X509_REQ "-----\n");
    ha_b64_encode(out, der, (size_t)len, 64);
    ha_buf_puts(out, "-----END " PEM_STRING_X509_REQ "-----\n");
    return ha_buf_ok(out) ? HA_OK : out_of_memory(err);
}

// SEQUENCE { INTEGER, Name, ... }
bool ha_csr_read_subject(const void *info, size_t n, struct ha_buf *out)
{
    const unsigned char *at = info, *end = at + n;
    long len;
    int tag, class;
    if (ASN1_get_object(&at, &len, &tag, &class, (long)n) != V_ASN1_CONSTRUCTED || tag != V_ASN1_SEQUENCE ||
        (ASN1_get_object(&at, &len, &tag, &class, end - at) & 0x80) || tag != V_ASN1_INTEGER)
        return false;
    at += len;
    ha_auto(X509_NAME_free) X509_NAME *name = d2i_X509_NAME(NULL, &at, end - at);
    if (name)
        ha_cert_words_name(out, name);
    return name != NULL;
}
