// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_cert.h"

#include "base/json.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>
#include <time.h>

enum {
    SANS_MAX = 20,  // names that are shown
    WARN_DAYS = 30,
    RSA_BITS_MIN = 2048,
    EC_BITS_MIN = 256,
};

bool ha_tls_cert_is_self_signed(X509 *certificate)
{
    return X509_check_issued(certificate, certificate) == X509_V_OK;
}

void ha_tls_cert_name(struct ha_buf *out, const X509_NAME *name)
{
    ha_auto(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    // Names may be in any alphabet, so bytes over 127 stay.
    const unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    long n = 0;
    if (bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0)
        n = BIO_get_mem_data(bio, &text);
    ERR_clear_error();
    if (n > 0)
        ha_findings_tame(out, text, (size_t)n, HA_TLS_NAME_TEXT_MAX);
    else
        ha_buf_puts(out, X509_NAME_entry_count(name) == 0 ? "(empty name)" : "(unreadable name)");
}

// Appends a name of the kinds that servers have; false for others.
static bool put_san(struct ha_buf *out, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN];
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    if (kind != GEN_DNS && kind != GEN_IPADD)
        return false;
    int n = ASN1_STRING_length(value);
    const char *bytes = (const char *)ASN1_STRING_get0_data(value);
    if (kind == GEN_DNS)
        ha_findings_tame(out, bytes, (size_t)n, HA_TLS_NAME_TEXT_MAX);
    else if ((n == 4 || n == 16) && inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, address, sizeof address))
        ha_buf_puts(out, address);
    else
        ha_buf_puts(out, "?");
    return true;
}

static void put_sans(struct ha_buf *text, struct ha_buf *json, X509 *certificate)
{
    ha_auto(GENERAL_NAMES_free) GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int n = names ? sk_GENERAL_NAME_num(names) : 0;
    unsigned shown = 0;
    ERR_clear_error();
    for (int i = 0; i < n && shown < SANS_MAX; i++) {
        ha_auto(ha_buf_clear) struct ha_buf one = {0};
        if (!put_san(&one, sk_GENERAL_NAME_value(names, i)))
            continue;
        shown++;
        if (json)
            ha_jw_string(json, NULL, ha_buf_text(&one));
        if (text)
            ha_buf_printf(text, "%s%s", shown > 1 ? ", " : "", ha_buf_text(&one));
    }
    if (text && shown == SANS_MAX)
        ha_buf_puts(text, ", ...");
    if (text && shown == 0)
        ha_buf_puts(text, "no name");
}

static void check_name(X509 *certificate, const char *name, struct ha_findings *findings)
{
    ha_auto(ha_buf_clear) struct ha_buf names = {0};
    const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    struct in6_addr address;
    bool is_address = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
    int fits =
        is_address ? X509_check_ip_asc(certificate, name, flags) : X509_check_host(certificate, name, 0, flags, NULL);
    ERR_clear_error();
    put_sans(&names, NULL, certificate);
    if (fits == 1)
        ha_findings_add(findings, HA_FINDING_OK, "name", NULL, "the certificate is for %s", name);
    else
        ha_findings_add(findings, HA_FINDING_PROBLEM, "name",
                        "Have a certificate issued with this name as subjectAltName, or check by the name that clients "
                        "use with --servername NAME; the CN doesn't count.",
                        "the certificate isn't for %s; its subjectAltName has %s", name, ha_buf_text(&names));
}

// Whole days until time, negative after it; INT_MIN when it can't be read.
static int days_until(const ASN1_TIME *when)
{
    int days, seconds;
    if (!ASN1_TIME_diff(&days, &seconds, NULL, when))
        return INT_MIN;
    return days == 0 && seconds < 0 ? -1 : days;
}

static const char *whose(int at)
{
    return at == 0 ? "the server's certificate" : "the CA's certificate";
}

static void check_dates(X509 *certificate, int at, struct ha_findings *findings)
{
    const char *remedy = at == 0 ? "Have a new certificate issued and installed."
                                 : "Install the CA's newer certificate, or have the server's issued by another CA.";
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    int left = days_until(X509_get0_notAfter(certificate));
    ha_tls_cert_name(&subject, X509_get_subject_name(certificate));
    const char *name = ha_buf_text(&subject);
    if (left == INT_MIN)
        ha_findings_add(findings, HA_FINDING_PROBLEM, "expiry", remedy, "%s, %s, has dates that can't be read",
                        whose(at), name);
    else if (left < 0)
        ha_findings_add(findings, HA_FINDING_PROBLEM, "expiry", remedy, "%s, %s, expired %d day%s ago", whose(at), name,
                        -left, left == -1 ? "" : "s");
    else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        ha_findings_add(findings, HA_FINDING_PROBLEM, "expiry", "Check the clocks, here and where it was issued.",
                        "%s, %s, isn't valid yet", whose(at), name);
    else if (left < WARN_DAYS)
        ha_findings_add(findings, HA_FINDING_WARNING, "expiry", remedy, "%s, %s, expires in %d day%s", whose(at), name,
                        left, left == 1 ? "" : "s");
    else
        ha_findings_add(findings, HA_FINDING_OK, "expiry", NULL, "%s, %s, is valid for %d days more", whose(at), name,
                        left);
}

// "RSA, 2048 bits"; whether it is strong enough.
static bool describe_key(X509 *certificate, struct ha_buf *out)
{
    char group[32];
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    ERR_clear_error();
    if (!key) {
        ha_buf_puts(out, "a key that can't be read");
        return false;
    }
    int bits = EVP_PKEY_get_bits(key);
    const char *type = EVP_PKEY_get0_type_name(key);
    if (EVP_PKEY_is_a(key, "EC")) {
        bool named = EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1;
        ha_buf_printf(out, "EC, %s, %d bits", named ? group : "a curve without a name", bits);
        ERR_clear_error();
        return named && bits >= EC_BITS_MIN;
    }
    ha_buf_printf(out, "%s, %d bits", type ? type : "?", bits);
    return (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
               ? bits >= RSA_BITS_MIN
               : EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
}

static void check_key(X509 *certificate, int at, struct ha_findings *findings)
{
    ha_auto(ha_buf_clear) struct ha_buf key = {0};
    bool strong = describe_key(certificate, &key);
    if (strong && at > 0)
        return;
    ha_findings_add(findings, strong ? HA_FINDING_OK : HA_FINDING_PROBLEM, "key",
                    strong ? NULL : "Take a key of RSA with 2048 bits or more, or of EC on P-256 or more.",
                    "%s has %s%s", whose(at), ha_buf_text(&key), strong ? "" : ", which is too weak or unusual");
}

static const char *signature_name(X509 *certificate)
{
    int nid = X509_get_signature_nid(certificate);
    return nid == NID_undef ? "an unknown algorithm" : OBJ_nid2ln(nid);
}

static void check_signature(X509 *certificate, int at, struct ha_findings *findings)
{
    int hash = NID_undef;
    if (at > 0 && ha_tls_cert_is_self_signed(certificate))
        return;  // a root is believed for its own sake
    bool known = X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) == 1;
    ERR_clear_error();
    bool weak = !known || hash == NID_md5 || hash == NID_sha1 || hash == NID_md4 || hash == NID_md2;
    if (!weak && at > 0)
        return;
    ha_findings_add(findings, weak ? HA_FINDING_PROBLEM : HA_FINDING_OK, "signature",
                    weak ? "Have it issued anew with SHA-256 or better." : NULL, "%s is signed with %s%s", whose(at),
                    signature_name(certificate), weak ? ", which isn't trusted any more or unknown" : "");
}

void ha_tls_cert_check(STACK_OF(X509) * sent, const char *name, struct ha_findings *findings)
{
    int n = sk_X509_num(sent);
    if (name && n > 0)
        check_name(sk_X509_value(sent, 0), name, findings);
    for (int i = 0; i < n; i++)
        check_dates(sk_X509_value(sent, i), i, findings);
    for (int i = 0; i < n; i++)
        check_key(sk_X509_value(sent, i), i, findings);
    for (int i = 0; i < n; i++)
        check_signature(sk_X509_value(sent, i), i, findings);
}

static void put_time(struct ha_buf *json, const char *member, const ASN1_TIME *when)
{
    char text[32];
    struct tm tm;
    if (ASN1_TIME_to_tm(when, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
        ha_jw_string(json, member, text);
    else
        ha_jw_null(json, member);
}

static void put_one(X509 *certificate, struct ha_buf *json)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    int left = days_until(X509_get0_notAfter(certificate));
    ha_jw_object(json, NULL);
    ha_tls_cert_name(&text, X509_get_subject_name(certificate));
    ha_jw_string(json, "subject", ha_buf_text(&text));
    ha_buf_reset(&text);
    ha_tls_cert_name(&text, X509_get_issuer_name(certificate));
    ha_jw_string(json, "issuer", ha_buf_text(&text));
    ha_jw_bool(json, "self_signed", ha_tls_cert_is_self_signed(certificate));
    put_time(json, "not_before", X509_get0_notBefore(certificate));
    put_time(json, "not_after", X509_get0_notAfter(certificate));
    if (left == INT_MIN)
        ha_jw_null(json, "days_left");
    else
        ha_jw_number(json, "days_left", left);
    ha_buf_reset(&text);
    describe_key(certificate, &text);
    ha_jw_string(json, "key", ha_buf_text(&text));
    ha_jw_string(json, "signature", signature_name(certificate));
    ha_jw_array(json, "names");
    put_sans(NULL, json, certificate);
    ha_jw_array_end(json);
    ha_jw_object_end(json);
}

void ha_tls_cert_put(STACK_OF(X509) * sent, struct ha_buf *json)
{
    ha_jw_array(json, "chain");
    for (int i = 0; sent && i < sk_X509_num(sent); i++)
        put_one(sk_X509_value(sent, i), json);
    ha_jw_array_end(json);
}
