// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/http-signature: the header fields that sign one HTTP message, or those of a batch of messages.
#include "api/http_members.h"
#include "api/items.h"
#include "format/dip.h"
#include "format/fspiop.h"
#include "format/rfc9421.h"
#include "keys/certificates.h"
#include "policy/tls.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct item {
    struct ha_item common;
    struct ha_http_members http;
    const char *certificate;  // PEM; NULL: the profile's, or the installed one
    const struct ha_profile *profile;
    enum ha_alg alg;
    const struct ha_buf *input;
    union {
        struct ha_dip_job dip;
        struct ha_fspiop_job fspiop;
        struct ha_rfc9421_job rfc9421;
    } job;
};

static const struct ha_member members[] = {
    HA_HTTP_MEMBERS(struct item, http),
    {"certificate", HA_MEMBER_STRING, false, offsetof(struct item, certificate)},
    {0},
};

static void clear(struct ha_item *common)
{
    struct item *item = (struct item *)common;
    ha_http_members_clear(&item->http);
    if (!item->profile)
        return;
    if (item->profile->scheme == HA_SCHEME_DIP)
        ha_dip_clear(&item->job.dip);
    if (item->profile->scheme == HA_SCHEME_FSPIOP)
        ha_fspiop_clear(&item->job.fspiop);
    if (item->profile->scheme == HA_SCHEME_RFC9421)
        ha_rfc9421_clear(&item->job.rfc9421);
}

static enum ha_code check(const struct ha_call_context *call, const char *prefix, struct ha_item *common,
                          struct ha_err *err)
{
    struct item *item = (struct item *)common;
    char pointer[48];
    snprintf(pointer, sizeof pointer, "%s/profile", prefix);
    if (ha_http_members_finish(&item->http, prefix, err))
        return err->code;
    return ha_call_profile(call, item->http.profile, HA_HTTP_SCHEMES, pointer, &item->profile, err);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The request's, the profile's, or the installed one.
static enum ha_code read_certificate(const struct item *item, struct ha_key *key,
                                     struct ha_certificate **ret_certificate, struct ha_err *err)
{
    const struct ha_dip_profile *profile = item->profile->options;
    ha_auto(ha_certificate_free) struct ha_certificate *named = NULL;
    struct ha_err other = {0};
    if (item->certificate)
        return ha_certificate_read(item->certificate, strlen(item->certificate), ret_certificate, err);
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *installed = ha_key_certificate(key);
    if (profile->certificate_file && ha_certificate_read_file(profile->certificate_file, &named, err))
        return err->code;
    if (installed && (!named || ha_certificate_check_key(named, key->public_key, &other))) {
        const struct ha_buf *der = &installed->chain.der[0];
        return ha_certificate_read(der->data, der->len, ret_certificate, err);
    }
    *ret_certificate = ha_take(&named);
    return *ret_certificate
               ? HA_OK
               : ha_fail(err, HA_E_MALFORMED,
                         "the message needs the key's certificate: none is installed, and neither request nor profile "
                         "has it");
}

static enum ha_code begin_dip(struct item *item, struct ha_key *key, struct ha_err *err)
{
    const struct ha_dip_profile *profile = item->profile->options;
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    enum ha_code code = read_certificate(item, key, &certificate, err);
    if (code)
        return ha_at(err, "/certificate");
    struct ha_dip_job *job = &item->job.dip;
    if (ha_dip_begin(profile, &item->http.message, key->public_key, certificate, now_ms(), job, err))
        return err->code;
    item->alg = job->alg;
    item->input = &job->input;
    return HA_OK;
}

static enum ha_code begin(struct item *item, struct ha_key *key, struct ha_err *err)
{
    if (item->profile->scheme == HA_SCHEME_DIP)
        return begin_dip(item, key, err);
    if (item->certificate) {
        ha_fail(err, HA_E_MALFORMED, "the profile %s sends no certificate", item->profile->name);
        return ha_at(err, "/certificate");
    }
    if (item->profile->scheme == HA_SCHEME_FSPIOP) {
        struct ha_fspiop_job *job = &item->job.fspiop;
        if (ha_fspiop_begin(item->profile->options, &item->http.message, key->public_key, job, err))
            return err->code;
        item->alg = job->alg;
        item->input = &job->input;
        return HA_OK;
    }
    struct ha_rfc9421_job *job = &item->job.rfc9421;
    if (ha_rfc9421_begin(item->profile->options, &item->http.message, key->public_key, now_ms() / 1000, job, err))
        return err->code;
    item->alg = job->alg;
    item->input = &job->input;
    return HA_OK;
}

static enum ha_code allow(const struct ha_call_context *call, const struct ha_item *common, struct ha_err *err)
{
    const struct item *item = (const struct item *)common;
    return ha_call_allowed_profile(call, HA_OPERATION_HTTP_SIGNATURE, HA_ALG_NONE, item->profile, err);
}

static enum ha_code prepare(const struct ha_call_context *call, struct ha_key *key, const char *prefix,
                            struct ha_item *common, struct ha_err *err)
{
    const enum ha_operation operation = HA_OPERATION_HTTP_SIGNATURE;
    struct item *item = (struct item *)common;
    if (!key->public_key)
        return ha_fail(err, HA_E_KEY_INCOMPLETE, "the key '%s' isn't whole yet", key->name);
    if (begin(item, key, err))
        return ha_http_members_at(prefix, err);
    if (ha_call_allowed_profile(call, operation, item->alg, item->profile, err) ||
        ha_use_sign(key, item->alg, HA_PURPOSE_SIGN, item->input->data, item->input->len, &common->use, err))
        return err->code;
    enum ha_content content = ha_content_classify(item->input->data, item->input->len);
    if (ha_tls_check_message(content, err))
        return ha_call_refused_content(call, operation, content, err);
    return ha_call_take(call, operation, item->alg, item->profile, NULL, &common->use, err);
}

static void write_item(struct ha_buf *out, const struct ha_key *key, const struct item *item,
                       const struct ha_http_field *fields, size_t n, const struct ha_buf *body)
{
    ha_jw_object(out, NULL);
    ha_write_use(out, key, item->alg, item->common.use.token);
    ha_jw_string(out, "profile", item->profile->name);
    ha_jw_object(out, "headers");
    for (size_t i = 0; i < n; i++)
        ha_jw_string(out, fields[i].name, fields[i].value);
    ha_jw_object_end(out);
    if (body)
        ha_jw_bytes(out, "body", body->data, body->len);
    ha_jw_object_end(out);
}

static enum ha_code finish_dip(const struct ha_key *key, const struct item *item, struct ha_buf *out,
                               struct ha_err *err)
{
    const struct ha_buf *signature = &item->common.use.exchange.output;
    ha_auto(ha_dip_fields_clear) struct ha_dip_fields fields = {0};
    if (ha_dip_end(&item->job.dip, signature->data, signature->len, &fields, err))
        return err->code;
    write_item(out, key, item, fields.field, fields.n, NULL);
    return HA_OK;
}

static enum ha_code finish_fspiop(const struct ha_key *key, const struct item *item, struct ha_buf *out,
                                  struct ha_err *err)
{
    const struct ha_buf *signature = &item->common.use.exchange.output;
    ha_auto(ha_fspiop_fields_clear) struct ha_fspiop_fields fields = {0};
    if (ha_fspiop_end(&item->job.fspiop, signature->data, signature->len, &fields, err))
        return err->code;
    write_item(out, key, item, fields.field, fields.n, &item->job.fspiop.body);
    return HA_OK;
}

static enum ha_code finish_rfc9421(const struct ha_key *key, const struct item *item, struct ha_buf *out,
                                   struct ha_err *err)
{
    const struct ha_buf *signature = &item->common.use.exchange.output;
    ha_auto(ha_rfc9421_fields_clear) struct ha_rfc9421_fields fields = {0};
    if (ha_rfc9421_end(&item->job.rfc9421, signature->data, signature->len, &fields, err))
        return err->code;
    write_item(out, key, item, fields.field, fields.n, NULL);
    return HA_OK;
}

static enum ha_code finish(const struct ha_key *key, struct ha_item *common, struct ha_buf *out, struct ha_err *err)
{
    const struct item *item = (const struct item *)common;
    if (item->profile->scheme == HA_SCHEME_DIP)
        return finish_dip(key, item, out, err);
    return item->profile->scheme == HA_SCHEME_FSPIOP ? finish_fspiop(key, item, out, err)
                                                     : finish_rfc9421(key, item, out, err);
}

enum ha_code ha_handle_http_signature(struct ha_call_context *call, struct ha_err *err)
{
    static const struct ha_item_kind kind = {
        .size = sizeof(struct item),
        .operation = HA_OPERATION_HTTP_SIGNATURE,
        .operations = 1u << HA_OPERATION_HTTP_SIGNATURE,
        .members = members,
        .check = check,
        .allow = allow,
        .prepare = prepare,
        .finish = finish,
        .clear = clear,
    };
    return ha_items_handle(call, &kind, err);
}
