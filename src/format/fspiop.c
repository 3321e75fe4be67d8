// SPDX-License-Identifier: Apache-2.0
// Signing for Mojaloop.
#include "format/fspiop.h"

#include "base/json.h"
#include "base/text.h"
#include "format/canonical_json.h"
#include "format/fspiop_header.h"

#include <string.h>
#include <strings.h>

static const struct ha_fspiop_profile plain;

const struct ha_fspiop_profile *ha_fspiop_plain(void)
{
    return &plain;
}

void ha_fspiop_clear(struct ha_fspiop_job *job)
{
    ha_buf_clear(&job->input);
    ha_buf_clear(&job->header);
    ha_buf_clear(&job->body);
    ha_buf_clear(&job->uri);
    ha_buf_clear(&job->method);
}

void ha_fspiop_fields_clear(struct ha_fspiop_fields *fields)
{
    ha_buf_clear(&fields->value);
}

// Where the API's resource begins in the path; NULL when it names none. The resources are those of the reference
// library, which takes the last place that fits, whatever follows the name.
static const char *find_resource(const char *path, size_t n)
{
    static const char *const resources[] = {
        "participants",
        "parties",
        "quotes",
        "bulkQuotes",
        "transfers",
        "bulkTransfers",
        "transactionRequests",
        "thirdpartyRequests",
        "authorizations",
        "consents",
        "consentRequests",
        "fxQuotes",
        "fxTransfers",
    };
    for (size_t at = n; at > 0; at--) {
        const char *slash = path + at - 1;
        if (*slash != '/')
            continue;
        for (size_t i = 0; i < HA_ARRAY_SIZE(resources); i++) {
            size_t length = strlen(resources[i]);
            if (length <= n - at && strncmp(slash + 1, resources[i], length) == 0)
                return slash;
        }
    }
    return NULL;
}

enum ha_code ha_fspiop_uri_of(enum ha_fspiop_uri uri, const char *url, struct ha_buf *out, struct ha_err *err)
{
    struct ha_url parts;
    if (ha_url_split(url, &parts, err))
        return ha_at(err, "/url");
    const char *begin = parts.path;
    switch (uri) {
    case HA_FSPIOP_URI_RESOURCE:
        begin = find_resource(parts.path, parts.path_len);
        break;
    case HA_FSPIOP_URI_PATH:
        break;
    }
    if (!begin) {
        ha_fail(err, HA_E_MALFORMED, "the URL's path names no resource of the FSPIOP API");
        ha_hint(err, "a resource is /transfers, /quotes, /parties, ...; a profile with `uri = path` takes any path");
        return ha_at(err, "/url");
    }
    size_t before = (size_t)(begin - parts.path);
    ha_buf_append(out, begin, parts.path_len - before + parts.query_len);
    return HA_OK;
}

enum ha_code ha_fspiop_body(enum ha_fspiop_canonical canonical, const struct ha_http_message *message,
                            struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (message->body_len == 0) {
        ha_fail(err, HA_E_MALFORMED, "only requests with a body are signed");
        ha_hint(err, message->body_sha256 ? "give the body itself: its digest doesn't do here"
                                          : "send a request without a body unsigned, as every implementation does");
        return ha_at(err, "/body");
    }
    if (ha_json_parse((const char *)message->body, message->body_len, HA_FSPIOP_BODY_DEPTH, &json, err)) {
        ha_wrap(err, "the body");
        return ha_at(err, "/body");
    }
    switch (canonical) {
    case HA_FSPIOP_AS_IS:
        ha_buf_append(out, message->body, message->body_len);
        return HA_OK;
    case HA_FSPIOP_SORTED:
        return ha_canonical_json(json, out, err) ? ha_at(err, "/body") : HA_OK;
    }
    return HA_OK;
}

enum ha_code ha_fspiop_input(const char *header, const void *body, size_t n, struct ha_buf *out, struct ha_err *err)
{
    ha_buf_printf(out, "%s.", header);
    ha_b64u_encode(out, body, n);
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for an FSPIOP signature");
}

static enum ha_code choose_alg(const struct ha_fspiop_profile *profile, const struct ha_pubkey *key,
                               enum ha_alg *ret_alg, struct ha_err *err)
{
    enum ha_key_type type = ha_pubkey_type(key);
    enum ha_alg alg = profile->algorithm ? profile->algorithm : ha_alg_default(type);
    if ((alg != HA_ALG_RS256 && alg != HA_ALG_ES256) || !ha_alg_fits(alg, type)) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key of the type %s makes no signature of this profile",
                ha_key_type_info(type)->name);
        return ha_hint(err, "Mojaloop takes RSA keys of 2048 bits and more (RS256), and P-256 (ES256)");
    }
    *ret_alg = alg;
    return HA_OK;
}

// The value of a field that may be there once. *ret_value is NULL when it isn't.
static enum ha_code optional(const struct ha_http_message *message, const char *name, struct ha_buf *out,
                             const char **ret_value, struct ha_err *err)
{
    *ret_value = ha_http_field_only(message, name, out);
    if (*ret_value || ha_http_field_count(message, name) == 0)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "the message has more than one field %s", name);
    return ha_at(err, "/headers/%s", name);
}

static enum ha_code put_optional(const struct ha_http_message *message, const char *name, struct ha_buf *json,
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    const char *value;
    if (optional(message, name, &buf, &value, err))
        return err->code;
    if (value && !ha_utf8_valid(value, strlen(value))) {
        ha_fail(err, HA_E_MALFORMED, "the field %s isn't UTF-8", name);
        return ha_at(err, "/headers/%s", name);
    }
    if (value)
        ha_jw_string(json, name, value);
    return HA_OK;
}

static bool is_fixed(const char *name)
{
    static const char *const fixed[] = {
        HA_FSPIOP_URI,        HA_FSPIOP_METHOD,    HA_FSPIOP_SOURCE, HA_FSPIOP_DESTINATION,
        HA_FSPIOP_ENCRYPTION, HA_FSPIOP_SIGNATURE, "Date",           "alg"};
    for (size_t i = 0; i < HA_ARRAY_SIZE(fixed); i++)
        if (strcasecmp(name, fixed[i]) == 0)
            return true;
    return false;
}

static enum ha_code check_source(const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    const char *source;
    if (optional(message, HA_FSPIOP_SOURCE, &buf, &source, err))
        return err->code;
    if (!source || !*source) {
        ha_fail(err, HA_E_MALFORMED, "the message has no field " HA_FSPIOP_SOURCE);
        ha_hint(err, "give the fields that are sent: FSPIOP-Source, and FSPIOP-Destination and Date if there are");
        return ha_at(err, "/headers/" HA_FSPIOP_SOURCE);
    }
    if (profile->source && strcmp(profile->source, source) != 0) {
        ha_fail(err, HA_E_FORBIDDEN, "the profile signs for the source %s, not for %.80s", profile->source, source);
        return ha_at(err, "/headers/" HA_FSPIOP_SOURCE);
    }
    return HA_OK;
}

// The members in the order of the reference library.
static enum ha_code make_header(const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                                struct ha_fspiop_job *job, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf json = {0};
    ha_jw_object(&json, NULL);
    ha_jw_string(&json, "alg", ha_alg_info(job->alg)->name);
    ha_jw_string(&json, HA_FSPIOP_URI, ha_buf_text(&job->uri));
    ha_jw_string(&json, HA_FSPIOP_METHOD, ha_buf_text(&job->method));
    if (put_optional(message, HA_FSPIOP_SOURCE, &json, err) ||
        put_optional(message, HA_FSPIOP_DESTINATION, &json, err) || put_optional(message, "Date", &json, err) ||
        put_optional(message, HA_FSPIOP_ENCRYPTION, &json, err))
        return err->code;
    for (size_t i = 0; i < profile->protect.n; i++)
        if (!is_fixed(profile->protect.items[i]) && put_optional(message, profile->protect.items[i], &json, err))
            return err->code;
    ha_jw_object_end(&json);
    ha_b64u_encode(&job->header, json.data, json.len);
    if (!ha_buf_ok(&json) || !ha_buf_ok(&job->header))
        return ha_fail(err, HA_E_MEMORY, "out of memory for an FSPIOP signature");
    if (job->header.len <= HA_FSPIOP_HEADER_MAX)
        return HA_OK;
    ha_fail(err, HA_E_TOO_LARGE, "the protected header has over %d characters", HA_FSPIOP_HEADER_MAX);
    return ha_at(err, "/headers");
}

enum ha_code ha_fspiop_begin(const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                             const struct ha_pubkey *key, struct ha_fspiop_job *ret_job, struct ha_err *err)
{
    if (ha_http_message_check(message, err))
        return err->code;
    if (message->status != 0) {
        ha_fail(err, HA_E_MALFORMED, "responses must not be signed");
        return ha_at(err, "/status");
    }
    if (choose_alg(profile, key, &ret_job->alg, err) || check_source(profile, message, err) ||
        ha_fspiop_uri_of(profile->uri, message->url, &ret_job->uri, err) ||
        ha_fspiop_body(profile->canonical, message, &ret_job->body, err))
        return err->code;
    ha_buf_puts(&ret_job->method, message->method);
    if (!ha_buf_ok(&ret_job->uri) || !ha_buf_ok(&ret_job->body) || !ha_buf_ok(&ret_job->method))
        return ha_fail(err, HA_E_MEMORY, "out of memory for an FSPIOP signature");
    if (make_header(profile, message, ret_job, err))
        return err->code;
    return ha_fspiop_input(ha_buf_text(&ret_job->header), ret_job->body.data, ret_job->body.len, &ret_job->input, err);
}

enum ha_code ha_fspiop_end(const struct ha_fspiop_job *job, const uint8_t *signature, size_t n,
                           struct ha_fspiop_fields *ret_fields, struct ha_err *err)
{
    // The members in the order of the reference library, as before.
    ha_jw_object(&ret_fields->value, NULL);
    ha_jw_string(&ret_fields->value, "protectedHeader", ha_buf_text(&job->header));
    ha_jw_bytes(&ret_fields->value, "signature", signature, n);
    ha_jw_object_end(&ret_fields->value);
    if (!ha_buf_ok(&ret_fields->value))
        return ha_fail(err, HA_E_MEMORY, "out of memory for an FSPIOP signature");
    ret_fields->n = HA_FSPIOP_FIELDS;
    ret_fields->field[0] = (struct ha_http_field){HA_FSPIOP_SIGNATURE, ha_buf_text(&ret_fields->value)};
    ret_fields->field[1] = (struct ha_http_field){HA_FSPIOP_URI, ha_buf_text(&job->uri)};
    ret_fields->field[2] = (struct ha_http_field){HA_FSPIOP_METHOD, ha_buf_text(&job->method)};
    return HA_OK;
}
