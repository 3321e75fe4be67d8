// SPDX-License-Identifier: Apache-2.0
#include "format/rfc9421_base.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum ha_alg alg;
} algorithms[] = {
    {"rsa-pss-sha512", HA_ALG_PS512},    {"rsa-v1_5-sha256", HA_ALG_RS256}, {"ecdsa-p256-sha256", HA_ALG_ES256},
    {"ecdsa-p384-sha384", HA_ALG_ES384}, {"ed25519", HA_ALG_ED25519},
};

const char *ha_rfc9421_alg_name(enum ha_alg alg)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(algorithms); i++)
        if (algorithms[i].alg == alg)
            return algorithms[i].name;
    return NULL;
}

enum ha_alg ha_rfc9421_alg_by_name(const char *name)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return algorithms[i].alg;
    return HA_ALG_NONE;
}

enum ha_alg ha_rfc9421_alg_default(enum ha_key_type type)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(algorithms); i++)
        if (ha_alg_fits(algorithms[i].alg, type))
            return algorithms[i].alg;
    return HA_ALG_NONE;
}

enum ha_code ha_rfc9421_component(const char *text, struct ha_sfv_item *ret_item, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf quoted = {0};
    size_t n = strcspn(text, ";");
    ha_buf_printf(&quoted, "\"%.*s\"%s", (int)n, text, text + n);
    if (!ha_buf_ok(&quoted))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a signature");
    struct ha_sfv in = {.at = ha_buf_text(&quoted), .end = ha_buf_text(&quoted) + quoted.len};
    if (ha_sfv_item(&in, ret_item, err) || in.at != in.end)
        return ha_fail(err, HA_E_MALFORMED, "'%.60s' is no component of a signature", text);
    return HA_OK;
}

static void put_lower(struct ha_buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ha_buf_putc(out, (char)tolower((unsigned char)text[i]));
}

// The host in lower case, without the port that the scheme implies.
static void put_authority(struct ha_buf *out, const struct ha_url *url)
{
    const char *implied = url->scheme_len == 5 ? ":443" : ":80";
    size_t n = url->authority_len, tail = strlen(implied);
    if (n > tail && memcmp(url->authority + n - tail, implied, tail) == 0)
        n -= tail;
    put_lower(out, url->authority, n);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Decodes a part of a query as forms have it and encodes it again, in the one way there is (RFC 9421 section 2.2.8).
static void put_query_part(struct ha_buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = i + 2 < n ? hex_value(text[i + 1]) : -1, low = i + 2 < n ? hex_value(text[i + 2]) : -1;
        unsigned char c = (unsigned char)text[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%' && high >= 0 && low >= 0) {
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (isalnum(c) || (c && strchr("*-._", c)))
            ha_buf_putc(out, (char)c);
        else
            ha_buf_printf(out, "%%%02X", c);
    }
}

// The value of the only parameter of that name.
static bool put_query_param(struct ha_buf *out, const struct ha_url *url, const char *name)
{
    size_t found = 0;
    const char *at = url->query, *end = url->query + url->query_len;
    while (at < end) {
        at++;  // '?' or '&'
        ha_auto(ha_buf_clear) struct ha_buf decoded = {0};
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        put_query_part(&decoded, at, (size_t)((equals ? equals : stop) - at));
        if (strcmp(ha_buf_text(&decoded), name) == 0 && found++ == 0 && equals)
            put_query_part(out, equals + 1, (size_t)(stop - equals - 1));
        at = stop;
    }
    return found == 1;
}

static enum ha_code missing(const char *name, struct ha_err *err)
{
    return ha_fail(err, HA_E_MALFORMED, "the message has no %.60s, which the signature covers", name);
}

static enum ha_code put_url_part(const char *name, const struct ha_http_message *message,
                                 const struct ha_sfv_item *component, struct ha_buf *out, struct ha_err *err)
{
    struct ha_url url;
    if (!message->url)
        return missing(name, err);
    if (ha_url_split(message->url, &url, err))
        return err->code;
    if (strcmp(name, "@target-uri") == 0) {
        ha_buf_puts(out, message->url);
    } else if (strcmp(name, "@authority") == 0) {
        put_authority(out, &url);
    } else if (strcmp(name, "@scheme") == 0) {
        put_lower(out, url.scheme, url.scheme_len);
    } else if (strcmp(name, "@path") == 0) {
        ha_buf_append(out, url.path_len ? url.path : "/", url.path_len ? url.path_len : 1);
    } else if (strcmp(name, "@query") == 0) {
        ha_buf_append(out, url.query_len ? url.query : "?", url.query_len ? url.query_len : 1);
    } else if (strcmp(name, "@request-target") == 0) {
        ha_buf_append(out, url.path_len ? url.path : "/", url.path_len ? url.path_len : 1);
        ha_buf_append(out, url.query, url.query_len);
    } else {
        const struct ha_sfv_value *param = ha_sfv_param(&component->params, "name");
        if (strcmp(name, "@query-param") != 0 || !param || param->type != HA_SFV_STRING)
            return ha_fail(err, HA_E_MALFORMED, "\"%.60s\" is no component that is known", name);
        if (!put_query_param(out, &url, ha_buf_text(&param->text)))
            return ha_fail(err, HA_E_MALFORMED, "the query doesn't have the parameter %.60s just once",
                           ha_buf_text(&param->text));
    }
    return HA_OK;
}

static enum ha_code put_derived(const char *name, const struct ha_http_message *message,
                                const struct ha_sfv_item *component, struct ha_buf *out, struct ha_err *err)
{
    if (component->params.n > (strcmp(name, "@query-param") == 0 ? 1u : 0u))
        return ha_fail(err, HA_E_MALFORMED, "\"%.60s\" has a parameter that isn't known", name);
    if (strcmp(name, "@status") == 0) {
        if (message->status == 0)
            return missing(name, err);
        ha_buf_printf(out, "%u", message->status);
        return HA_OK;
    }
    if (strcmp(name, "@method") == 0) {
        if (!message->method)
            return missing(name, err);
        ha_buf_puts(out, message->method);
        return HA_OK;
    }
    return put_url_part(name, message, component, out, err);
}

// A field as it is, or each of its values as bytes (the parameter bs).
static enum ha_code put_field(const char *name, const struct ha_http_message *message,
                              const struct ha_sfv_item *component, struct ha_buf *out, struct ha_err *err)
{
    bool bytes = ha_sfv_param(&component->params, "bs") != NULL;
    if (component->params.n > bytes)
        return ha_fail(err, HA_E_MALFORMED, "\"%.60s\" has a parameter that isn't known; bs is the only one", name);
    for (const char *c = name; *c; c++)
        if (isupper((unsigned char)*c))
            return ha_fail(err, HA_E_MALFORMED, "\"%.60s\" isn't in lower case, as names of covered fields are", name);
    if (!bytes)
        return ha_http_field_combined(message, name, out) ? HA_OK : missing(name, err);
    size_t n = 0;
    for (size_t i = 0; i < message->n_fields; i++) {
        if (strcasecmp(message->fields[i].name, name) != 0)
            continue;
        ha_auto(ha_buf_clear) struct ha_buf value = {0};
        const struct ha_http_message one = {.fields = &message->fields[i], .n_fields = 1};
        ha_http_field_combined(&one, name, &value);
        ha_buf_puts(out, n++ ? ", " : "");
        ha_sfv_put_bytes(out, ha_buf_text(&value), value.len);
    }
    return n ? HA_OK : missing(name, err);
}

enum ha_code ha_rfc9421_put_component(const struct ha_http_message *message, const struct ha_sfv_item *component,
                                      struct ha_buf *base, struct ha_err *err)
{
    const char *name = ha_buf_text(&component->value.text);
    if (component->value.type != HA_SFV_STRING || !*name)
        return ha_fail(err, HA_E_MALFORMED, "a component of a signature isn't a name in quotes");
    ha_sfv_put_item(base, component);
    ha_buf_puts(base, ": ");
    enum ha_code code = *name == '@' ? put_derived(name, message, component, base, err)
                                     : put_field(name, message, component, base, err);
    ha_buf_putc(base, '\n');
    return code;
}

void ha_rfc9421_put_parameters(const char *parameters, struct ha_buf *base)
{
    ha_buf_printf(base, "\"@signature-params\": %s", parameters);
}

size_t ha_rfc9421_default_components(const struct ha_http_message *message, const char *ret_components[static 4])
{
    size_t n = 0;
    if (message->status) {
        ret_components[n++] = "@status";
    } else {
        ret_components[n++] = "@method";
        ret_components[n++] = "@target-uri";
    }
    if (message->body_len || message->body_sha256) {
        ret_components[n++] = "content-digest";
        if (ha_http_field_count(message, "content-type"))
            ret_components[n++] = "content-type";
    }
    return n;
}
