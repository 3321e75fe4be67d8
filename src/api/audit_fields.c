// SPDX-License-Identifier: Apache-2.0
#include "api/audit_fields.h"

#include "audit/record.h"
#include "base/json.h"
#include "base/text.h"
#include "format/csr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEADER_MAX = 16 * 1024, DEPTH_MAX = 16, VALUE_MAX = 256 };

static void put(struct ha_buf *out, const char *name, const char *text, size_t n)
{
    char value[VALUE_MAX + 1];
    n = n < VALUE_MAX ? n : VALUE_MAX;
    memcpy(value, text, n);
    value[n] = '\0';
    if (n > 0 && out->len == 0)
        ha_jw_object(out, NULL);
    ha_audit_text_write(out, name, value);
}

static void put_url(struct ha_buf *out, const char *name, const char *text, size_t n)
{
    const char *query = memchr(text, '?', n);
    put(out, name, text, query ? (size_t)(query - text) : n);
}

// --- JOSE

struct field {
    const char *member, *name;
    bool url;
};

static const struct field header_fields[] = {
    {"kid", "kid", false},
    {"typ", "typ", false},
    {"url", "url", true},
    {"FSPIOP-HTTP-Method", "method", false},
    {"FSPIOP-URI", "destination", true},
    {"FSPIOP-Source", "source", false},
    {"FSPIOP-Destination", "to", false},
    {0},
};

static const struct field claim_fields[] = {
    {"iss", "iss", false}, {"sub", "sub", false}, {"aud", "aud", false},
    {"jti", "jti", false}, {"htm", "htm", false}, {"client_id", "client_id", false},
    {"htu", "htu", true},  {"exp", "exp", false}, {0},
};

// The members of JSON in base64url.
static void put_json(struct ha_buf *out, const char *text, size_t n, const struct field *fields)
{
    ha_auto(ha_buf_clear) struct ha_buf json_text = {0}, several = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err ignored = {0};
    char digits[24];
    uint64_t number;
    if (ha_b64u_decode(&json_text, text, n, &ignored) ||
        ha_json_parse(ha_buf_text(&json_text), json_text.len, DEPTH_MAX, &json, &ignored))
        return;
    for (; fields->member; fields++) {
        const ha_json *value = ha_json_get(json, fields->member);
        const char *string = value ? ha_json_string(value) : NULL;
        ha_buf_reset(&several);
        if (value && ha_json_type(value) == HA_JSON_ARRAY) {
            for (const ha_json *one = ha_json_first(value); one; one = ha_json_next(one))
                if (ha_json_string(one))
                    ha_buf_printf(&several, "%s%s", several.len ? " " : "", ha_json_string(one));
            string = ha_buf_text(&several);
        }
        if (value && ha_json_uint(value, 1ull << 53, &number)) {
            snprintf(digits, sizeof digits, "%" PRIu64, number);
            string = digits;
        }
        if (string)
            (fields->url ? put_url : put)(out, fields->name, string, strlen(string));
    }
}

// HEADER.PAYLOAD; false: it isn't.
static bool put_jose(struct ha_buf *out, const char *text, size_t n, bool claims)
{
    const char *dot = memchr(text, '.', n < HEADER_MAX ? n : HEADER_MAX);
    if (!dot)
        return false;
    put_json(out, text, (size_t)(dot - text), header_fields);
    if (claims)
        put_json(out, dot + 1, n - (size_t)(dot + 1 - text), claim_fields);
    return true;
}

// --- HTTP

// RFC 9421: a line `"NAME": VALUE` for each component, and `"@signature-params": (...);keyid="..."` last.
static void put_components(struct ha_buf *out, const char *text, size_t n)
{
    static const struct field components[] = {
        {"\"@method\": ", "method", false},
        {"\"@target-uri\": ", "destination", true},
        {"\"@authority\": ", "authority", false},
        {"\"@path\": ", "path", true},
    };
    static const char parameters[] = "\"@signature-params\": ", keyid[] = ";keyid=\"";
    const char *end = text + n, *line_end;
    for (const char *line = text; line < end; line = line_end + 1) {
        line_end = memchr(line, '\n', (size_t)(end - line));
        line_end = line_end ? line_end : end;
        const size_t len = (size_t)(line_end - line);
        for (size_t i = 0; i < HA_ARRAY_SIZE(components); i++) {
            size_t skip = strlen(components[i].member);
            if (len > skip && memcmp(line, components[i].member, skip) == 0)
                (components[i].url ? put_url : put)(out, components[i].name, line + skip, len - skip);
        }
        if (len < sizeof parameters || memcmp(line, parameters, sizeof parameters - 1) != 0)
            continue;
        const char *kid = memmem(line, len, keyid, sizeof keyid - 1);
        const char *close =
            kid ? memchr(kid + sizeof keyid - 1, '"', (size_t)(line_end - kid) - sizeof keyid + 1) : NULL;
        if (close)
            put(out, "kid", kid + sizeof keyid - 1, (size_t)(close - kid) - sizeof keyid + 1);
    }
}

// The DIP: METHOD;destination;date;content, where the content may be the body itself.
static void put_dip(struct ha_buf *out, const char *text, size_t n)
{
    const char *first = memchr(text, ';', n);
    const char *second = first ? memchr(first + 1, ';', n - (size_t)(first + 1 - text)) : NULL;
    if (!second)
        return;
    put(out, "method", text, (size_t)(first - text));
    put_url(out, "destination", first + 1, (size_t)(second - first - 1));
}

static void put_http(struct ha_buf *out, const char *text, size_t n)
{
    if (n > 0 && text[0] == '"')
        put_components(out, text, n);
    else if (memchr(text, ';', n))
        put_dip(out, text, n);
    else
        put_jose(out, text, n, false);
}

// --- All

static void put_subject(struct ha_buf *out, struct ha_part said)
{
    ha_auto(ha_buf_clear) struct ha_buf subject = {0};
    if (ha_csr_read_subject(said.data, said.len, &subject))
        put(out, "subject", ha_buf_text(&subject), subject.len);
}

void ha_audit_fields(enum ha_operation operation, struct ha_part said, struct ha_buf *out)
{
    const char *text = (const char *)said.data;
    if (!said.data || said.len == 0)
        return;
    if (operation == HA_OPERATION_JWS || operation == HA_OPERATION_JWT)
        put_jose(out, text, said.len, operation == HA_OPERATION_JWT);
    else if (operation == HA_OPERATION_HTTP_SIGNATURE)
        put_http(out, text, said.len);
    else if (operation == HA_OPERATION_CSR)
        put_subject(out, said);
    if (out->len > 0)
        ha_jw_object_end(out);
}
