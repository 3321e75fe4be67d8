// SPDX-License-Identifier: Apache-2.0
#include "api/audit.h"

#include "api/audit_fields.h"
#include "base/clock.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

void ha_audit_asked(const struct ha_call_context *call, const struct ha_question *question,
                    const struct ha_client_config *client)
{
    struct ha_call_record *record = call->record;
    if (!record)
        return;
    record->asked = true;
    const size_t n = strnlen(question->key, sizeof record->key - 1);
    memcpy(record->key, question->key, n);
    record->key[n] = '\0';
    record->operation = question->operation;
    record->alg = question->alg;
    record->profile = question->profile;
    record->client = client ? client->name : NULL;
    record->shadow = NULL;
}

void ha_audit_shadowed(const struct ha_call_context *call, const char *reason)
{
    if (call->record)
        call->record->shadow = reason;
}

// What is the same for all lines of a request.
static struct ha_audit_record begin(const struct ha_call_context *call)
{
    const struct ha_request *request = call->request;
    const struct ha_call_record *known = call->record;
    struct ha_audit_record record = {
        .uid = request->principal->uid,
        .gid = request->principal->gid,
        .unit = request->principal->unit,
        .exe = request->principal->exe,
        .listen = request->listen,
        .client = known->client,
        .request = request->id,
        .latency_us = ha_now_us() - known->start_us,
        .policy = call->api->policy,
    };
    if (call->name && strncmp(request->path, "/v1/keys/", strlen("/v1/keys/")) == 0)
        record.key = call->name;
    else
        record.object = call->name;
    if (known->asked) {
        // Of a path that names a key, another one that it was about: a backup's.
        if (!record.key)
            record.key = known->key;
        else if (strcmp(record.key, known->key) != 0)
            record.object = known->key;
        record.operation = ha_operation_info(known->operation)->name;
        record.algorithm = known->alg ? ha_alg_info(known->alg)->name : NULL;
        record.profile = known->profile;
    }
    return record;
}

static bool is_told(const struct ha_call_context *call)
{
    return call->api->audit && call->record;
}

static enum ha_code tell(const struct ha_call_context *call, const struct ha_audit_record *records, size_t n,
                         struct ha_err *err)
{
    call->record->told += (unsigned)n;
    return ha_audit_use(call->api->audit, records, n, err);
}

// Nothing was done.
static enum ha_code tell_refusal(const struct ha_call_context *call, const struct ha_audit_record *record,
                                 struct ha_err *err)
{
    call->record->told++;
    return ha_audit_refuse(call->api->audit, record, err);
}

enum ha_code ha_audit_refused(const struct ha_call_context *call, enum ha_content content, struct ha_err *err)
{
    if (!is_told(call))
        return err->code;
    struct ha_audit_record record = begin(call);
    struct ha_err failure = {0};
    record.code = err->code;
    if (content != HA_CONTENT_COUNT)
        record.content = ha_content_info(content)->name;
    if (tell_refusal(call, &record, &failure))
        *err = failure;
    return err->code;
}

void ha_audit_unheard(struct ha_audit *audit, const struct ha_principal *principal, const char *listen,
                      const char *request, const struct ha_err *err)
{
    struct ha_err told = {0};  // it is refused in any case, and the log says that it missed something
    const struct ha_audit_record record = {
        .uid = principal ? principal->uid : (uid_t)-1,
        .gid = principal ? principal->gid : (gid_t)-1,
        .unit = principal ? principal->unit : NULL,
        .exe = principal ? principal->exe : NULL,
        .listen = listen,
        .request = request,
        .code = err->code,
    };
    ha_audit_refuse(audit, &record, &told);
}

unsigned ha_audit_told(const struct ha_call_context *call)
{
    return call->record ? call->record->told : 0;
}

enum ha_code ha_audit_item(const struct ha_call_context *call, unsigned told, struct ha_err *err)
{
    return ha_audit_told(call) > told ? err->code : ha_audit_refused(call, HA_CONTENT_COUNT, err);
}

// What of a line is in memory of its own.
struct one {
    uint8_t hash[HA_AUDIT_HASH_LEN];
    struct ha_buf fields;
};

void ha_audit_prepare(const struct ha_call_context *call, struct ha_use *use)
{
    const enum ha_alg alg = (enum ha_alg)use->exchange.question.alg;
    if (is_told(call) && use->data.data && !use->hashed && ha_alg_info(alg)->hash == HA_HASH_SHA256)
        use->hashed = ha_audit_hash(call->api->audit, use->data.data, use->data.len, use->digest);
}

// What was signed, decrypted or agreed with, by its hash; its memory is hash.
static void put_content(const struct ha_audit *audit, const struct ha_use *use, uint8_t hash[static HA_AUDIT_HASH_LEN],
                        struct ha_audit_record *record)
{
    const struct ha_packet *question = &use->exchange.question;
    struct ha_part what = use->said.data ? use->said : question->part[2];
    if (question->op == HA_OP_SIGN && !use->said.data) {
        record->digest = question->part[2].data;
        record->digest_len = question->part[2].len;
        return;
    }
    if (use->said.data)
        record->content = ha_content_info(ha_content_classify(what.data, what.len))->name;
    if (use->hashed && ha_alg_info((enum ha_alg)question->alg)->hash == HA_HASH_SHA256)
        record->content_sha256 = use->digest;
    else if (ha_audit_hash(audit, what.data, what.len, hash))
        record->content_sha256 = hash;
}

static void put_use(const struct ha_call_context *call, const struct ha_key *key, const struct ha_use *use,
                    struct one *one, struct ha_audit_record *record)
{
    const struct ha_call_record *known = call->record;
    const struct ha_use_grant *grant = &use->grant;
    record->key = key->name;
    record->object = NULL;
    record->version = key->version;
    record->spki_sha256 = ha_pubkey_spki_sha256(key->public_key);
    record->algorithm = ha_alg_info((enum ha_alg)use->exchange.question.alg)->name;
    record->token = use->token;
    record->code = use->exchange.code;
    // What the policy was asked last may have been another item of a batch.
    if (grant->client) {
        record->client = grant->client;
        record->operation = ha_operation_info(grant->operation)->name;
        record->algorithm = ha_alg_info(grant->alg)->name;
        record->profile = grant->profile;
    }
    record->shadow = grant->client ? grant->shadow : known->shadow;
    put_content(call->api->audit, use, one->hash, record);
    ha_audit_fields(grant->client ? grant->operation : known->operation, known->asked ? use->said : (struct ha_part){0},
                    &one->fields);
    record->fields = &one->fields;
}

enum ha_code ha_audit_used(const struct ha_call_context *call, struct ha_key *key, struct ha_use *const *uses, size_t n,
                           struct ha_err *err)
{
    if (!is_told(call))
        return HA_OK;
    const struct ha_audit_record begun = begin(call);
    if (n == 1) {
        struct one one = {0};
        struct ha_audit_record record = begun;
        put_use(call, key, uses[0], &one, &record);
        enum ha_code code = tell(call, &record, 1, err);
        ha_buf_clear(&one.fields);
        return code;
    }
    ha_auto(ha_free) struct ha_audit_record *records = calloc(n, sizeof *records);
    ha_auto(ha_free) struct one *ones = calloc(n, sizeof *ones);
    if (!records || !ones)
        return ha_fail(err, HA_E_AUDIT, "out of memory for the audit log");
    for (size_t i = 0; i < n; i++) {
        records[i] = begun;
        put_use(call, key, uses[i], &ones[i], &records[i]);
    }
    enum ha_code code = tell(call, records, n, err);
    for (size_t i = 0; i < n; i++)
        ha_buf_clear(&ones[i].fields);
    return code;
}

void ha_audit_spoil(struct ha_use *const *uses, size_t n, const struct ha_err *err)
{
    for (size_t i = 0; i < n; i++) {
        ha_buf_clear(&uses[i]->exchange.output);
        uses[i]->exchange.code = err->code;
        uses[i]->exchange.err = *err;
    }
}

// Reading isn't recorded unless it was refused.
static bool is_worth_a_line(const struct ha_call_context *call, enum ha_code code)
{
    bool changes = call->name && strcmp(call->request->method, "GET") != 0;
    return changes || code == HA_E_FORBIDDEN || code == HA_E_NOT_ADMIN || code == HA_E_CROSS_ORIGIN;
}

enum ha_code ha_audit_done(const struct ha_call_context *call, struct ha_err *err)
{
    if (!is_told(call) || call->record->told || err->code == HA_E_AUDIT || !is_worth_a_line(call, err->code))
        return err->code;
    struct ha_audit_record record = begin(call);
    struct ha_err failure = {0};
    record.route = call->record->route;
    record.code = err->code;
    record.shadow = call->record->shadow;
    // Where an administrator's act failed, a part of it may have been done.
    bool begun = err->code == HA_OK || (call->request->admin && ha_code_info(err->code)->status >= 500);
    enum ha_code code = begun ? tell(call, &record, 1, &failure) : tell_refusal(call, &record, &failure);
    if (code && err->code == HA_OK)
        ha_hint(&failure, "it was done, but isn't in the log: look at what there is before you do it again");
    if (code)
        *err = failure;
    return err->code;
}
