// SPDX-License-Identifier: Apache-2.0
#include "policy/content.h"

#include "base/auto.h"

#include <string.h>

#define RANDOMS_LEN 64  // client_random and server_random

// What is left to read. A reading function that fails may have moved it.
struct reader {
    const uint8_t *at;
    size_t left;
};

static bool take(struct reader *from, size_t n, struct reader *ret_part)
{
    if (n > from->left)
        return false;
    *ret_part = (struct reader){from->at, n};
    from->at += n;
    from->left -= n;
    return true;
}

static bool skip(struct reader *from, size_t n)
{
    struct reader ignored;
    return take(from, n, &ignored);
}

// A big-endian number of up to 4 bytes.
static bool take_number(struct reader *from, size_t bytes, size_t *ret_number)
{
    struct reader digits;
    if (!take(from, bytes, &digits))
        return false;
    *ret_number = 0;
    for (size_t i = 0; i < bytes; i++)
        *ret_number = *ret_number << 8 | digits.at[i];
    return true;
}

// A vector of TLS (RFC 8446 section 3.4) whose length has that many bytes.
static bool take_vector(struct reader *from, size_t length_bytes, struct reader *ret_part)
{
    size_t n;
    return take_number(from, length_bytes, &n) && take(from, n, ret_part);
}

// --- TLS 1.3

static enum ha_content tls13(struct reader content)
{
    static const struct {
        enum ha_content content;
        const char *context;
    } kinds[] = {
        {HA_CONTENT_TLS13_SERVER, "TLS 1.3, server CertificateVerify"},
        {HA_CONTENT_TLS13_CLIENT, "TLS 1.3, client CertificateVerify"},
    };
    struct reader padding, context;
    if (!take(&content, 64, &padding))
        return HA_CONTENT_OTHER;
    for (size_t i = 0; i < padding.left; i++)
        if (padding.at[i] != ' ')
            return HA_CONTENT_OTHER;
    // Both contexts have one length; the zero behind them belongs to the format.
    if (!take(&content, strlen(kinds[0].context) + 1, &context) ||
        (content.left != 32 && content.left != 48 && content.left != 64))
        return HA_CONTENT_OTHER;
    for (size_t i = 0; i < HA_ARRAY_SIZE(kinds); i++)
        if (memcmp(context.at, kinds[i].context, context.left) == 0)
            return kinds[i].content;
    return HA_CONTENT_OTHER;
}

// --- TLS 1.2, server

// Bytes of a field's element, by the number of the curve (RFC 8422 section 5.1.1, RFC 4492, RFC 7027). The last two,
// X25519 and X448, have no point format.
static const uint8_t curve_fields[] = {0,  21, 21, 21, 25, 25, 30, 30, 30, 36, 36, 52, 52, 72, 72, 20,
                                       20, 20, 24, 24, 28, 28, 32, 32, 48, 66, 32, 48, 64, 32, 56};
#define CURVE_X25519 29

// Peers also accept the compressed and hybrid points that RFC 8422 has deprecated.
static bool point_fits(size_t curve, struct reader point)
{
    if (curve == 0 || curve >= HA_ARRAY_SIZE(curve_fields))
        return false;
    size_t field = curve_fields[curve];
    if (curve >= CURVE_X25519)
        return point.left == field;
    if (point.left == 1 + field)
        return point.at[0] == 2 || point.at[0] == 3;
    return point.left == 1 + 2 * field && (point.at[0] == 4 || point.at[0] == 6 || point.at[0] == 7);
}

static bool is_ecdhe(struct reader content)
{
    size_t kind, curve;
    struct reader point;
    return skip(&content, RANDOMS_LEN) && take_number(&content, 1, &kind) && kind == 3 &&
           take_number(&content, 2, &curve) && take_vector(&content, 1, &point) && content.left == 0 &&
           point_fits(curve, point);
}

static bool is_dhe(struct reader content)
{
    struct reader p, g, y;
    return skip(&content, RANDOMS_LEN) && take_vector(&content, 2, &p) && take_vector(&content, 2, &g) &&
           take_vector(&content, 2, &y) && content.left == 0 && p.left > 0 && g.left > 0 && y.left > 0;
}

// --- TLS 1.2, client

enum { CLIENT_HELLO = 1, SERVER_HELLO = 2 };
#define TLS_HEADER  4
#define DTLS_HEADER 12  // as hashed: the message in one fragment (RFC 6347 section 4.2.6)

static bool take_message(struct reader *from, size_t header, size_t *ret_type, struct reader *ret_body)
{
    size_t n, offset, fragment;
    if (!take_number(from, 1, ret_type) || !take_number(from, 3, &n))
        return false;
    if (header == DTLS_HEADER && (!skip(from, 2) || !take_number(from, 3, &offset) || offset != 0 ||
                                  !take_number(from, 3, &fragment) || fragment != n))
        return false;
    return take(from, n, ret_body);
}

static bool is_client_hello(struct reader body, size_t header)
{
    struct reader session, cookie, suites, compressions, extensions;
    if (!skip(&body, 2 + 32) || !take_vector(&body, 1, &session) || session.left > 32)
        return false;
    if (header == DTLS_HEADER && !take_vector(&body, 1, &cookie))
        return false;
    if (!take_vector(&body, 2, &suites) || suites.left < 2 || suites.left % 2 != 0 ||
        !take_vector(&body, 1, &compressions) || compressions.left < 1)
        return false;
    return body.left == 0 || (take_vector(&body, 2, &extensions) && body.left == 0);
}

static bool take_client_hello(struct reader *from, size_t header)
{
    size_t type;
    struct reader body;
    return take_message(from, header, &type, &body) && type == CLIENT_HELLO && is_client_hello(body, header);
}

// The hello of SSL 2, with which a handshake of TLS 1.2 may begin (RFC 5246 appendix E.2). It has no length of its own.
static bool take_old_client_hello(struct reader *from)
{
    size_t type, suites, session, challenge;
    return take_number(from, 1, &type) && type == CLIENT_HELLO && skip(from, 2) && take_number(from, 2, &suites) &&
           take_number(from, 2, &session) && take_number(from, 2, &challenge) && suites >= 3 && suites % 3 == 0 &&
           session <= 32 && challenge >= 16 && challenge <= 32 && skip(from, suites + session + challenge);
}

// Whole messages to the end, a ServerHello among them.
static bool are_answers(struct reader content, size_t header)
{
    bool answered = false;
    while (content.left > 0) {
        size_t type;
        struct reader body;
        if (!take_message(&content, header, &type, &body))
            return false;
        answered = answered || type == SERVER_HELLO;
    }
    return answered;
}

static bool is_transcript(struct reader content)
{
    struct reader tls = content, dtls = content, old = content;
    return (take_client_hello(&tls, TLS_HEADER) && are_answers(tls, TLS_HEADER)) ||
           (take_client_hello(&dtls, DTLS_HEADER) && are_answers(dtls, DTLS_HEADER)) ||
           (take_old_client_hello(&old) && are_answers(old, TLS_HEADER));
}

// --- DER

// [0] and [3] are constructed; [1] and [2] are unique identifiers, implicit and so primitive.
enum {
    DER_INTEGER = 0x02,
    DER_SEQUENCE = 0x30,
    DER_CONTEXT_0 = 0xa0,
    DER_CONTEXT_1 = 0x81,
    DER_CONTEXT_2 = 0x82,
    DER_CONTEXT_3 = 0xa3
};

static bool next_is(const struct reader *from, uint8_t tag)
{
    return from->left > 0 && from->at[0] == tag;
}

static bool take_der(struct reader *from, uint8_t tag, struct reader *ret_value)
{
    size_t n, bytes;
    if (!next_is(from, tag) || !skip(from, 1) || !take_number(from, 1, &n))
        return false;
    if (n >= 0x80) {
        bytes = n & 0x7f;
        // Definite, and no longer than it must be (X.690 section 10.1).
        if (bytes < 1 || bytes > 3 || !take_number(from, bytes, &n) || n < 0x80 || n >> (8 * (bytes - 1)) == 0)
            return false;
    }
    return take(from, n, ret_value);
}

static bool skip_der(struct reader *from, uint8_t tag)
{
    struct reader ignored;
    return take_der(from, tag, &ignored);
}

static bool skip_optional(struct reader *from, uint8_t tag)
{
    return !next_is(from, tag) || skip_der(from, tag);
}

static bool is_csr(struct reader content)
{
    struct reader info, version;
    return take_der(&content, DER_SEQUENCE, &info) && content.left == 0 && take_der(&info, DER_INTEGER, &version) &&
           version.left == 1 && version.at[0] == 0 && skip_der(&info, DER_SEQUENCE) && skip_der(&info, DER_SEQUENCE) &&
           skip_der(&info, DER_CONTEXT_0) && info.left == 0;
}

static bool is_x509(struct reader content)
{
    struct reader body;
    if (!take_der(&content, DER_SEQUENCE, &body) || content.left != 0 || !skip_optional(&body, DER_CONTEXT_0) ||
        !skip_der(&body, DER_INTEGER))
        return false;
    // signature, issuer, validity, subject, subjectPublicKeyInfo
    for (int i = 0; i < 5; i++)
        if (!skip_der(&body, DER_SEQUENCE))
            return false;
    return skip_optional(&body, DER_CONTEXT_1) && skip_optional(&body, DER_CONTEXT_2) &&
           skip_optional(&body, DER_CONTEXT_3) && body.left == 0;
}

enum ha_content ha_content_classify(const uint8_t *bytes, size_t n)
{
    const struct reader content = {bytes, n};
    enum ha_content found = tls13(content);
    if (found != HA_CONTENT_OTHER)
        return found;
    if (is_transcript(content))
        return HA_CONTENT_TLS12_CLIENT;
    if (is_ecdhe(content) || is_dhe(content))
        return HA_CONTENT_TLS12_SERVER;
    if (is_csr(content))
        return HA_CONTENT_CSR;
    return is_x509(content) ? HA_CONTENT_X509 : HA_CONTENT_OTHER;
}
