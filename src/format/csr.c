// SPDX-License-Identifier: Apache-2.0
// The certificate request itself: put together, signed through the signer, verified, written as PEM.
#include "format/csr.h"

#include "base/text.h"
#include "crypto/ossl.h"
#include "crypto/sigenc.h"
#include "format/csr_ext.h"
#include "format/csr_name.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

HA_AUTO_DEFINE(RSA_PSS_PARAMS, RSA_PSS_PARAMS_free)

// The signature's OBJECT IDENTIFIER; 0 (NID_undef) for what isn't a signature algorithm.
static const int signature_nids[HA_ALG_COUNT] = {
    [HA_ALG_RS256] = NID_sha256WithRSAEncryption,
    [HA_ALG_RS384] = NID_sha384WithRSAEncryption,
    [HA_ALG_RS512] = NID_sha512WithRSAEncryption,
    [HA_ALG_PS256] = NID_rsassaPss,
    [HA_ALG_PS384] = NID_rsassaPss,
    [HA_ALG_PS512] = NID_rsassaPss,
    [HA_ALG_ES256] = NID_ecdsa_with_SHA256,
    [HA_ALG_ES384] = NID_ecdsa_with_SHA384,
    [HA_ALG_ES512] = NID_ecdsa_with_SHA512,
    [HA_ALG_ED25519] = NID_ED25519,
};

static const int hash_nids[HA_HASH_COUNT] = {
    [HA_HASH_SHA1] = NID_sha1,
    [HA_HASH_SHA256] = NID_sha256,
    [HA_HASH_SHA384] = NID_sha384,
    [HA_HASH_SHA512] = NID_sha512,
};

static enum ha_code out_of_memory(struct ha_err *err)
{
    return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a certificate request");
}

// The hash with NULL parameters, as RFC 4055 section 2.1 wants it written.
static X509_ALGOR *hash_algor(enum ha_hash hash)
{
    ha_auto(X509_ALGOR_free) X509_ALGOR *algor = X509_ALGOR_new();
    if (!algor || !X509_ALGOR_set0(algor, OBJ_nid2obj(hash_nids[hash]), V_ASN1_NULL, NULL))
        return NULL;
    return ha_take(&algor);
}

static X509_ALGOR *mgf1_algor(enum ha_hash hash)
{
    ha_auto(X509_ALGOR_free) X509_ALGOR *inner = hash_algor(hash);
    ha_auto(X509_ALGOR_free) X509_ALGOR *algor = X509_ALGOR_new();
    if (!inner || !algor)
        return NULL;
    ha_auto(ASN1_STRING_free) ASN1_STRING *packed = ASN1_item_pack(inner, ASN1_ITEM_rptr(X509_ALGOR), NULL);
    if (!packed || !X509_ALGOR_set0(algor, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, packed))
        return NULL;
    (void)ha_take(&packed);  // algor owns it now
    return ha_take(&algor);
}

// RSASSA-PSS-params as RFC 7518 section 3.5 means PS256 and its like: hash, MGF1 of the same, salt as long as the hash.
static ASN1_STRING *pss_params(enum ha_hash hash)
{
    ha_auto(RSA_PSS_PARAMS_free) RSA_PSS_PARAMS *params = RSA_PSS_PARAMS_new();
    if (!params)
        return NULL;
    params->hashAlgorithm = hash_algor(hash);
    params->maskGenAlgorithm = mgf1_algor(hash);
    params->saltLength = ASN1_INTEGER_new();
    if (!params->hashAlgorithm || !params->maskGenAlgorithm || !params->saltLength ||
        !ASN1_INTEGER_set(params->saltLength, (long)ha_hash_info(hash)->len))
        return NULL;
    return ASN1_item_pack(params, ASN1_ITEM_rptr(RSA_PSS_PARAMS), NULL);
}

static enum ha_code set_algorithm(X509_REQ *req, enum ha_alg alg, struct ha_err *err)
{
    const struct ha_alg_info *info = ha_alg_info(alg);
    ha_auto(ASN1_STRING_free) ASN1_STRING *params = NULL;
    // RSA PKCS#1 has NULL as its parameters (RFC 3279), ECDSA and Ed25519 have none (RFC 5758, 8410).
    int type = info->padding == HA_PAD_PKCS1 ? V_ASN1_NULL : V_ASN1_UNDEF;
    if (info->padding == HA_PAD_PSS) {
        params = pss_params(info->hash);
        if (!params)
            return out_of_memory(err);
        type = V_ASN1_SEQUENCE;
    }
    ha_auto(X509_ALGOR_free) X509_ALGOR *algor = X509_ALGOR_new();
    if (!algor || !X509_ALGOR_set0(algor, OBJ_nid2obj(signature_nids[alg]), type, params))
        return out_of_memory(err);
    (void)ha_take(&params);  // algor owns it now
    return X509_REQ_set1_signature_algo(req, algor) ? HA_OK : out_of_memory(err);
}

static enum ha_code check_algorithm(enum ha_alg alg, const struct ha_pubkey *key, struct ha_err *err)
{
    enum ha_key_type type = ha_pubkey_type(key);
    if (ha_alg_fits(alg, type) && ha_alg_info(alg)->use == HA_USE_SIGN)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s doesn't sign certificate requests with %s",
            ha_key_type_info(type)->name, ha_alg_info(alg)->name);
    if (ha_alg_default(type))
        ha_hint(err, "Use %s.", ha_alg_info(ha_alg_default(type))->name);
    return ha_at(err, "/algorithm");
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
    enum ha_code code = check_algorithm(request->algorithm, key, err);
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

// The signature as X.509 has it: ECDSA in DER.
static enum ha_code ask_signer(const struct ha_signer *signer, enum ha_alg alg, const uint8_t *tbs, size_t n,
                               struct ha_buf *out, struct ha_err *err)
{
    if (ha_alg_info(alg)->family != HA_FAMILY_EC)
        return signer->sign(signer->context, alg, tbs, n, out, err);
    ha_auto(ha_buf_clear) struct ha_buf raw = {0};
    enum ha_code code = signer->sign(signer->context, alg, tbs, n, &raw, err);
    if (code)
        return code;
    code = ha_ecdsa_raw_to_der(raw.data, raw.len, out, err);
    return code == HA_E_MALFORMED ? ha_fail(err, HA_E_TOKEN_ERROR, "the token's answer isn't an ECDSA signature")
                                  : code;
}

static enum ha_code sign(const struct ha_signer *signer, enum ha_alg alg, X509_REQ *req, struct ha_err *err)
{
    ha_auto(ha_ossl_free) unsigned char *tbs = NULL;
    int tbs_len = i2d_re_X509_REQ_tbs(req, &tbs);
    if (tbs_len <= 0)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encoding a certificate request");
    ha_auto(ha_buf_clear) struct ha_buf sig = {0};
    enum ha_code code = ask_signer(signer, alg, tbs, (size_t)tbs_len, &sig, err);
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
