// SPDX-License-Identifier: Apache-2.0
#include "provider/reference.h"

#include "base/text.h"

#include <openssl/asn1.h>
#include <string.h>

static const char description[] = "hsm-agent key reference";
static const char scheme[] = "hsm-agent:";
static const char socket_option[] = "socket=";

// Takes an element of that tag off the front of *p; its content. NULL when there is none.
static const uint8_t *element(const uint8_t **p, const uint8_t *end, int wanted, size_t *ret_len)
{
    long len;
    int tag, class;
    const uint8_t *content = *p;
    if (content >= end)
        return NULL;
    // The errors that libcrypto would queue here are nobody's: the bytes are probably another format's.
    int flags = ASN1_get_object(&content, &len, &tag, &class, end - content);
    if (flags & 0x81 || tag != wanted || class != V_ASN1_UNIVERSAL || len > end - content)
        return NULL;
    *ret_len = (size_t)len;
    *p = content + len;
    return content;
}

// The content of the outer SEQUENCE after the description.
static const uint8_t *opened(const uint8_t *der, size_t n, const uint8_t **ret_end)
{
    size_t len, text_len;
    if (n > HA_REFERENCE_MAX)
        return NULL;
    const uint8_t *p = der;
    const uint8_t *body = element(&p, der + n, V_ASN1_SEQUENCE, &len);
    if (!body || p != der + n)
        return NULL;
    const uint8_t *text = element(&body, p, V_ASN1_UTF8STRING, &text_len);
    if (!text || text_len != sizeof description - 1 || memcmp(text, description, text_len) != 0)
        return NULL;
    *ret_end = p;
    return body;
}

bool ha_reference_is(const uint8_t *der, size_t n)
{
    const uint8_t *end;
    // The cheap look first: most of what is asked about is certificates and keys of other kinds.
    if (n < 2 || der[0] != (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED) ||
        !memmem(der, n, description, sizeof description - 1))
        return false;
    return opened(der, n, &end) != NULL;
}

static const char *read_query(const char *query, size_t n, struct ha_reference *reference)
{
    const size_t option_len = sizeof socket_option - 1;
    if (n <= option_len || memcmp(query, socket_option, option_len) != 0)
        return "what follows the name in the URI isn't ?socket=/PATH";
    query += option_len;
    n -= option_len;
    if (n >= HA_REFERENCE_SOCKET_SIZE || query[0] != '/' || memchr(query, '\0', n))
        return "the socket in the URI isn't an absolute path of at most 107 bytes";
    memcpy(reference->socket, query, n);
    return NULL;
}

const char *ha_reference_uri(const char *uri, size_t n, struct ha_reference *ret_reference)
{
    struct ha_reference reference = {0};
    const size_t scheme_len = sizeof scheme - 1;
    if (n < scheme_len || memcmp(uri, scheme, scheme_len) != 0)
        return "the URI doesn't begin with hsm-agent:";
    uri += scheme_len;
    n -= scheme_len;
    const char *query = memchr(uri, '?', n);
    size_t name_len = query ? (size_t)(query - uri) : n;
    if (name_len >= HA_REFERENCE_NAME_SIZE || memchr(uri, '\0', name_len))
        return "the URI has no valid key name";
    memcpy(reference.name, uri, name_len);
    if (!ha_name_valid(reference.name))
        return "the URI has no valid key name";
    if (query) {
        const char *wrong = read_query(query + 1, n - name_len - 1, &reference);
        if (wrong)
            return wrong;
    }
    *ret_reference = reference;
    return NULL;
}

const char *ha_reference_read(const uint8_t *der, size_t n, struct ha_reference *ret_reference)
{
    struct ha_reference reference;
    const uint8_t *end;
    size_t uri_len, spki_len;
    const uint8_t *p = opened(der, n, &end);
    if (!p)
        return "it isn't a key reference";
    const uint8_t *uri = element(&p, end, V_ASN1_UTF8STRING, &uri_len);
    if (!uri)
        return "it has no URI";
    const char *wrong = ha_reference_uri((const char *)uri, uri_len, &reference);
    if (wrong)
        return wrong;
    const uint8_t *spki = p;
    if (!element(&p, end, V_ASN1_SEQUENCE, &spki_len) || p != end)
        return "it doesn't end with a public key";
    reference.spki = spki;
    reference.spki_len = (size_t)(end - spki);
    *ret_reference = reference;
    return NULL;
}
