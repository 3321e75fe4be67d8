// SPDX-License-Identifier: Apache-2.0
#include "format/x509_sign.h"

#include "crypto/sigenc.h"

#include <openssl/objects.h>
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

enum ha_code ha_x509_sign_algor(enum ha_alg alg, X509_ALGOR **ret_algor, struct ha_err *err)
{
    const struct ha_alg_info *info = ha_alg_info(alg);
    ha_auto(ASN1_STRING_free) ASN1_STRING *params = NULL;
    // RSA PKCS#1 has NULL as its parameters (RFC 3279), ECDSA and Ed25519 have none (RFC 5758, 8410).
    int type = info->padding == HA_PAD_PKCS1 ? V_ASN1_NULL : V_ASN1_UNDEF;
    if (info->padding == HA_PAD_PSS) {
        params = pss_params(info->hash);
        if (!params)
            return ha_ossl_fail(err, HA_E_MEMORY, "no memory for an algorithm");
        type = V_ASN1_SEQUENCE;
    }
    ha_auto(X509_ALGOR_free) X509_ALGOR *algor = X509_ALGOR_new();
    if (!algor || !X509_ALGOR_set0(algor, OBJ_nid2obj(signature_nids[alg]), type, params))
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for an algorithm");
    (void)ha_take(&params);  // algor owns it now
    *ret_algor = ha_take(&algor);
    return HA_OK;
}

enum ha_code ha_x509_sign_check(enum ha_alg alg, const struct ha_pubkey *key, struct ha_err *err)
{
    enum ha_key_type type = ha_pubkey_type(key);
    if (ha_alg_fits(alg, type) && ha_alg_info(alg)->use == HA_USE_SIGN)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s doesn't sign certificates and requests with %s",
            ha_key_type_info(type)->name, ha_alg_info(alg)->name);
    if (ha_alg_default(type))
        ha_hint(err, "Use %s.", ha_alg_info(ha_alg_default(type))->name);
    return ha_at(err, "/algorithm");
}

enum ha_code ha_x509_sign_ask(const struct ha_signer *signer, enum ha_alg alg, const uint8_t *tbs, size_t n,
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
