// SPDX-License-Identifier: Apache-2.0
// Alternative names: what a DNS name, address, URI or mail address may look like, and their ASN.1. The values are put
// into the structures as they are; no text is ever interpreted by OpenSSL's configuration syntax.
#include "format/csr_san.h"

#include "format/csr_text.h"

#include <arpa/inet.h>
#include <string.h>

#define ENTRIES_MAX 100
#define DNS_MAX     253
#define LABEL_MAX   63
#define URI_MAX     2048
#define EMAIL_MAX   254

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

static bool is_label(const char *label, size_t n)
{
    return n > 0 && n <= LABEL_MAX && label[0] != '-' && label[n - 1] != '-' && strspn(label, LETTERS DIGITS "-") >= n;
}

static bool is_domain(const char *text)
{
    if (strlen(text) > DNS_MAX)
        return false;
    for (;;) {
        size_t n = strcspn(text, ".");
        if (!is_label(text, n))
            return false;
        if (!text[n])
            return true;
        text += n + 1;
    }
}

static size_t parse_ip(const char *text, uint8_t ret_address[static 16])
{
    if (inet_pton(AF_INET, text, ret_address) == 1)
        return 4;
    return inet_pton(AF_INET6, text, ret_address) == 1 ? 16 : 0;
}

static enum ha_code check_ascii(const char *text, const char *what, struct ha_err *err)
{
    if (!ha_csr_text_is_ascii(text)) {
        ha_fail(err, HA_E_MALFORMED, "the %s isn't ASCII", what);
        return ha_hint(err, "Write international domain names as A-labels (xn--...), the rest of a URI in %%XX form.");
    }
    return HA_OK;
}

static enum ha_code check_dns(const char *text, struct ha_err *err)
{
    enum ha_code code = check_ascii(text, "DNS name", err);
    if (code)
        return code;
    uint8_t address[16];
    if (parse_ip(text, address)) {
        ha_fail(err, HA_E_MALFORMED, "\"%.253s\" is an address, not a DNS name", text);
        return ha_hint(err, "Put addresses into the list \"ip\".");
    }
    if (!is_domain(strncmp(text, "*.", 2) == 0 ? text + 2 : text) || strlen(text) > DNS_MAX) {
        ha_fail(err, HA_E_MALFORMED, "\"%.253s\" isn't a DNS name", text);
        return ha_hint(err,
                       "Use labels of letters, digits and hyphens, at most %d characters, no dot at the end; a "
                       "wildcard is the whole first label (*.example.com).",
                       DNS_MAX);
    }
    return HA_OK;
}

static enum ha_code check_ip(const char *text, struct ha_err *err)
{
    uint8_t address[16];
    if (parse_ip(text, address))
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "\"%.64s\" isn't an IP address", text);
    return ha_hint(err, "Write one IPv4 or IPv6 address, without brackets, prefix length or zone.");
}

static enum ha_code check_uri(const char *text, struct ha_err *err)
{
    enum ha_code code = check_ascii(text, "URI", err);
    if (code)
        return code;
    // RFC 3986: scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), and the characters that a URI can't hold.
    size_t scheme = strspn(text, LETTERS DIGITS "+-.");
    bool absolute = scheme > 0 && strchr(LETTERS, text[0]) && text[scheme] == ':' && text[scheme + 1];
    if (!absolute || ha_csr_text_has_control(text) || strpbrk(text, " \"<>\\^`{|}") || strlen(text) > URI_MAX) {
        ha_fail(err, HA_E_MALFORMED, "the URI isn't absolute or holds characters that a URI can't have");
        return ha_hint(err, "Write scheme and rest, like https://example.com/x or urn:uuid:..., %d characters at most.",
                       URI_MAX);
    }
    return HA_OK;
}

static enum ha_code check_email(const char *text, struct ha_err *err)
{
    enum ha_code code = check_ascii(text, "mail address", err);
    if (code)
        return code;
    const char *at = strchr(text, '@');
    if (!at || at == text || !is_domain(at + 1) || ha_csr_text_has_control(text) || strpbrk(text, " \"(),:;<>[\\]") ||
        strlen(text) > EMAIL_MAX) {
        ha_fail(err, HA_E_MALFORMED, "\"%.254s\" isn't a mail address", text);
        return ha_hint(err, "Write local-part@domain, without a display name.");
    }
    return HA_OK;
}

struct kind {
    const char *member;
    int type;
    enum ha_code (*check)(const char *text, struct ha_err *err);
};

static const struct kind kinds[] = {
    {"dns", GEN_DNS, check_dns},
    {"ip", GEN_IPADD, check_ip},
    {"uri", GEN_URI, check_uri},
    {"email", GEN_EMAIL, check_email},
};

static const struct kind *kind_by_member(const char *member)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].member, member) == 0)
            return &kinds[i];
    return NULL;
}

static enum ha_code push_name(int type, const char *text, GENERAL_NAMES *names, struct ha_err *err)
{
    uint8_t address[16];
    size_t len = type == GEN_IPADD ? parse_ip(text, address) : strlen(text);
    const void *bytes = type == GEN_IPADD ? (const void *)address : text;
    ha_auto(GENERAL_NAME_free) GENERAL_NAME *name = GENERAL_NAME_new();
    ha_auto(ASN1_STRING_free) ASN1_STRING *value =
        ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (!name || !value || !ASN1_STRING_set(value, bytes, (int)len))
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for an alternative name");
    GENERAL_NAME_set0_value(name, type, ha_take(&value));
    if (!sk_GENERAL_NAME_push(names, name))
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for an alternative name");
    (void)ha_take(&name);  // names owns it now
    return HA_OK;
}

static enum ha_code add_list(const struct kind *kind, const ha_json *list, GENERAL_NAMES *names, struct ha_err *err)
{
    if (ha_json_type(list) != HA_JSON_ARRAY || ha_json_size(list) == 0 || ha_json_size(list) > ENTRIES_MAX) {
        ha_fail(err, HA_E_MALFORMED, "\"%s\" is a list of 1 to %d strings", kind->member, ENTRIES_MAX);
        ha_hint(err, "Leave the member out when there is nothing to ask for.");
        return ha_at(err, "/san/%s", kind->member);
    }
    size_t index = 0;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item), index++) {
        const char *text = ha_json_string(item);
        enum ha_code code = text ? kind->check(text, err) : ha_fail(err, HA_E_MALFORMED, "the name isn't a string");
        if (!code)
            code = push_name(kind->type, text, names, err);
        if (code) {
            ha_at(err, "/san/%s/%zu", kind->member, index);
            return code;
        }
    }
    return HA_OK;
}

static enum ha_code unknown_kind(const char *member, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pointer = {0};
    ha_csr_text_pointer(&pointer, member);
    ha_fail(err, HA_E_UNKNOWN_MEMBER, "there is no kind of alternative name \"%.64s\"", member);
    ha_hint(err, "Use dns, ip, uri and email.");
    return ha_at(err, "/san%s", ha_buf_text(&pointer));
}

enum ha_code ha_csr_san_build(const ha_json *san, GENERAL_NAMES **ret_names, struct ha_err *err)
{
    if (ha_json_type(san) != HA_JSON_OBJECT || ha_json_size(san) == 0) {
        ha_fail(err, HA_E_MALFORMED, "\"san\" is an object with one or more of dns, ip, uri, email");
        ha_hint(err, "Write it like {\"dns\": [\"example.com\"]}, or leave it out.");
        return ha_at(err, "/san");
    }
    ha_auto(GENERAL_NAMES_free) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    if (!names)
        return ha_ossl_fail(err, HA_E_MEMORY, "no memory for alternative names");
    for (const ha_json *member = ha_json_first(san); member; member = ha_json_next(member)) {
        const struct kind *kind = kind_by_member(ha_json_name(member));
        enum ha_code code = kind ? add_list(kind, member, names, err) : unknown_kind(ha_json_name(member), err);
        if (code)
            return code;
    }
    *ret_names = ha_take(&names);
    return HA_OK;
}
