// SPDX-License-Identifier: Apache-2.0
#include "enrol/dogtag_json.h"

#include "base/json.h"
#include "base/json_text.h"
#include "enrol/answer.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

bool ha_dogtag_id_valid(const char *id)
{
    bool hex = strncmp(id, "0x", 2) == 0;
    const char *digits = hex ? id + 2 : id;
    size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    return n > 0 && digits[n] == '\0' && strlen(id) < HA_DOGTAG_ID_SIZE;
}

enum ha_code ha_dogtag_parse(const char *text, size_t n, const char *what, ha_json **ret_json, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err cause = {0};
    if (ha_json_parse(text, n, DEPTH_MAX, &json, &cause) == HA_E_MEMORY) {
        *err = cause;
        return err->code;
    }
    if (!json || ha_json_type(json) != HA_JSON_OBJECT) {
        ha_fail(err, HA_E_CA, "the CA's answer isn't %s: %s", what, json ? "it is no JSON object" : cause.detail);
        return ha_hint(err, "Check that the URL is Dogtag's, and that nothing in between answers in its place.");
    }
    *ret_json = ha_take(&json);
    return HA_OK;
}

static enum ha_code odd(struct ha_err *err, const char *what)
{
    ha_fail(err, HA_E_CA, "the CA's answer %s", what);
    return ha_hint(err, "Check that the CA is Dogtag, and its version: v2 and v1 of the REST API are understood.");
}

static void clean_copy(const char *text, char *out, size_t size)
{
    size_t at = 0;
    for (; text && *text && at + 1 < size; text++)
        out[at++] = *text >= ' ' && *text <= '~' ? *text : '?';
    out[at] = '\0';
}

// The text of the object's member, as it was written.
static bool member_text(const ha_json *object, struct ha_json_text text, const char *name, struct ha_json_text *ret)
{
    struct ha_json_walk walk;
    ha_json_walk_begin(&walk, text);
    for (const ha_json *member = ha_json_first(object); member; member = ha_json_next(member)) {
        if (!ha_json_walk_next(&walk, ret))
            return false;
        if (strcmp(ha_json_name(member), name) == 0)
            return true;
    }
    return false;
}

// --- Answers

static enum ha_code read_id(const ha_json *object, const char *name, bool needed, char ret_id[static HA_DOGTAG_ID_SIZE],
                            struct ha_err *err)
{
    const char *id = ha_json_get_string(object, name);
    if (!id && !needed)
        return HA_OK;
    if (!id || !ha_dogtag_id_valid(id))
        return odd(err, needed ? "has no id of the request" : "has an id that can't be one");
    snprintf(ret_id, HA_DOGTAG_ID_SIZE, "%s", id);
    return HA_OK;
}

static enum ha_code read_info(const ha_json *object, struct ha_dogtag_info *ret_info, struct ha_err *err)
{
    static const struct {
        const char *name;
        enum ha_dogtag_status status;
    } statuses[] = {
        {"begin", HA_DOGTAG_PENDING},       {"pending", HA_DOGTAG_PENDING},   {"approved", HA_DOGTAG_PENDING},
        {"svc_pending", HA_DOGTAG_PENDING}, {"complete", HA_DOGTAG_COMPLETE}, {"rejected", HA_DOGTAG_REJECTED},
        {"canceled", HA_DOGTAG_REJECTED},
    };
    struct ha_dogtag_info info = {0};
    const char *status = ha_json_get_string(object, "requestStatus");
    size_t i = 0;
    while (i < HA_ARRAY_SIZE(statuses) && (!status || strcmp(statuses[i].name, status) != 0))
        i++;
    if (i == HA_ARRAY_SIZE(statuses))
        return odd(err, "has no status of the request that is known");
    info.status = statuses[i].status;
    if (read_id(object, "requestID", true, info.request_id, err) ||
        read_id(object, "certId", info.status == HA_DOGTAG_COMPLETE, info.certificate_id, err))
        return err->code;
    clean_copy(ha_json_get_string(object, "errorMessage"), info.words, sizeof info.words);
    *ret_info = info;
    return HA_OK;
}

// The items of a list's "entries", which v1 may write as its only item. NULL: there is none.
static const ha_json *first_entry(const ha_json *json)
{
    const ha_json *entries = ha_json_get(json, "entries");
    if (entries && ha_json_type(entries) == HA_JSON_ARRAY)
        return ha_json_first(entries);
    return entries && ha_json_type(entries) == HA_JSON_OBJECT ? entries : NULL;
}

static const ha_json *next_entry(const ha_json *json, const ha_json *entry)
{
    return ha_json_get(json, "entries") == entry ? NULL : ha_json_next(entry);
}

enum ha_code ha_dogtag_read_submitted(const char *text, size_t n, struct ha_dogtag_info *ret_info, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_parse(text, n, "a list of requests", &json, err))
        return err->code;
    const ha_json *entry = first_entry(json);
    if (!entry || next_entry(json, entry) || ha_json_type(entry) != HA_JSON_OBJECT)
        return odd(err, "doesn't name one request");
    return read_info(entry, ret_info, err);
}

enum ha_code ha_dogtag_read_request(const char *text, size_t n, struct ha_dogtag_info *ret_info, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_parse(text, n, "a request", &json, err))
        return err->code;
    return read_info(json, ret_info, err);
}

enum ha_code ha_dogtag_read_ids(const char *text, size_t n, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_parse(text, n, "a list of requests", &json, err))
        return err->code;
    for (const ha_json *entry = first_entry(json); entry; entry = next_entry(json, entry)) {
        char id[HA_DOGTAG_ID_SIZE] = "";
        if (ha_json_type(entry) != HA_JSON_OBJECT || read_id(entry, "requestID", true, id, err))
            return odd(err, "lists something that is no request");
        ha_buf_printf(out, "%s\n", id);
    }
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a list");
}

static bool has_nonce(const ha_json *object, const char *name)
{
    const ha_json *nonce = ha_json_get(object, name);
    return nonce && (ha_json_type(nonce) == HA_JSON_NUMBER || (ha_json_string(nonce) && *ha_json_string(nonce)));
}

static const ha_json *items(const ha_json *value)
{
    return value && ha_json_type(value) == HA_JSON_ARRAY ? ha_json_first(value) : value;
}

// After an item of items(list).
static const ha_json *after(const ha_json *list, const ha_json *item)
{
    return list == item ? NULL : ha_json_next(item);
}

static const char *find_csr(const ha_json *review)
{
    const ha_json *inputs = ha_json_get(review, "Input");
    for (const ha_json *input = items(inputs); input; input = after(inputs, input)) {
        const ha_json *attributes = ha_json_type(input) == HA_JSON_OBJECT ? ha_json_get(input, "Attribute") : NULL;
        for (const ha_json *one = items(attributes); one; one = after(attributes, one)) {
            const char *name = ha_json_type(one) == HA_JSON_OBJECT ? ha_json_get_string(one, "name") : NULL;
            if (name && strcmp(name, "cert_request") == 0)
                return ha_json_get_string(one, "Value");
        }
    }
    return NULL;
}

enum ha_code ha_dogtag_read_review(const char *text, size_t n, const char *request_id, struct ha_buf *ret_csr,
                                   struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_parse(text, n, "a request's review", &json, err))
        return err->code;
    const char *id = ha_json_get_string(json, "requestId");
    if (!has_nonce(json, "nonce"))
        return odd(err, "has no nonce: the request may be decided about already");
    if (!id || strcasecmp(id, request_id) != 0)
        return odd(err, "is the review of another request");
    const char *csr = find_csr(json);
    ha_buf_puts(ret_csr, csr ? csr : "");
    return ha_buf_ok(ret_csr) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a review");
}

enum ha_code ha_dogtag_read_certificate(const char *text, size_t n, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_parse(text, n, "a certificate", &json, err))
        return err->code;
    const char *encoded = ha_json_get_string(json, "Encoded"), *chain = ha_json_get_string(json, "PKCS7CertChain");
    if (!encoded)
        return odd(err, "has no certificate");
    if (ha_answer_pem(encoded, strlen(encoded), out, err))
        return err->code;
    return chain && *chain ? ha_answer_pkcs7(chain, strlen(chain), out, err) : HA_OK;
}

enum ha_code ha_dogtag_put_revocation(const char *review, size_t n, const char *reason, const char *comments,
                                      struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_json_text nonce;
    if (ha_dogtag_parse(review, n, "a certificate's review", &json, err))
        return err->code;
    if (!has_nonce(json, "Nonce") || !member_text(json, (struct ha_json_text){review, n}, "Nonce", &nonce))
        return odd(err, "has no nonce");
    ha_buf_puts(out, "{\"Reason\":");
    ha_jw_quoted(out, reason);
    if (comments) {
        ha_buf_puts(out, ",\"Comments\":");
        ha_jw_quoted(out, comments);
    }
    // 63 bits: a number that is read and written again may be another one.
    ha_buf_puts(out, ",\"Nonce\":");
    ha_buf_append(out, nonce.data, nonce.n);
    ha_buf_putc(out, '}');
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a request");
}

enum ha_code ha_dogtag_read_profiles(const char *text, size_t n, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    if (ha_dogtag_parse(text, n, "a list of profiles", &json, err))
        return err->code;
    for (const ha_json *entry = first_entry(json); entry; entry = next_entry(json, entry)) {
        char id[128] = "", name[200] = "";
        if (ha_json_type(entry) == HA_JSON_OBJECT) {
            clean_copy(ha_json_get_string(entry, "profileId"), id, sizeof id);
            clean_copy(ha_json_get_string(entry, "profileName"), name, sizeof name);
        }
        if (!id[0])
            return odd(err, "lists something that is no profile");
        ha_buf_printf(out, "%s\t%s\n", id, name);
    }
    return ha_buf_ok(out) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory for a list");
}

void ha_dogtag_read_refusal(const char *text, size_t n, char *ret_words, size_t size)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_err cause = {0};
    ret_words[0] = '\0';
    if (ha_json_parse(text, n, DEPTH_MAX, &json, &cause) == HA_OK && ha_json_type(json) == HA_JSON_OBJECT)
        clean_copy(ha_json_get_string(json, "Message"), ret_words, size);
}
