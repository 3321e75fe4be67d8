// SPDX-License-Identifier: Apache-2.0
#include "format/chain_ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

HA_AUTO_DEFINE(OCSP_RESPONSE, OCSP_RESPONSE_free)
HA_AUTO_DEFINE(OCSP_BASICRESP, OCSP_BASICRESP_free)
HA_AUTO_DEFINE(OCSP_CERTID, OCSP_CERTID_free)

enum { SKEW_S = 300 };  // by how much the responder's clock may be ahead

// Whether the answer is about that certificate; its hash may be any.
static bool is_about(OCSP_SINGLERESP *single, X509 *certificate, X509 *issuer)
{
    OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *hash = NULL;
    if (!OCSP_id_get0_info(NULL, &hash, NULL, NULL, id))
        return false;
    const EVP_MD *md = EVP_get_digestbyobj(hash);
    ha_auto(OCSP_CERTID_free) OCSP_CERTID *wanted = md ? OCSP_cert_to_id(md, certificate, issuer) : NULL;
    return wanted && OCSP_id_cmp(id, wanted) == 0;
}

static enum ha_code check_times(const struct ha_chain_trust *trust, const ASN1_GENERALIZEDTIME *made,
                                const ASN1_GENERALIZEDTIME *next, struct ha_err *err)
{
    // ASN1_TIME_cmp_time_t: -1 when the first is earlier, -2 when it can't be read.
    int begun = made ? ASN1_TIME_cmp_time_t(made, (time_t)trust->at + SKEW_S) : -2;
    if (begun == -2)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the OCSP response has no time");
    if (begun > 0)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the OCSP response is of later than the time of verification");
    if (next && ASN1_TIME_cmp_time_t(next, (time_t)trust->at) < 0)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the OCSP response has expired");
    if (trust->cache_s && ASN1_TIME_cmp_time_t(made, (time_t)trust->at - (time_t)trust->cache_s) < 0)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the OCSP response is older than %u seconds", trust->cache_s);
    return HA_OK;
}

static enum ha_code judge(const struct ha_chain_trust *trust, OCSP_SINGLERESP *single, struct ha_err *err)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *made = NULL, *next = NULL;
    int reason = -1;
    int status = OCSP_single_get0_status(single, &reason, &revoked, &made, &next);
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        const char *why = reason >= 0 ? OCSP_crl_reason_str(reason) : "no reason said";
        return ha_fail(err, HA_E_NOT_VERIFIED, "the certificate was revoked on %.20s (%s), says the OCSP response",
                       revoked ? (const char *)ASN1_STRING_get0_data(revoked) : "?", why);
    }
    if (check_times(trust, made, next, err))
        return err->code;
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the OCSP responder doesn't know the certificate");
    return HA_OK;
}

enum ha_code ha_chain_ocsp(const struct ha_chain_trust *trust, X509_STORE *store, STACK_OF(X509) * chain,
                           struct ha_err *err)
{
    const unsigned char *at = trust->ocsp;
    ha_auto(OCSP_RESPONSE_free) OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)trust->ocsp_len);
    if (!response || at != trust->ocsp + trust->ocsp_len) {
        ha_ossl_fail(err, HA_E_MALFORMED, "that is no OCSP response");
        return ha_at(err, "/ocsp");
    }
    int status = OCSP_response_status(response);
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the OCSP responder answered '%s'", OCSP_response_status_str(status));
    ha_auto(OCSP_BASICRESP_free) OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    if (!basic || OCSP_basic_verify(basic, chain, store, 0) <= 0)
        return ha_ossl_fail(err, HA_E_NOT_VERIFIED,
                            "the OCSP response isn't from a responder of the certificate's issuer");
    X509 *certificate = sk_X509_value(chain, 0), *issuer = sk_X509_value(chain, 1);
    for (int i = 0; i < OCSP_resp_count(basic); i++)
        if (is_about(OCSP_resp_get0(basic, i), certificate, issuer))
            return judge(trust, OCSP_resp_get0(basic, i), err);
    return ha_fail(err, HA_E_NOT_VERIFIED, "the OCSP response is about another certificate");
}
