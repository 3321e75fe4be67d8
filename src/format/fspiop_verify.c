// SPDX-License-Identifier: Apache-2.0
// Verifying what another participant of Mojaloop has signed.
#include "base/json.h"
#include "base/text.h"
#include "format/fspiop_header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

// What the field FSPIOP-Signature holds.
struct said {
    struct ha_buf header_text;  // base64url, as it came
    ha_json *header;
    struct ha_buf signature;
};

static void said_clear(struct said *said)
{
    ha_buf_clear(&said->header_text);
    ha_json_free(said->header);
    ha_buf_clear(&said->signature);
}
HA_AUTO_DEFINE_CLEAR(struct said, said_clear)

static enum ha_code refuse_field(struct ha_err *err)
{
    return ha_at(err, "/headers/" HA_FSPIOP_SIGNATURE);
}

static enum ha_code read_said(const ha_json *json, struct said *said, struct ha_err *err)
{
    const char *header = ha_json_get_string(json, "protectedHeader"),
               *signature = ha_json_get_string(json, "signature");
    ha_auto(ha_buf_clear) struct ha_buf decoded = {0};
    if (!header || !signature || ha_json_size(json) != 2)
        return ha_fail(err, HA_E_MALFORMED,
                       HA_FSPIOP_SIGNATURE " isn't an object with just \"signature\" and \"protectedHeader\"");
    if (strlen(header) > HA_FSPIOP_HEADER_MAX)
        return ha_fail(err, HA_E_TOO_LARGE, "the protected header has over %d characters", HA_FSPIOP_HEADER_MAX);
    ha_buf_puts(&said->header_text, header);
    if (ha_b64u_decode(&decoded, header, strlen(header), err))
        return ha_wrap(err, "the protected header");
    if (ha_b64u_decode(&said->signature, signature, strlen(signature), err))
        return ha_wrap(err, "the signature");
    if (ha_json_parse(ha_buf_text(&decoded), decoded.len, 1, &said->header, err))
        return ha_wrap(err, "the protected header");
    if (ha_json_type(said->header) != HA_JSON_OBJECT)
        return ha_fail(err, HA_E_MALFORMED, "the protected header is no JSON object");
    return HA_OK;
}

static enum ha_code read_field(const struct ha_http_message *message, struct said *said, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    const char *value = ha_http_field_only(message, HA_FSPIOP_SIGNATURE, &buf);
    if (!value) {
        ha_fail(err, HA_E_NOT_VERIFIED, "the message has %s field " HA_FSPIOP_SIGNATURE,
                ha_http_field_count(message, HA_FSPIOP_SIGNATURE) ? "more than one" : "no");
        return refuse_field(err);
    }
    if (strlen(value) > HA_FSPIOP_VALUE_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, HA_FSPIOP_SIGNATURE " has over %d bytes", HA_FSPIOP_VALUE_MAX);
        return refuse_field(err);
    }
    if (ha_json_parse(value, strlen(value), 1, &json, err)) {
        ha_wrap(err, HA_FSPIOP_SIGNATURE);
        return refuse_field(err);
    }
    return read_said(json, said, err) ? refuse_field(err) : HA_OK;
}

static enum ha_code choose_alg(const struct ha_fspiop_profile *profile, const struct said *said,
                               const struct ha_pubkey *key, enum ha_alg *ret_alg, struct ha_err *err)
{
    const char *name = ha_json_get_string(said->header, "alg");
    enum ha_alg alg = name ? ha_alg_by_name(name) : HA_ALG_NONE;
    uint32_t accept = profile->accept ? profile->accept : 1u << HA_ALG_RS256 | 1u << HA_ALG_ES256;
    if (alg == HA_ALG_NONE || ha_alg_info(alg)->use != HA_USE_SIGN || !(accept & 1u << alg))
        return ha_fail(err, HA_E_NOT_VERIFIED, "the algorithm \"%.20s\" isn't accepted", name ? name : "");
    if (!ha_alg_fits(alg, ha_pubkey_type(key)))
        return ha_fail(err, HA_E_NOT_VERIFIED, "the algorithm %s isn't for the source's key, which is of the type %s",
                       name, ha_key_type_info(ha_pubkey_type(key))->name);
    *ret_alg = alg;
    return HA_OK;
}

// A protected value against that of the message. Both have to be there, and the same.
static enum ha_code same(const char *name, const char *said, const char *is, struct ha_err *err)
{
    if (said && is && strcmp(said, is) == 0)
        return HA_OK;
    if (!said)
        ha_fail(err, HA_E_NOT_VERIFIED, "%s isn't in the protected header", name);
    else if (!is)
        ha_fail(err, HA_E_NOT_VERIFIED, "%s is in the protected header, but not in the message's", name);
    else
        ha_fail(err, HA_E_NOT_VERIFIED, "%s is '%.100s' in the protected header, and '%.100s' in the message", name,
                said, is);
    return ha_at(err, "/headers/%.60s", name);
}

static enum ha_code same_as_field(const struct ha_http_message *message, const char *name, const char *said,
                                  struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf buf = {0};
    if (ha_http_field_count(message, name) > 1) {
        ha_fail(err, HA_E_NOT_VERIFIED, "the message has more than one field %.60s", name);
        return ha_at(err, "/headers/%.60s", name);
    }
    return same(name, said, ha_http_field_only(message, name, &buf), err);
}

// The two of which the protected header has a copy, and HTTP the truth; a field that says so again has to agree.
static enum ha_code check_line(const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                               const ha_json *header, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf uri = {0};
    const char *said_uri = ha_json_get_string(header, HA_FSPIOP_URI);
    const char *said_method = ha_json_get_string(header, HA_FSPIOP_METHOD);
    if (ha_fspiop_uri_of(profile->uri, message->url, &uri, err) ||
        same(HA_FSPIOP_URI, said_uri, ha_buf_text(&uri), err) ||
        same(HA_FSPIOP_METHOD, said_method, message->method, err))
        return err->code;
    if (ha_http_field_count(message, HA_FSPIOP_URI) && same_as_field(message, HA_FSPIOP_URI, said_uri, err))
        return err->code;
    if (ha_http_field_count(message, HA_FSPIOP_METHOD))
        return same_as_field(message, HA_FSPIOP_METHOD, said_method, err);
    return HA_OK;
}

// Names of the protected header are case-sensitive, unlike HTTP's.
static bool is_line(const char *name)
{
    return strcmp(name, "alg") == 0 || strcmp(name, HA_FSPIOP_URI) == 0 || strcmp(name, HA_FSPIOP_METHOD) == 0;
}

static enum ha_code check_fields(const struct ha_http_message *message, const ha_json *header, struct ha_err *err)
{
    // These have to be protected; the last two when they are there.
    static const char *const needed[] = {HA_FSPIOP_SOURCE, HA_FSPIOP_DESTINATION, HA_FSPIOP_ENCRYPTION};
    for (size_t i = 0; i < HA_ARRAY_SIZE(needed); i++) {
        bool there = i == 0 || ha_http_field_count(message, needed[i]) > 0;
        if (there && same_as_field(message, needed[i], ha_json_get_string(header, needed[i]), err))
            return err->code;
    }
    for (const ha_json *member = ha_json_first(header); member; member = ha_json_next(member)) {
        const char *name = ha_json_name(member), *value = ha_json_string(member);
        if (!value) {
            ha_fail(err, HA_E_NOT_VERIFIED, "\"%.60s\" in the protected header is no string", name);
            return refuse_field(err);
        }
        if (!is_line(name) && same_as_field(message, name, value, err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code check_date(const struct ha_fspiop_profile *profile, const ha_json *header, int64_t now_s,
                               struct ha_err *err)
{
    const char *date = ha_json_get_string(header, "Date");
    struct tm when = {0};
    if (!profile->max_age_s)
        return HA_OK;
    // RFC 9110 section 5.6.7, the form that is sent today. The process has the C locale.
    const char *end = date ? strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &when) : NULL;
    if (!end || *end)
        ha_fail(err, HA_E_NOT_VERIFIED, "Date isn't protected, or no date of HTTP");
    else if (llabs((int64_t)timegm(&when) - now_s) > (int64_t)profile->max_age_s)
        ha_fail(err, HA_E_NOT_VERIFIED, "the message's Date is %s, over %u seconds from the time of verification", date,
                profile->max_age_s);
    else
        return HA_OK;
    return ha_at(err, "/headers/Date");
}

// The signature over the bytes that came. Senders sign what they send, so these are the same; a sender that signs the
// sorted form and sends another one is caught here.
static enum ha_code check_signature(const struct said *said, enum ha_alg alg, const struct ha_http_message *message,
                                    const struct ha_pubkey *key, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf input = {0};
    if (ha_fspiop_input(ha_buf_text(&said->header_text), message->body, message->body_len, &input, err))
        return err->code;
    if (ha_pubkey_verify(key, alg, input.data, input.len, said->signature.data, said->signature.len))
        return HA_OK;
    ha_fail(err, HA_E_NOT_VERIFIED,
            "the signature isn't made with the source's key over this body and protected header");
    return refuse_field(err);
}

enum ha_code ha_fspiop_verify(const struct ha_fspiop_profile *profile, const struct ha_http_message *message,
                              const struct ha_pubkey *key, int64_t now_s, struct ha_err *err)
{
    ha_auto(said_clear) struct said said = {0};
    enum ha_alg alg = HA_ALG_NONE;
    if (ha_http_message_check(message, err))
        return err->code;
    if (message->status != 0 || message->body_len == 0) {
        ha_fail(err, HA_E_NOT_VERIFIED, "only requests with a body are signed");
        return ha_at(err, "/body");
    }
    if (read_field(message, &said, err) || choose_alg(profile, &said, key, &alg, err) ||
        check_line(profile, message, said.header, err) || check_fields(message, said.header, err) ||
        check_date(profile, said.header, now_s, err))
        return err->code;
    return check_signature(&said, alg, message, key, err);
}
