// SPDX-License-Identifier: Apache-2.0
#include "format/chain_judge.h"

#include "crypto/ossl.h"
#include "format/cert_words.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SOON_DAYS     30
#define SECURITY_BITS 112  // as NIST SP 800-57 counts: RSA-2048, P-224, SHA-224; SHA-1 has 63 at most

static enum ha_code refuse(const X509 *certificate, struct ha_err *err, const char *reason, const char *remedy)
{
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    ha_cert_words_name(&subject, X509_get_subject_name(certificate));
    ha_fail(err, HA_E_CERTIFICATE, "the certificate of \"%.180s\" %s", ha_buf_text(&subject), reason);
    return ha_hint(err, "%s", remedy);
}

// MD5 and SHA-1 can be collided: whoever has the CA sign one certificate may have got another one with it.
static enum ha_code check_strength(X509 *certificate, struct ha_err *err)
{
    int bits = 0;
    EVP_PKEY *own = X509_get0_pubkey(certificate);
    bool known = X509_get_signature_info(certificate, NULL, NULL, &bits, NULL) == 1;
    ERR_clear_error();
    if (!own || EVP_PKEY_get_security_bits(own) < SECURITY_BITS)
        return refuse(certificate, err, "has a key that is too weak, or that nobody knows",
                      "ask the CA for a chain with RSA keys of 2048 bits and more, or elliptic curves from P-256 on");
    if (!known || bits < SECURITY_BITS) {
        char reason[120];
        snprintf(reason, sizeof reason, "is signed with %s, which is too weak",
                 OBJ_nid2ln(X509_get_signature_nid(certificate)));
        return refuse(certificate, err, reason, "ask the CA for one that is signed with SHA-256 or better");
    }
    return HA_OK;
}

static enum ha_code check_dates(X509 *own, time_t now, struct ha_chain_notes *notes, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf from = {0}, until = {0};
    const ASN1_TIME *begin = X509_get0_notBefore(own), *end = X509_get0_notAfter(own);
    ha_cert_words_time(&from, begin);
    ha_cert_words_time(&until, end);
    int begun = ASN1_TIME_cmp_time_t(begin, now), ended = ASN1_TIME_cmp_time_t(end, now);
    if (begun == -2 || ended == -2)
        return refuse(own, err, "has a date that is none", "ask the CA for another one");
    if (ended < 0) {
        char reason[64];
        snprintf(reason, sizeof reason, "expired on %s", ha_buf_text(&until));
        return refuse(own, err, reason, "ask the CA for a new one; `hsm-agent csr` makes the request");
    }
    if (begun > 0)
        ha_chain_note(notes, "not-yet-valid", "peers refuse it before %s", ha_buf_text(&from));
    if (ASN1_TIME_cmp_time_t(end, now + (time_t)SOON_DAYS * 24 * 60 * 60) < 0)
        ha_chain_note(notes, "expires-soon", "it expires on %s, in less than %d days", ha_buf_text(&until), SOON_DAYS);
    return HA_OK;
}

// What has to be among the key usages for each of the purposes, if there are key usages at all.
static void note_usages(X509 *own, unsigned purposes, struct ha_chain_notes *notes)
{
    static const struct {
        unsigned purposes;
        uint32_t usage, extended;
        const char *names;
    } wanted[] = {
        {HA_PURPOSE_SIGN, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, 0, "digitalSignature"},
        {HA_PURPOSES_TLS, KU_DIGITAL_SIGNATURE, 0, "digitalSignature"},
        {HA_PURPOSE_DECRYPT, KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT, 0, "keyEncipherment"},
        {HA_PURPOSE_DERIVE, KU_KEY_AGREEMENT, 0, "keyAgreement"},
        {HA_PURPOSE_TLS_SERVER, 0, XKU_SSL_SERVER, "serverAuth"},
        {HA_PURPOSE_TLS_CLIENT, 0, XKU_SSL_CLIENT, "clientAuth"},
    };
    uint32_t usage = X509_get_key_usage(own), extended = X509_get_extended_key_usage(own);
    for (size_t i = 0; i < HA_ARRAY_SIZE(wanted); i++) {
        char purpose[HA_PURPOSES_TEXT_MAX];
        bool fits = wanted[i].usage ? usage & wanted[i].usage : extended & (wanted[i].extended | XKU_ANYEKU);
        if (!(purposes & wanted[i].purposes) || fits)
            continue;
        ha_purposes_print(purposes & wanted[i].purposes, purpose, sizeof purpose);
        ha_chain_note(notes, "usage", "the key is for %s, but the certificate's %s don't have %s: peers may refuse it",
                      purpose, wanted[i].usage ? "key usages" : "extended key usages", wanted[i].names);
    }
}

static bool has_server_name(const X509 *own)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(own, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;
        found = type == GEN_DNS || type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found;
}

enum ha_code ha_chain_judge_own(X509 *certificate, unsigned purposes, time_t now, struct ha_chain_notes *notes,
                                struct ha_err *err)
{
    uint32_t flags = X509_get_extension_flags(certificate);
    bool self_signed = X509_self_signed(certificate, 1) == 1;
    ERR_clear_error();
    if (check_dates(certificate, now, notes, err) || check_strength(certificate, err))
        return err->code;
    if (flags & EXFLAG_INVALID)
        return refuse(certificate, err, "has an extension that can't be read", "ask the CA for another one");
    if (flags & EXFLAG_CRITICAL)
        return refuse(certificate, err, "has an extension that is critical and that peers won't know",
                      "ask the CA for one without it");
    if (X509_check_ca(certificate) == 1 && !self_signed)
        return refuse(certificate, err, "is a certificate authority's",
                      "ask the CA for one without CA:TRUE: a key that is for messages or TLS issues nothing");
    if (self_signed)
        ha_chain_note(notes, "self-signed",
                      "it is signed by its own key: only who has this very certificate trusts it");
    if ((purposes & HA_PURPOSE_TLS_SERVER) && !has_server_name(certificate))
        ha_chain_note(notes, "no-names", "it has no DNS name or address (subjectAltName), so no client connects to it");
    note_usages(certificate, purposes, notes);
    return HA_OK;
}

enum ha_code ha_chain_judge_issuer(X509 *issuer, const X509 *own, struct ha_chain_notes *notes, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf subject = {0}, until = {0};
    if (check_strength(issuer, err))
        return err->code;
    if (ASN1_TIME_compare(X509_get0_notAfter(issuer), X509_get0_notAfter(own)) >= 0)
        return HA_OK;
    ha_cert_words_name(&subject, X509_get_subject_name(issuer));
    ha_cert_words_time(&until, X509_get0_notAfter(issuer));
    ha_chain_note(notes, "issuer-expires-first", "its issuer's certificate, \"%.160s\", ends before it, on %s",
                  ha_buf_text(&subject), ha_buf_text(&until));
    return HA_OK;
}
