// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_chain.h"

#include "base/json.h"
#include "cli/tls_cert.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

enum { URL_MAX = 200 };

void ha_tls_chain_clear(struct ha_tls_chain *chain)
{
    ha_ossl_stack_free(chain->built);
    *chain = (struct ha_tls_chain){0};
}

enum ha_code ha_tls_chain_trust(OSSL_LIB_CTX *libctx, const char *ca_file, X509_STORE **ret_trust, struct ha_err *err)
{
    ha_auto(X509_STORE_free) X509_STORE *trust = X509_STORE_new();
    if (!trust)
        return ha_fail(err, HA_E_MEMORY, "out of memory for certificates");
    ERR_clear_error();
    int loaded = ca_file ? X509_STORE_load_file_ex(trust, ca_file, libctx, NULL)
                         : X509_STORE_set_default_paths_ex(trust, libctx, NULL);
    if (loaded != 1) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        ha_fail(err, HA_E_IO, "can't read the CAs' certificates%s%s: %s", ca_file ? " of " : "", ca_file ? ca_file : "",
                reason ? reason : "no reason is known");
        ERR_clear_error();
        return ha_hint(err, "Give --ca a file in PEM with the certificates of the CAs that clients trust.");
    }
    *ret_trust = ha_take(&trust);
    return HA_OK;
}

// Notes the first error of each depth and goes on.
static int note_error(int ok, X509_STORE_CTX *context)
{
    struct ha_tls_chain *chain = X509_STORE_CTX_get_app_data(context);
    int depth = X509_STORE_CTX_get_error_depth(context), error = X509_STORE_CTX_get_error(context);
    if (!ok && depth >= 0 && depth < HA_TLS_DEPTHS_MAX && chain->errors[depth] == X509_V_OK)
        chain->errors[depth] = error;
    return 1;
}

enum ha_code ha_tls_chain_build(OSSL_LIB_CTX *libctx, X509_STORE *trust, STACK_OF(X509) * sent,
                                struct ha_tls_chain *ret_chain, struct ha_err *err)
{
    ha_auto(ha_tls_chain_clear) struct ha_tls_chain chain = {0};
    ha_auto(X509_STORE_CTX_free) X509_STORE_CTX *context = X509_STORE_CTX_new_ex(libctx, NULL);
    if (!context || X509_STORE_CTX_init(context, trust, sk_X509_value(sent, 0), sent) != 1 ||
        X509_STORE_CTX_set_default(context, "ssl_server") != 1 || X509_STORE_CTX_set_app_data(context, &chain) != 1)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a chain of certificates");
    X509_STORE_CTX_set_verify_cb(context, note_error);
    int verified = X509_verify_cert(context);
    int error = X509_STORE_CTX_get_error(context);
    chain.built = X509_STORE_CTX_get1_chain(context);
    ERR_clear_error();
    if (!chain.built)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a chain of certificates");
    chain.n = (size_t)sk_X509_num(chain.built);
    if (chain.n > HA_TLS_DEPTHS_MAX)
        chain.n = HA_TLS_DEPTHS_MAX;
    // An inner failure calls nobody.
    if (verified <= 0 && chain.errors[0] == X509_V_OK)
        chain.errors[0] = error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED;
    *ret_chain = chain;
    chain = (struct ha_tls_chain){0};
    return HA_OK;
}

static int place_of(STACK_OF(X509) * certificates, X509 *certificate)
{
    for (int i = 0; certificates && i < sk_X509_num(certificates); i++)
        if (X509_cmp(sk_X509_value(certificates, i), certificate) == 0)
            return i;
    return -1;
}

static bool issued(X509 *issuer, X509 *subject)
{
    // What the issuer may do is another question.
    int result = X509_check_issued(issuer, subject);
    return result == X509_V_OK || result == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
}

static void check_order(STACK_OF(X509) * sent, size_t n_sent, struct ha_findings *findings)
{
    int n = sk_X509_num(sent);
    ha_auto(ha_buf_clear) struct ha_buf name = {0};
    for (int i = 0; i + 1 < n; i++) {
        if (issued(sk_X509_value(sent, i + 1), sk_X509_value(sent, i)))
            continue;
        ha_tls_cert_name(&name, X509_get_subject_name(sk_X509_value(sent, i + 1)));
        ha_findings_add(findings, HA_FINDING_PROBLEM, "chain-order",
                        "Put the server's own certificate first into the file, after it the CA's that issued it, and "
                        "so on up; leave all others out.",
                        "wrong order: certificate %d, %s, isn't the issuer of the one before it", i + 1,
                        ha_buf_text(&name));
        return;
    }
    if (n_sent > (size_t)n)
        ha_findings_add(findings, HA_FINDING_PROBLEM, "chain-order", "Send what clients need, and no more.",
                        "%zu certificates were sent; only the first %d were looked at", n_sent, n);
    else
        ha_findings_add(findings, HA_FINDING_OK, "chain-order", NULL, "%d certificate%s sent, %s", n,
                        n == 1 ? " was" : "s were", n == 1 ? "the server's own" : "each one issued by the next");
}

static void check_root(STACK_OF(X509) * sent, struct ha_findings *findings)
{
    ha_auto(ha_buf_clear) struct ha_buf name = {0};
    for (int i = 1; i < sk_X509_num(sent); i++) {
        X509 *certificate = sk_X509_value(sent, i);
        if (!ha_tls_cert_is_self_signed(certificate))
            continue;
        ha_tls_cert_name(&name, X509_get_subject_name(certificate));
        ha_findings_add(findings, HA_FINDING_WARNING, "chain-root",
                        "Leave it out: clients that trust it have it, and others don't believe it when it is sent.",
                        "the root, %s, is sent, which nobody needs", ha_buf_text(&name));
        return;
    }
}

// " It can be fetched from URL." when the certificate says so.
static void put_where(X509 *certificate, struct ha_buf *out)
{
    ha_auto(AUTHORITY_INFO_ACCESS_free) AUTHORITY_INFO_ACCESS *access =
        X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
    ERR_clear_error();
    for (int i = 0; access && i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *item = sk_ACCESS_DESCRIPTION_value(access, i);
        if (OBJ_obj2nid(item->method) != NID_ad_ca_issuers || item->location->type != GEN_URI)
            continue;
        const ASN1_STRING *url = item->location->d.uniformResourceIdentifier;
        ha_buf_puts(out, " The certificate says that it can be fetched from ");
        ha_findings_tame(out, (const char *)ASN1_STRING_get0_data(url), (size_t)ASN1_STRING_length(url), URL_MAX);
        ha_buf_puts(out, " .");
        return;
    }
}

// The first certificate of the built chain that isn't a root and wasn't sent; NULL: none.
static X509 *not_sent(const struct ha_tls_chain *chain, STACK_OF(X509) * sent)
{
    for (size_t i = 1; i < chain->n; i++) {
        X509 *certificate = sk_X509_value(chain->built, (int)i);
        if (place_of(sent, certificate) < 0 && !ha_tls_cert_is_self_signed(certificate))
            return certificate;
    }
    return NULL;
}

static void report_missing(X509 *below, int n, bool was_trusted, struct ha_findings *findings)
{
    ha_auto(ha_buf_clear) struct ha_buf name = {0};
    ha_auto(ha_buf_clear) struct ha_buf remedy = {0};
    ha_tls_cert_name(&name, X509_get_issuer_name(below));
    ha_buf_printf(&remedy, "Put the certificate of %s behind the server's own into the file that the server sends.",
                  ha_buf_text(&name));
    put_where(below, &remedy);
    if (!was_trusted)
        ha_buf_puts(&remedy, " If it is a root, name it with --ca.");
    ha_findings_add(findings, HA_FINDING_PROBLEM, "chain-complete", ha_buf_text(&remedy),
                    "%s; the certificate of its issuer, %s, is missing%s",
                    n == 1 ? "only the server's own certificate was sent" : "the chain that was sent breaks off",
                    ha_buf_text(&name),
                    was_trusted ? " (here it is among the trusted ones, elsewhere it need not be)" : "");
}

static void check_complete(const struct ha_tls_chain *chain, STACK_OF(X509) * sent, struct ha_findings *findings)
{
    ha_auto(ha_buf_clear) struct ha_buf name = {0};
    int n = sk_X509_num(sent);
    X509 *top = sk_X509_value(chain->built, (int)chain->n - 1);
    X509 *missing = not_sent(chain, sent);
    bool ends_in_root = ha_tls_cert_is_self_signed(top);
    if (missing) {
        report_missing(sk_X509_value(chain->built, place_of(chain->built, missing) - 1), n, true, findings);
        return;
    }
    if (ends_in_root) {
        ha_findings_add(findings, HA_FINDING_OK, "chain-complete", NULL, "no certificate is missing up to the root");
        return;
    }
    if (chain->n == 1) {
        report_missing(top, n, false, findings);
        return;
    }
    // Whether the next one is a root that isn't trusted here, or one more between, can't be seen.
    ha_tls_cert_name(&name, X509_get_issuer_name(top));
    ha_findings_add(findings, HA_FINDING_WARNING, "chain-complete",
                    "Name the root with --ca FILE; if it is no root, the server has to send its certificate.",
                    "the chain goes up to %s, which was not sent and isn't known here as a root", ha_buf_text(&name));
}

void ha_tls_chain_check_sent(const struct ha_tls_chain *chain, STACK_OF(X509) * sent, size_t n_sent,
                             struct ha_findings *findings)
{
    check_order(sent, n_sent, findings);
    check_root(sent, findings);
    check_complete(chain, sent, findings);
}

static const char *remedy_of(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "Send the missing certificate, or name the root that clients trust with --ca FILE.";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "Name the root that clients trust with --ca FILE; if this is it, they have to be given it.";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "Have a new certificate issued and installed.";
    case X509_V_ERR_INVALID_PURPOSE:
        return "Have a certificate issued with the extended key usage serverAuth.";
    default:
        return "Have it issued anew by a CA that clients trust.";
    }
}

void ha_tls_chain_check_verified(const struct ha_tls_chain *chain, STACK_OF(X509) * sent, struct ha_findings *findings)
{
    for (size_t i = 0; i < chain->n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf name = {0};
        X509 *certificate = sk_X509_value(chain->built, (int)i);
        const char *from = place_of(sent, certificate) >= 0 ? "sent" : "trusted";
        int error = chain->errors[i];
        ha_tls_cert_name(&name, X509_get_subject_name(certificate));
        if (error == X509_V_OK)
            ha_findings_add(findings, HA_FINDING_OK, "verify", NULL, "depth %zu, %s (%s), verifies", i,
                            ha_buf_text(&name), from);
        else
            ha_findings_add(findings, HA_FINDING_PROBLEM, "verify", remedy_of(error), "depth %zu, %s (%s): %s", i,
                            ha_buf_text(&name), from, X509_verify_cert_error_string(error));
    }
}

void ha_tls_chain_put(const struct ha_tls_chain *chain, STACK_OF(X509) * sent, struct ha_buf *json)
{
    ha_jw_array(json, "verify");
    for (size_t i = 0; i < chain->n; i++) {
        ha_auto(ha_buf_clear) struct ha_buf name = {0};
        X509 *certificate = sk_X509_value(chain->built, (int)i);
        ha_tls_cert_name(&name, X509_get_subject_name(certificate));
        ha_jw_object(json, NULL);
        ha_jw_number(json, "depth", (int64_t)i);
        ha_jw_string(json, "subject", ha_buf_text(&name));
        ha_jw_bool(json, "sent", place_of(sent, certificate) >= 0);
        ha_jw_number(json, "error", chain->errors[i]);
        ha_jw_string(json, "reason", X509_verify_cert_error_string(chain->errors[i]));
        ha_jw_object_end(json);
    }
    ha_jw_array_end(json);
}
