// SPDX-License-Identifier: Apache-2.0
#include "format/cert_json.h"

#include "crypto/digest.h"
#include "crypto/ossl.h"
#include "crypto/pubkey.h"
#include "format/cert_words.h"
#include "format/csr_ext.h"
#include "format/csr_name.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

HA_AUTO_DEFINE(X509, X509_free)
HA_AUTO_DEFINE(ASN1_BIT_STRING, ASN1_BIT_STRING_free)
HA_AUTO_DEFINE(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
HA_AUTO_DEFINE(GENERAL_NAMES, GENERAL_NAMES_free)

#define KEY_USAGE_BITS 9

static void put_name(struct ha_buf *out, const char *member, const X509_NAME *name)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_cert_words_name(&text, name);
    out->failed = out->failed || text.failed;
    ha_jw_string(out, member, ha_buf_text(&text));
}

static void put_time(struct ha_buf *out, const char *member, const ASN1_TIME *time)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_cert_words_time(&text, time);
    ha_jw_string(out, member, ha_buf_text(&text));
}

static void put_serial(struct ha_buf *out, const X509 *certificate)
{
    ha_auto(BN_free) BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    ha_auto(ha_ossl_free_text) char *hex = number ? BN_bn2hex(number) : NULL;
    if (!hex) {
        out->failed = true;
        return;
    }
    for (char *at = hex; *at; at++)
        *at = (char)(*at >= 'A' && *at <= 'F' ? *at - 'A' + 'a' : *at);
    ha_jw_string(out, "serial", hex);
}

static void put_key(struct ha_buf *out, const X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    ha_auto(ha_ossl_free) unsigned char *spki = NULL;
    ha_auto(ha_pubkey_free) struct ha_pubkey *known = NULL;
    struct ha_err ignored = {0};
    char text[64] = "unknown";
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    if (n > 0 && ha_pubkey_from_spki(spki, (size_t)n, &known, &ignored) == HA_OK)
        snprintf(text, sizeof text, "%s", ha_key_type_info(ha_pubkey_type(known))->name);
    else if (key)
        snprintf(text, sizeof text, "%s, %d bits", OBJ_nid2sn(EVP_PKEY_get_id(key)), EVP_PKEY_get_bits(key));
    ha_jw_string(out, "key", text);
}

static void put_value(struct ha_buf *out, const char *member, const ASN1_STRING *value)
{
    ha_auto(ha_ossl_free) unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, value);
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    // A zero byte must not hide what follows it.
    for (int i = 0; i < n; i++)
        ha_buf_putc(&text, (char)(utf8[i] ? utf8[i] : '?'));
    ha_jw_string(out, member, ha_buf_text(&text));
}

static void put_subject(struct ha_buf *out, const X509_NAME *name)
{
    int rdn = -1;
    ha_jw_array(out, "subject");
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);
        const char *known = ha_csr_name_of(OBJ_obj2nid(type));
        char oid[80];
        OBJ_obj2txt(oid, sizeof oid, type, 1);
        if (X509_NAME_ENTRY_set(entry) != rdn) {
            if (i > 0)
                ha_jw_object_end(out);
            ha_jw_object(out, NULL);
            rdn = X509_NAME_ENTRY_set(entry);
        }
        put_value(out, known ? known : oid, X509_NAME_ENTRY_get_data(entry));
    }
    if (rdn >= 0)
        ha_jw_object_end(out);
    ha_jw_array_end(out);
}

static void put_alternative(struct ha_buf *out, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN] = "";
    if (name->type != GEN_IPADD) {
        put_value(out, NULL, name->d.ia5);
        return;
    }
    int n = ASN1_STRING_length(name->d.iPAddress);
    if (n == 4 || n == 16)
        inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), address, sizeof address);
    ha_jw_string(out, NULL, address);
}

static void put_alternatives(struct ha_buf *out, const X509 *certificate)
{
    static const struct {
        const char *member;
        int type;
    } kinds[] = {{"dns", GEN_DNS}, {"ip", GEN_IPADD}, {"uri", GEN_URI}, {"email", GEN_EMAIL}};
    ha_auto(GENERAL_NAMES_free) GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool any = false;
    for (size_t i = 0; i < HA_ARRAY_SIZE(kinds); i++) {
        bool begun = false;
        for (int j = 0; names && j < sk_GENERAL_NAME_num(names); j++) {
            const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, j);
            if (name->type != kinds[i].type)
                continue;
            if (!any)
                ha_jw_object(out, "san");
            if (!begun)
                ha_jw_array(out, kinds[i].member);
            any = begun = true;
            put_alternative(out, name);
        }
        if (begun)
            ha_jw_array_end(out);
    }
    if (any)
        ha_jw_object_end(out);
}

static void put_usages(struct ha_buf *out, const X509 *certificate)
{
    ha_auto(ASN1_BIT_STRING_free) ASN1_BIT_STRING *bits = X509_get_ext_d2i(certificate, NID_key_usage, NULL, NULL);
    ha_auto(EXTENDED_KEY_USAGE_free) EXTENDED_KEY_USAGE *extended =
        X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    if (bits) {
        ha_jw_array(out, "key_usage");
        for (int i = 0; i < KEY_USAGE_BITS; i++)
            if (ASN1_BIT_STRING_get_bit(bits, i))
                ha_jw_string(out, NULL, ha_csr_ext_key_usage_of(i));
        ha_jw_array_end(out);
    }
    if (!extended)
        return;
    ha_jw_array(out, "extended_key_usage");
    for (int i = 0; i < sk_ASN1_OBJECT_num(extended); i++) {
        const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(extended, i);
        const char *known = ha_csr_ext_extended_key_usage_of(OBJ_obj2nid(usage));
        char oid[80];
        OBJ_obj2txt(oid, sizeof oid, usage, 1);
        ha_jw_string(out, NULL, known ? known : oid);
    }
    ha_jw_array_end(out);
}

static enum ha_code put_hashes(struct ha_buf *out, const uint8_t *der, size_t n, struct ha_err *err)
{
    uint8_t hash[HA_DIGEST_MAX];
    if (ha_digest(HA_HASH_SHA256, der, n, hash, err))
        return err->code;
    ha_jw_hex(out, "sha256", hash, ha_hash_info(HA_HASH_SHA256)->len);
    ha_jw_bytes(out, "x5t_s256", hash, ha_hash_info(HA_HASH_SHA256)->len);
    return HA_OK;
}

enum ha_code ha_cert_json(struct ha_buf *out, const char *name, const uint8_t *der, size_t n, struct ha_err *err)
{
    const unsigned char *at = der;
    ha_auto(X509_free) X509 *certificate = d2i_X509(NULL, &at, (long)n);
    if (!certificate || at != der + n)
        return ha_ossl_fail(err, HA_E_MALFORMED, "what should be a certificate isn't one");
    X509_NAME *subject = X509_get_subject_name(certificate), *issuer = X509_get_issuer_name(certificate);
    ha_jw_object(out, name);
    put_name(out, "subject", subject);
    put_name(out, "issuer", issuer);
    put_serial(out, certificate);
    put_time(out, "not_before", X509_get0_notBefore(certificate));
    put_time(out, "not_after", X509_get0_notAfter(certificate));
    if (put_hashes(out, der, n, err))
        return err->code;
    put_key(out, certificate);
    ha_jw_string(out, "signature", OBJ_nid2ln(X509_get_signature_nid(certificate)));
    ha_jw_bool(out, "self_issued", X509_NAME_cmp(subject, issuer) == 0);
    ha_jw_bool(out, "ca", X509_check_ca(certificate) == 1);
    ha_jw_object(out, "request");
    put_subject(out, subject);
    put_alternatives(out, certificate);
    put_usages(out, certificate);
    ha_jw_object_end(out);
    ha_jw_object_end(out);
    ERR_clear_error();
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}
