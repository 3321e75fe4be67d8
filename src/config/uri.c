// SPDX-License-Identifier: Apache-2.0
// The attributes of a PKCS#11 URI (RFC 7512 section 2.3), and which of them a token's URI may have.
#include "config/uri.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum attribute_use {
    NAMES_TOKEN,   // tells this token from others
    NARROWS,       // may stand beside an attribute that names the token
    NAMES_OBJECT,  // is about an object in it
    GIVES_PIN,
    GIVES_MODULE,
};

static const struct attribute {
    const char *name;
    enum attribute_use use;
} attributes[] = {
    {"token", NAMES_TOKEN},
    {"manufacturer", NAMES_TOKEN},
    {"serial", NAMES_TOKEN},
    {"model", NAMES_TOKEN},
    {"library-manufacturer", NARROWS},
    {"library-version", NARROWS},
    {"library-description", NARROWS},
    {"slot-manufacturer", NARROWS},
    {"slot-description", NARROWS},
    {"slot-id", NARROWS},
    {"object", NAMES_OBJECT},
    {"type", NAMES_OBJECT},
    {"id", NAMES_OBJECT},
    {"pin-value", GIVES_PIN},
    {"pin-source", GIVES_PIN},
    {"module-name", GIVES_MODULE},
    {"module-path", GIVES_MODULE},
};

static const char scheme[] = "pkcs11:";

static int find_attribute(const char *text, size_t n)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(attributes); i++) {
        if (strlen(attributes[i].name) == n && strncmp(attributes[i].name, text, n) == 0)
            return (int)i;
    }
    return -1;
}

static enum ha_code check_use(const struct attribute *attribute, struct ha_err *err)
{
    switch (attribute->use) {
    case NAMES_TOKEN:
    case NARROWS:
        return HA_OK;
    case NAMES_OBJECT:
        ha_fail(err, HA_E_CONFIG, "the URI has '%s=', which is about an object, not a token", attribute->name);
        return ha_hint(err, "Remove it; keys get their names with 'hsm-agent key create' and 'hsm-agent key adopt'.");
    case GIVES_PIN:
        ha_fail(err, HA_E_CONFIG, "the URI has '%s='", attribute->name);
        return ha_hint(err, "Remove it, and say where the PIN comes from with the option 'pin'.");
    case GIVES_MODULE:
        ha_fail(err, HA_E_CONFIG, "the URI has '%s=', which is not used", attribute->name);
        return ha_hint(err, "Remove it, and name the module with the option 'module'.");
    }
    return HA_OK;
}

// The characters that RFC 7512 section 2.3 allows in values, and whole percent escapes.
static bool value_is_valid(const char *value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c == '%') {
            if (i + 2 >= n || !isxdigit((unsigned char)value[i + 1]) || !isxdigit((unsigned char)value[i + 2]))
                return false;
            i += 2;
        } else if (c >= 0x80 || (!isalnum(c) && !strchr("-._~:[]@!$'()*+,=&/|", c))) {
            return false;
        }
    }
    return true;
}

static enum ha_code check_attribute(const char *text, size_t n, bool seen[static HA_ARRAY_SIZE(attributes)],
                                    bool *names_token, struct ha_err *err)
{
    const char *equals = memchr(text, '=', n);
    size_t name_len = equals ? (size_t)(equals - text) : n;
    int index = find_attribute(text, name_len);
    if (!equals || index < 0) {
        ha_fail(err, HA_E_CONFIG, "the URI has an attribute that nobody knows");
        return ha_hint(err, "Name the token with token=, serial=, manufacturer= or model=, with ';' between them.");
    }
    const struct attribute *attribute = &attributes[index];
    if (seen[index]) {
        ha_fail(err, HA_E_CONFIG, "the URI has '%s=' twice", attribute->name);
        return ha_hint(err, "Keep one of them.");
    }
    seen[index] = true;
    enum ha_code code = check_use(attribute, err);
    if (code != HA_OK)
        return code;
    if (name_len + 1 == n || !value_is_valid(equals + 1, n - name_len - 1)) {
        ha_fail(err, HA_E_CONFIG, "the URI's '%s=' is empty or has a character that must be escaped", attribute->name);
        return ha_hint(err, "Write each such character as %% and two hexadecimal digits: a space is %%20.");
    }
    *names_token = *names_token || attribute->use == NAMES_TOKEN;
    return HA_OK;
}

enum ha_code ha_uri_check(const char *uri, struct ha_err *err)
{
    bool seen[HA_ARRAY_SIZE(attributes)] = {false};
    bool names_token = false;
    if (strncmp(uri, scheme, strlen(scheme)) != 0) {
        ha_fail(err, HA_E_CONFIG, "the URI doesn't begin with 'pkcs11:'");
        return ha_hint(err, "Write pkcs11:token=LABEL;serial=NUMBER; 'hsm-agent token list --module MODULE' shows "
                            "both.");
    }
    // Attributes of the path end with ';', those of the query, behind the '?', with '&'.
    const char *separators = ";?";
    for (const char *at = uri + strlen(scheme); *at;) {
        size_t n = strcspn(at, separators);
        enum ha_code code = n > 0 ? check_attribute(at, n, seen, &names_token, err) : HA_OK;
        if (code != HA_OK)
            return code;
        at += n;
        if (*at == '?')
            separators = "&";
        if (*at)
            at++;
    }
    if (!names_token) {
        ha_fail(err, HA_E_CONFIG, "the URI doesn't say which token it is%s",
                seen[find_attribute("slot-id", 7)] ? ": slot numbers change, so 'slot-id=' alone is not enough" : "");
        return ha_hint(err, "Add token=, serial=, manufacturer= or model=, for example pkcs11:token=edge;serial=8a7f.");
    }
    return HA_OK;
}
