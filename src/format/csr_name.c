// SPDX-License-Identifier: Apache-2.0
// Subjects: the attribute types, their encodings and upper bounds (RFC 5280 appendix A.1, X.520), and the name itself.
#include "format/csr_name.h"

#include "format/csr.h"
#include "format/csr_text.h"

#include <openssl/objects.h>
#include <string.h>

#define RDNS_MAX       32
#define ATTRIBUTES_MAX 16    // in one RDN
#define UNLISTED_MAX   1024  // characters of a value whose type has no row

// name, NID, ASN.1 string type, most characters
#define HA_CSR_ATTRIBUTES(ROW)                                                                                         \
    ROW("C", NID_countryName, V_ASN1_PRINTABLESTRING, 2)                                                               \
    ROW("ST", NID_stateOrProvinceName, V_ASN1_UTF8STRING, 128)                                                         \
    ROW("L", NID_localityName, V_ASN1_UTF8STRING, 128)                                                                 \
    ROW("street", NID_streetAddress, V_ASN1_UTF8STRING, 128)                                                           \
    ROW("postalCode", NID_postalCode, V_ASN1_UTF8STRING, 40)                                                           \
    ROW("O", NID_organizationName, V_ASN1_UTF8STRING, 64)                                                              \
    ROW("OU", NID_organizationalUnitName, V_ASN1_UTF8STRING, 64)                                                       \
    ROW("organizationIdentifier", NID_organizationIdentifier, V_ASN1_UTF8STRING, 256)                                  \
    ROW("businessCategory", NID_businessCategory, V_ASN1_UTF8STRING, 128)                                              \
    ROW("jurisdictionC", NID_jurisdictionCountryName, V_ASN1_PRINTABLESTRING, 2)                                       \
    ROW("jurisdictionST", NID_jurisdictionStateOrProvinceName, V_ASN1_UTF8STRING, 128)                                 \
    ROW("jurisdictionL", NID_jurisdictionLocalityName, V_ASN1_UTF8STRING, 128)                                         \
    ROW("CN", NID_commonName, V_ASN1_UTF8STRING, 64)                                                                   \
    ROW("serialNumber", NID_serialNumber, V_ASN1_PRINTABLESTRING, 64)                                                  \
    ROW("UID", NID_userId, V_ASN1_UTF8STRING, 256)                                                                     \
    ROW("title", NID_title, V_ASN1_UTF8STRING, 64)                                                                     \
    ROW("givenName", NID_givenName, V_ASN1_UTF8STRING, 64)                                                             \
    ROW("surname", NID_surname, V_ASN1_UTF8STRING, 64)                                                                 \
    ROW("pseudonym", NID_pseudonym, V_ASN1_UTF8STRING, 128)                                                            \
    ROW("dnQualifier", NID_dnQualifier, V_ASN1_PRINTABLESTRING, 64)                                                    \
    ROW("description", NID_description, V_ASN1_UTF8STRING, 1024)                                                       \
    ROW("emailAddress", NID_pkcs9_emailAddress, V_ASN1_IA5STRING, 255)                                                 \
    ROW("DC", NID_domainComponent, V_ASN1_IA5STRING, 63)

struct attribute {
    const char *name;
    int nid;
    int string_type;
    size_t max;
};

#define AS_ROW(name_, nid_, type_, max_)  {name_, nid_, type_, max_},
#define AS_NAME(name_, nid_, type_, max_) name_,
static const struct attribute attributes[] = {HA_CSR_ATTRIBUTES(AS_ROW)};
static const char *const attribute_names[] = {HA_CSR_ATTRIBUTES(AS_NAME) NULL};

const char *const *ha_csr_attributes(void)
{
    return attribute_names;
}

static const struct attribute *attribute_by_name(const char *name)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(attributes); i++)
        if (strcmp(attributes[i].name, name) == 0)
            return &attributes[i];
    return NULL;
}

static const struct attribute *attribute_by_nid(int nid)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(attributes); i++)
        if (nid != NID_undef && attributes[i].nid == nid)
            return &attributes[i];
    return NULL;
}

const char *ha_csr_name_of(int nid)
{
    const struct attribute *row = attribute_by_nid(nid);
    return row ? row->name : NULL;
}

static size_t characters(const char *utf8)
{
    size_t n = 0;
    for (; *utf8; utf8++)
        n += ((unsigned char)*utf8 & 0xc0) != 0x80;
    return n;
}

static bool is_country(const char *text)
{
    return strlen(text) == 2 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2;
}

static bool is_printable_string(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?";
    return strspn(text, allowed) == strlen(text);
}

static enum ha_code check_value(const char *name, const struct attribute *row, const char *text, struct ha_err *err)
{
    if (!text) {
        ha_fail(err, HA_E_MALFORMED, "the value of %s isn't a string", name);
        return ha_hint(err, "Give one string; a further value of the same type is an RDN of its own.");
    }
    if (!*text)
        return ha_fail(err, HA_E_MALFORMED, "the value of %s is empty", name);
    if (ha_csr_text_has_control(text))
        return ha_fail(err, HA_E_MALFORMED, "the value of %s holds control characters", name);
    size_t n = characters(text), max = row ? row->max : UNLISTED_MAX;
    if (row && (row->nid == NID_countryName || row->nid == NID_jurisdictionCountryName) && !is_country(text)) {
        ha_fail(err, HA_E_MALFORMED, "the value of %s isn't a country code", name);
        return ha_hint(err, "Give the two upper-case letters of ISO 3166, such as AE or GB.");
    }
    if (n > max) {
        ha_fail(err, HA_E_MALFORMED, "the value of %s has %zu characters", name, n);
        return ha_hint(err, "Give at most %zu characters.", max);
    }
    if (row && row->string_type == V_ASN1_PRINTABLESTRING && !is_printable_string(text)) {
        ha_fail(err, HA_E_MALFORMED, "the value of %s has characters that a PrintableString hasn't", name);
        return ha_hint(err, "Use letters A-Z and a-z, digits, space and '()+,-./:=? only.");
    }
    if (row && row->string_type == V_ASN1_IA5STRING && !ha_csr_text_is_ascii(text)) {
        ha_fail(err, HA_E_MALFORMED, "the value of %s isn't ASCII", name);
        return ha_hint(err, "Write international domain names as A-labels (xn--...).");
    }
    return HA_OK;
}

// X.501: an RDN is a set of values of different types.
static bool rdn_has(const X509_NAME *name, int rdn, const ASN1_OBJECT *object)
{
    for (int i = X509_NAME_entry_count(name) - 1; i >= 0; i--) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        if (X509_NAME_ENTRY_set(entry) != rdn)
            return false;
        if (OBJ_cmp(X509_NAME_ENTRY_get_object(entry), object) == 0)
            return true;
    }
    return false;
}

static enum ha_code add_attribute(const ha_json *member, int rdn, bool first, X509_NAME *name, struct ha_err *err)
{
    const char *type = ha_json_name(member), *text = ha_json_string(member);
    const struct attribute *row = attribute_by_name(type);
    ha_auto(ASN1_OBJECT_free) ASN1_OBJECT *object = row ? OBJ_nid2obj(row->nid) : ha_csr_text_oid(type);
    if (!object) {
        ha_fail(err, HA_E_UNKNOWN_MEMBER, "there is no attribute type \"%.64s\"", type);
        return ha_hint(err, "Use C, ST, L, O, OU, CN, serialNumber, emailAddress, ... or a dotted OID.");
    }
    if (!row)
        row = attribute_by_nid(OBJ_obj2nid(object));
    enum ha_code code = check_value(row ? row->name : type, row, text, err);
    if (code)
        return code;
    if (!first && rdn_has(name, rdn, object)) {
        ha_fail(err, HA_E_MALFORMED, "the type %s occurs twice in one RDN", row ? row->name : type);
        return ha_hint(err, "Make the second value an RDN of its own.");
    }
    int string_type = row ? row->string_type : V_ASN1_UTF8STRING;
    ha_auto(X509_NAME_ENTRY_free) X509_NAME_ENTRY *entry =
        X509_NAME_ENTRY_create_by_OBJ(NULL, object, string_type, (const unsigned char *)text, (int)strlen(text));
    // -1 adds to the RDN before, 0 opens a new one.
    if (!entry || !X509_NAME_add_entry(name, entry, -1, first ? 0 : -1))
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a subject");
    return HA_OK;
}

static enum ha_code add_rdn(const ha_json *json, int rdn, X509_NAME *name, struct ha_err *err)
{
    if (ha_json_type(json) != HA_JSON_OBJECT || ha_json_size(json) == 0 || ha_json_size(json) > ATTRIBUTES_MAX) {
        ha_fail(err, HA_E_MALFORMED, "an RDN is an object of 1 to %d members", ATTRIBUTES_MAX);
        ha_hint(err, "Write it like {\"O\": \"Acme\"}.");
        return ha_at(err, "/subject/%d", rdn);
    }
    bool first = true;
    for (const ha_json *member = ha_json_first(json); member; member = ha_json_next(member)) {
        enum ha_code code = add_attribute(member, rdn, first, name, err);
        if (code) {
            ha_auto(ha_buf_clear) struct ha_buf pointer = {0};
            ha_csr_text_pointer(&pointer, ha_json_name(member));
            ha_at(err, "/subject/%d%s", rdn, ha_buf_text(&pointer));
            return code;
        }
        first = false;
    }
    return HA_OK;
}

enum ha_code ha_csr_name_build(const ha_json *subject, X509_NAME **ret_name, struct ha_err *err)
{
    ha_auto(X509_NAME_free) X509_NAME *name = X509_NAME_new();
    if (!name)
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for a subject");
    if (subject && (ha_json_type(subject) != HA_JSON_ARRAY || ha_json_size(subject) > RDNS_MAX)) {
        ha_fail(err, HA_E_MALFORMED, "the subject is a list of at most %d RDNs", RDNS_MAX);
        ha_hint(err,
                "Write it in the certificate's order, like [{\"C\": \"AE\"}, {\"O\": \"Acme\"}, {\"CN\": \"edge\"}].");
        return ha_at(err, "/subject");
    }
    int rdn = 0;
    for (const ha_json *item = subject ? ha_json_first(subject) : NULL; item; item = ha_json_next(item), rdn++) {
        enum ha_code code = add_rdn(item, rdn, name, err);
        if (code)
            return code;
    }
    *ret_name = ha_take(&name);
    return HA_OK;
}
