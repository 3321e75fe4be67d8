// SPDX-License-Identifier: Apache-2.0
// Key usage, extended key usage and alternative names as X.509 extensions (RFC 5280 section 4.2.1).
#include "format/csr_ext.h"

#include "format/csr_san.h"
#include "format/csr_text.h"

#include <openssl/objects.h>
#include <string.h>

#define USAGES_MAX 100

HA_AUTO_DEFINE(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)

// name, bit of the KeyUsage. X.509 renamed nonRepudiation; both names are the same bit.
#define HA_CSR_KEY_USAGES(ROW)                                                                                         \
    ROW("digitalSignature", 0)                                                                                         \
    ROW("nonRepudiation", 1)                                                                                           \
    ROW("contentCommitment", 1)                                                                                        \
    ROW("keyEncipherment", 2)                                                                                          \
    ROW("dataEncipherment", 3)                                                                                         \
    ROW("keyAgreement", 4)                                                                                             \
    ROW("keyCertSign", 5)                                                                                              \
    ROW("cRLSign", 6)                                                                                                  \
    ROW("encipherOnly", 7)                                                                                             \
    ROW("decipherOnly", 8)

// name, NID
#define HA_CSR_EXTENDED_KEY_USAGES(ROW)                                                                                \
    ROW("serverAuth", NID_server_auth)                                                                                 \
    ROW("clientAuth", NID_client_auth)                                                                                 \
    ROW("codeSigning", NID_code_sign)                                                                                  \
    ROW("emailProtection", NID_email_protect)                                                                          \
    ROW("timeStamping", NID_time_stamp)                                                                                \
    ROW("OCSPSigning", NID_OCSP_sign)                                                                                  \
    ROW("anyExtendedKeyUsage", NID_anyExtendedKeyUsage)

struct usage {
    const char *name;
    int value;
};

#define AS_ROW(name_, value_)  {name_, value_},
#define AS_NAME(name_, value_) name_,
static const struct usage key_usages[] = {HA_CSR_KEY_USAGES(AS_ROW)};
static const char *const key_usage_names[] = {HA_CSR_KEY_USAGES(AS_NAME) NULL};
static const struct usage extended_key_usages[] = {HA_CSR_EXTENDED_KEY_USAGES(AS_ROW)};
static const char *const extended_key_usage_names[] = {HA_CSR_EXTENDED_KEY_USAGES(AS_NAME) NULL};

const char *const *ha_csr_key_usages(void)
{
    return key_usage_names;
}

const char *const *ha_csr_extended_key_usages(void)
{
    return extended_key_usage_names;
}

static const struct usage *usage_by_name(const struct usage *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static const char *name_of(const struct usage *rows, size_t n, int value)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].value == value)
            return rows[i].name;
    return NULL;
}

const char *ha_csr_ext_key_usage_of(int bit)
{
    return name_of(key_usages, HA_ARRAY_SIZE(key_usages), bit);
}

const char *ha_csr_ext_extended_key_usage_of(int nid)
{
    return nid == NID_undef ? NULL : name_of(extended_key_usages, HA_ARRAY_SIZE(extended_key_usages), nid);
}

static enum ha_code check_list(const ha_json *list, const char *member, struct ha_err *err)
{
    if (ha_json_type(list) == HA_JSON_ARRAY && ha_json_size(list) > 0 && ha_json_size(list) <= USAGES_MAX)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "\"%s\" is a list of 1 to %d strings", member, USAGES_MAX);
    ha_hint(err, "Leave the member out when there is nothing to ask for.");
    return ha_at(err, "/%s", member);
}

static enum ha_code fail_at(struct ha_err *err, const char *member, size_t index, const char *cause, const char *hint)
{
    ha_fail(err, HA_E_MALFORMED, "%s", cause);
    ha_hint(err, "%s", hint);
    return ha_at(err, "/%s/%zu", member, index);
}

static enum ha_code add_extension(ha_csr_extensions **extensions, int nid, void *value, bool critical,
                                  struct ha_err *err)
{
    if (X509V3_add1_i2d(extensions, nid, value, critical, X509V3_ADD_DEFAULT) != 1)
        return ha_ossl_fail(err, HA_E_INTERNAL, "encoding an extension");
    return HA_OK;
}

static enum ha_code add_key_usage(const ha_json *list, ha_csr_extensions **extensions, struct ha_err *err)
{
    static const char member[] = "key_usage";
    enum ha_code code = check_list(list, member, err);
    if (code)
        return code;
    ha_auto(ASN1_STRING_free) ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    if (!bits)
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a key usage");
    size_t index = 0;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item), index++) {
        const char *name = ha_json_string(item);
        const struct usage *row = name ? usage_by_name(key_usages, HA_ARRAY_SIZE(key_usages), name) : NULL;
        if (!row)
            return fail_at(err, member, index, "there is no such key usage",
                           "Use the names of RFC 5280: digitalSignature, keyEncipherment, keyAgreement, ...");
        if (ASN1_BIT_STRING_get_bit(bits, row->value))
            return fail_at(err, member, index, "the key usage is asked for twice", "Leave the second one out.");
        if (!ASN1_BIT_STRING_set_bit(bits, row->value, 1))
            return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a key usage");
    }
    return add_extension(extensions, NID_key_usage, bits, true, err);
}

static bool has_object(const EXTENDED_KEY_USAGE *usages, const ASN1_OBJECT *object)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        if (OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), object) == 0)
            return true;
    return false;
}

static enum ha_code add_extended_key_usage(const ha_json *list, ha_csr_extensions **extensions, struct ha_err *err)
{
    static const char member[] = "extended_key_usage";
    enum ha_code code = check_list(list, member, err);
    if (code)
        return code;
    ha_auto(EXTENDED_KEY_USAGE_free) EXTENDED_KEY_USAGE *usages = EXTENDED_KEY_USAGE_new();
    if (!usages)
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for an extended key usage");
    size_t index = 0;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item), index++) {
        const char *name = ha_json_string(item);
        const struct usage *row =
            name ? usage_by_name(extended_key_usages, HA_ARRAY_SIZE(extended_key_usages), name) : NULL;
        ha_auto(ASN1_OBJECT_free) ASN1_OBJECT *object = row    ? OBJ_nid2obj(row->value)
                                                        : name ? ha_csr_text_oid(name)
                                                               : NULL;
        if (!object)
            return fail_at(err, member, index, "there is no such extended key usage",
                           "Use serverAuth, clientAuth, codeSigning, emailProtection, ... or a dotted OID.");
        if (has_object(usages, object))
            return fail_at(err, member, index, "the extended key usage is asked for twice",
                           "Leave the second one out.");
        if (!sk_ASN1_OBJECT_push(usages, object))
            return ha_ossl_fail(err, HA_E_MEMORY, "no memory for an extended key usage");
        (void)ha_take(&object);  // usages owns it now
    }
    return add_extension(extensions, NID_ext_key_usage, usages, false, err);
}

static enum ha_code add_san(const ha_json *san, bool critical, ha_csr_extensions **extensions, struct ha_err *err)
{
    ha_auto(GENERAL_NAMES_free) GENERAL_NAMES *names = NULL;
    enum ha_code code = ha_csr_san_build(san, &names, err);
    if (code)
        return code;
    return add_extension(extensions, NID_subject_alt_name, names, critical, err);
}

enum ha_code ha_csr_ext_build(const struct ha_csr_request *request, bool subject_empty,
                              ha_csr_extensions **ret_extensions, struct ha_err *err)
{
    ha_auto(ha_csr_ext_free) ha_csr_extensions *extensions = NULL;
    enum ha_code code = HA_OK;
    if (request->san)
        code = add_san(request->san, subject_empty, &extensions, err);
    if (!code && request->key_usage)
        code = add_key_usage(request->key_usage, &extensions, err);
    if (!code && request->extended_key_usage)
        code = add_extended_key_usage(request->extended_key_usage, &extensions, err);
    if (!code)
        *ret_extensions = ha_take(&extensions);
    return code;
}
