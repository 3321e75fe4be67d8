// SPDX-License-Identifier: Apache-2.0
// OpenSSL builds and checks the path; what it finds wrong becomes words.
#include "format/chain.h"

#include "crypto/ossl.h"
#include "format/chain_ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    PEM_MAX = 512 * 1024,  // bytes of anchors, of intermediates, of lists
    AUTH_LEVEL = 2,        // OpenSSL's: 112 bits, so neither SHA-1 nor RSA below 2048 bits
    DEPTH_MAX = 10,
};

typedef STACK_OF(X509) certificates;
typedef STACK_OF(X509_CRL) lists;

static void certificates_free(certificates *stack)
{
    sk_X509_pop_free(stack, X509_free);
}
static void lists_free(lists *stack)
{
    sk_X509_CRL_pop_free(stack, X509_CRL_free);
}
static void infos_free(STACK_OF(X509_INFO) * stack)
{
    sk_X509_INFO_pop_free(stack, X509_INFO_free);
}
HA_AUTO_DEFINE(certificates, certificates_free)
HA_AUTO_DEFINE(lists, lists_free)
HA_AUTO_DEFINE(STACK_OF(X509_INFO), infos_free)
HA_AUTO_DEFINE(BIO, BIO_free_all)
HA_AUTO_DEFINE(X509_STORE, X509_STORE_free)
HA_AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX_free)

// All certificates, or all lists, of a PEM text. One that can't be read spoils the whole: what is left out silently may
// be the list that matters.
static enum ha_code read_pem(const char *pem, const char *name, certificates *into, lists *into_lists,
                             struct ha_err *err)
{
    size_t n = strlen(pem);
    ha_auto(BIO_free_all) BIO *bio = n <= PEM_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
    ha_auto(infos_free) STACK_OF(X509_INFO) *infos = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, (void *)"") : NULL;
    int found = 0;
    for (int i = 0; infos && i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);
        if (into && info->x509 && sk_X509_push(into, info->x509))
            found++, info->x509 = NULL;
        if (into_lists && info->crl && sk_X509_CRL_push(into_lists, info->crl))
            found++, info->crl = NULL;
    }
    if (found > 0) {
        ERR_clear_error();
        return HA_OK;
    }
    const char *what = into ? "certificate" : "revocation list";
    ha_ossl_fail(err, HA_E_MALFORMED,
                 into ? "there is no certificate in it that can be read"
                      : "there is no revocation list in it that can be read");
    ha_hint(err, "give PEM text with one %s or more", what);
    return ha_at(err, "/%s", name);
}

// What is known of the verification while OpenSSL calls back.
struct verification {
    const struct ha_chain_trust *trust;
    bool vouched;  // an OCSP response says that the certificate is good
    char revoked[96];
};

static void note_revocation(struct verification *verification, X509_STORE_CTX *ctx)
{
    X509_REVOKED *entry = NULL;
    X509_CRL *crl = X509_STORE_CTX_get0_current_crl(ctx);
    if (!crl || X509_CRL_get0_by_cert(crl, &entry, X509_STORE_CTX_get_current_cert(ctx)) <= 0 || !entry)
        return;
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    const char *why = reason ? OCSP_crl_reason_str(ASN1_ENUMERATED_get(reason)) : "no reason said";
    ASN1_ENUMERATED_free(reason);
    struct tm when;
    if (!ASN1_TIME_to_tm(X509_REVOKED_get0_revocationDate(entry), &when))
        return;
    char date[sizeof "2026-11-21T07:26:35Z"] = "?";
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &when);
    snprintf(verification->revoked, sizeof verification->revoked, " on %s (%s)", date, why);
}

// A list that is missing or too old is no fault where nobody needs it.
static int on_error(int ok, X509_STORE_CTX *ctx)
{
    if (ok)
        return 1;
    struct verification *verification = X509_STORE_CTX_get_app_data(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    bool leaf = X509_STORE_CTX_get_error_depth(ctx) == 0;
    if (error == X509_V_ERR_CERT_REVOKED)
        note_revocation(verification, ctx);
    bool tolerated = false;
    if (error == X509_V_ERR_UNABLE_TO_GET_CRL)
        tolerated = !leaf || verification->vouched || !verification->trust->revocation;
    if (error == X509_V_ERR_CRL_HAS_EXPIRED)
        tolerated = leaf && verification->vouched;
    if (tolerated)
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return tolerated;
}

static void put_name(struct ha_buf *out, const X509_NAME *name)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
        return;
    long n = BIO_get_mem_data(bio, &text);
    ha_buf_append(out, text, n > 0 ? (size_t)n : 0);
}

static void put_time(struct ha_buf *out, const ASN1_TIME *time)
{
    struct tm when;
    char text[sizeof "2026-11-21T07:26:35Z"] = "?";
    if (ASN1_TIME_to_tm(time, &when))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &when);
    ha_buf_puts(out, text);
}

// The reason in words, for the errors that happen; OpenSSL's own for the others.
static void put_reason(struct ha_buf *out, const struct verification *verification, int error, const X509 *at)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        ha_buf_puts(out, "expired on ");
        put_time(out, X509_get0_notAfter(at));
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        ha_buf_puts(out, "isn't valid before ");
        put_time(out, X509_get0_notBefore(at));
        return;
    case X509_V_ERR_CERT_REVOKED:
        ha_buf_printf(out, "was revoked%s", verification->revoked);
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        ha_buf_puts(out, "was issued by \"");
        put_name(out, X509_get_issuer_name(at));
        ha_buf_puts(out, "\", which isn't among the anchors, nor is a way from there to one");
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        ha_buf_puts(out, "is self-signed and isn't among the anchors");
        return;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        ha_buf_puts(out, "may have been revoked: there is neither a list of its issuer nor an OCSP response");
        return;
    case X509_V_ERR_CRL_HAS_EXPIRED:
        ha_buf_puts(out, "may have been revoked: its issuer's list has expired");
        return;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        ha_buf_puts(out, "isn't signed by the issuer that it names");
        return;
    default:
        ha_buf_printf(out, "isn't good: %s", X509_verify_cert_error_string(error));
        return;
    }
}

static enum ha_code refuse(const struct verification *verification, X509_STORE_CTX *ctx, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    ha_auto(ha_buf_clear) struct ha_buf reason = {0};
    X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    if (!at)
        at = X509_STORE_CTX_get0_cert(ctx);
    put_name(&subject, X509_get_subject_name(at));
    put_reason(&reason, verification, X509_STORE_CTX_get_error(ctx), at);
    ERR_clear_error();
    ha_fail(err, HA_E_NOT_VERIFIED, "%s (\"%.150s\") %s",
            X509_STORE_CTX_get_error_depth(ctx) == 0 ? "the certificate" : "an issuer's certificate",
            ha_buf_text(&subject), ha_buf_text(&reason));
    return ha_hint(err,
                   "trust the message only when its sender has another certificate, or when what you gave to judge "
                   "it by (anchors, lists, time) was wrong");
}

struct parts {
    X509_STORE *store;
    certificates *untrusted;
    lists *crls;
};

// One verification; *ret_chain is the caller's.
static enum ha_code verify_path(const struct parts *parts, X509 *x509, struct verification *verification,
                                certificates **ret_chain, struct ha_err *err)
{
    ha_auto(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx || !X509_STORE_CTX_init(ctx, parts->store, x509, parts->untrusted))
        return ha_fail(err, HA_E_MEMORY, "out of memory for verifying a certificate");
    if (parts->crls) {
        X509_STORE_CTX_set0_crls(ctx, parts->crls);
        X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    X509_STORE_CTX_set_app_data(ctx, verification);
    X509_STORE_CTX_set_verify_cb(ctx, on_error);
    if (X509_verify_cert(ctx) <= 0)
        return refuse(verification, ctx, err);
    if (ret_chain)
        *ret_chain = X509_STORE_CTX_get1_chain(ctx);
    return !ret_chain || *ret_chain ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for verifying a certificate");
}

static enum ha_code check_leaf(X509 *x509, bool any_usage, struct ha_err *err)
{
    uint32_t usage = X509_get_key_usage(x509);
    if (!any_usage && usage != UINT32_MAX && !(usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
        return ha_fail(err, HA_E_NOT_VERIFIED, "the certificate's key usage doesn't allow signatures");
    if (X509_check_ca(x509) == 1)
        return ha_fail(err, HA_E_NOT_VERIFIED, "the certificate is a certificate authority's, which signs no messages");
    return HA_OK;
}

static enum ha_code make_store(const struct ha_chain_trust *trust, certificates *anchors, X509_STORE **ret_store,
                               struct ha_err *err)
{
    ha_auto(X509_STORE_free) X509_STORE *store = X509_STORE_new();
    if (!store)
        return ha_fail(err, HA_E_MEMORY, "out of memory for verifying a certificate");
    for (int i = 0; i < sk_X509_num(anchors); i++)
        if (!X509_STORE_add_cert(store, sk_X509_value(anchors, i)))
            return ha_ossl_fail(err, HA_E_MEMORY, "an anchor can't be used");
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_time(param, (time_t)trust->at);
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    *ret_store = ha_take(&store);
    return HA_OK;
}

static enum ha_code verify(const struct parts *parts, X509 *x509, const struct ha_chain_trust *trust,
                           struct ha_err *err)
{
    ha_auto(certificates_free) certificates *chain = NULL;
    struct verification verification = {.trust = trust};
    struct parts without = *parts;
    without.crls = NULL;
    if (verify_path(&without, x509, &verification, &chain, err) || check_leaf(x509, trust->any_usage, err))
        return err->code;
    if (sk_X509_num(chain) < 2)
        return HA_OK;  // an anchor by itself
    if (trust->ocsp) {
        if (ha_chain_ocsp(trust, parts->store, chain, err))
            return err->code;
        verification.vouched = true;
    }
    // Without lists this finds out whether one would have been needed.
    return verify_path(parts, x509, &verification, NULL, err);
}

enum ha_code ha_chain_verify(const struct ha_certificate *certificate, const struct ha_chain_trust *trust,
                             struct ha_err *err)
{
    ha_auto(certificates_free) certificates *anchors = sk_X509_new_null();
    ha_auto(certificates_free) certificates *untrusted = sk_X509_new_null();
    ha_auto(lists_free) lists *crls = sk_X509_CRL_new_null();
    ha_auto(X509_STORE_free) X509_STORE *store = NULL;
    if (!anchors || !untrusted || !crls)
        return ha_fail(err, HA_E_MEMORY, "out of memory for verifying a certificate");
    if (!trust->anchors) {
        ha_fail(err, HA_E_MALFORMED, "there are no anchors, so no certificate can be trusted");
        return ha_at(err, "/anchors");
    }
    if (read_pem(trust->anchors, "anchors", anchors, NULL, err) ||
        (trust->intermediates && read_pem(trust->intermediates, "intermediates", untrusted, NULL, err)) ||
        (trust->crls && read_pem(trust->crls, "crls", NULL, crls, err)) || make_store(trust, anchors, &store, err))
        return err->code;
    const struct parts parts = {.store = store, .untrusted = untrusted, .crls = crls};
    return verify(&parts, ha_certificate_x509(certificate), trust, err);
}
