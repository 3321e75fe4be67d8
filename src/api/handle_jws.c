// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/jws and /jwt: finished messages, one or a batch of them.
#include "api/audit.h"
#include "api/audit.h"
#include "api/items.h"
#include "api/message_signer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One message of a request.
struct message {
    struct ha_member_bytes payload;
    const char *payload_text, *serialization;
    const ha_json *header, *unprotected, *claims, *signers_json;
    bool detached, b64;
    uint64_t lifetime;
    struct ha_message_content content;
    struct ha_message_signer main;  // as the table fills it; signers[0] after
    struct ha_message_signer *signers;
    size_t n_signers;
    enum ha_jws_form form;
    enum ha_code code;
    struct ha_err err;  // when code isn't HA_OK
};

#define MAIN(member) offsetof(struct message, main.member)
static const struct ha_member jws_members[] = {
    {"profile", HA_MEMBER_STRING, false, MAIN(profile_name)},
    {"algorithm", HA_MEMBER_ALG, false, MAIN(algorithm)},
    {"header", HA_MEMBER_OBJECT, false, offsetof(struct message, header)},
    {"unprotected", HA_MEMBER_OBJECT, false, offsetof(struct message, unprotected)},
    {"certificate", HA_MEMBER_STRING, false, MAIN(certificate)},
    {"payload", HA_MEMBER_BYTES, false, offsetof(struct message, payload)},
    {"payload_text", HA_MEMBER_STRING, false, offsetof(struct message, payload_text)},
    {"detached", HA_MEMBER_BOOL, false, offsetof(struct message, detached)},
    {"b64", HA_MEMBER_BOOL, false, offsetof(struct message, b64)},
    {"serialization", HA_MEMBER_STRING, false, offsetof(struct message, serialization)},
    {"signers", HA_MEMBER_ARRAY, false, offsetof(struct message, signers_json)},
    {0},
};

static const struct ha_member jwt_members[] = {
    {"profile", HA_MEMBER_STRING, false, MAIN(profile_name)},
    {"algorithm", HA_MEMBER_ALG, false, MAIN(algorithm)},
    {"header", HA_MEMBER_OBJECT, false, offsetof(struct message, header)},
    {"certificate", HA_MEMBER_STRING, false, MAIN(certificate)},
    {"claims", HA_MEMBER_OBJECT, true, offsetof(struct message, claims)},
    {"lifetime", HA_MEMBER_UINT, false, offsetof(struct message, lifetime)},
    {0},
};

struct signer_members {
    const char *key, *profile, *certificate;
    enum ha_alg algorithm;
    const ha_json *header, *unprotected;
};

static const struct ha_member signer_members[] = {
    {"key", HA_MEMBER_STRING, true, offsetof(struct signer_members, key)},
    {"profile", HA_MEMBER_STRING, false, offsetof(struct signer_members, profile)},
    {"algorithm", HA_MEMBER_ALG, false, offsetof(struct signer_members, algorithm)},
    {"header", HA_MEMBER_OBJECT, false, offsetof(struct signer_members, header)},
    {"unprotected", HA_MEMBER_OBJECT, false, offsetof(struct signer_members, unprotected)},
    {"certificate", HA_MEMBER_STRING, false, offsetof(struct signer_members, certificate)},
    {0},
};

static void message_clear(struct message *message)
{
    ha_buf_clear(&message->payload.buf);
    for (size_t i = 0; i < message->n_signers; i++)
        ha_message_signer_clear(&message->signers[i]);
    free(message->signers);
}
HA_AUTO_DEFINE_CLEAR(struct message, message_clear)

// Puts the prefix of the message's object before the error's pointer.
static enum ha_code place(const char *prefix, struct ha_err *err)
{
    char pointer[sizeof err->pointer];
    memcpy(pointer, err->pointer, sizeof pointer);
    return prefix[0] ? ha_at(err, "%s%.80s", prefix, pointer) : err->code;
}

static enum ha_code read_signer(const ha_json *json, struct ha_json_text text, const char *prefix,
                                struct ha_message_signer *signer, struct ha_err *err)
{
    struct signer_members members = {0};
    if (ha_members_read(json, signer_members, prefix, &members, err))
        return err->code;
    signer->key_name = members.key;
    signer->profile_name = members.profile;
    signer->certificate = members.certificate;
    signer->algorithm = members.algorithm;
    signer->header = ha_json_text_of(json, text, members.header);
    signer->unprotected = ha_json_text_of(json, text, members.unprotected);
    return HA_OK;
}

// The key of the path signs first, then the others.
static enum ha_code read_signers(struct message *message, struct ha_json_text text, const char *prefix,
                                 struct ha_err *err)
{
    size_t n = 1 + (message->signers_json ? ha_json_size(message->signers_json) : 0);
    if (n > HA_JWS_SIGNERS_MAX) {
        ha_fail(err, HA_E_TOO_LARGE, "a message has %d signers at most", HA_JWS_SIGNERS_MAX);
        return ha_at(err, "%s/signers", prefix);
    }
    message->signers = calloc(n, sizeof(*message->signers));
    if (!message->signers)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    message->n_signers = n;
    message->signers[0] = message->main;
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, text);
    const ha_json *item = message->signers_json ? ha_json_first(message->signers_json) : NULL;
    for (size_t i = 1; item && ha_json_walk_next(&walk, &value); item = ha_json_next(item), i++) {
        char at[64];
        snprintf(at, sizeof at, "%s/signers/%zu", prefix, i - 1);
        message->signers[i].unencoded = message->main.unencoded;
        if (read_signer(item, value, at, &message->signers[i], err))
            return err->code;
    }
    return HA_OK;
}

static enum ha_code read_form(const char *name, const char *prefix, enum ha_jws_form *ret_form, struct ha_err *err)
{
    for (enum ha_jws_form form = 0; form < HA_JWS_FORM_COUNT; form++) {
        if (!name || strcmp(name, ha_jws_form_name(form)) == 0) {
            *ret_form = form;
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_MALFORMED, "\"%.40s\" is no serialization of a JWS", name);
    ha_hint(err, "they are compact, flattened and general");
    return ha_at(err, "%s/serialization", prefix);
}

static enum ha_code read_jws(const ha_json *json, struct ha_json_text text, const char *prefix, struct message *message,
                             struct ha_err *err)
{
    message->b64 = true;
    if (ha_members_read(json, jws_members, prefix, message, err) ||
        read_form(message->serialization, prefix, &message->form, err))
        return err->code;
    if (message->payload.present == (message->payload_text != NULL)) {
        ha_fail(err, HA_E_MALFORMED, "exactly one of \"payload\" and \"payload_text\" is needed");
        return ha_at(err, "%s/payload", prefix);
    }
    const char *plain = message->payload_text;
    message->content.payload = plain ? (const void *)plain : message->payload.buf.data;
    message->content.payload_len = plain ? strlen(plain) : message->payload.buf.len;
    message->main.unencoded = !message->b64;
    message->main.header = ha_json_text_of(json, text, message->header);
    message->main.unprotected = ha_json_text_of(json, text, message->unprotected);
    return read_signers(message, ha_json_text_of(json, text, message->signers_json), prefix, err);
}

static enum ha_code read_jwt(const ha_json *json, struct ha_json_text text, const char *prefix, struct message *message,
                             struct ha_err *err)
{
    if (ha_members_read(json, jwt_members, prefix, message, err))
        return err->code;
    if (ha_json_get(json, "lifetime") && message->lifetime == 0) {
        ha_fail(err, HA_E_MALFORMED, "a lifetime is 1 s at least");
        return ha_at(err, "%s/lifetime", prefix);
    }
    message->content.claims = ha_json_text_of(json, text, message->claims);
    message->content.lifetime = (unsigned)message->lifetime;
    message->main.header = ha_json_text_of(json, text, message->header);
    return read_signers(message, (struct ha_json_text){0}, prefix, err);
}

// ha_jws_check_form and ha_jws_end take the jobs side by side; a shallow copy lends them.
static void lend_jobs(const struct message *message, struct ha_jws jobs[static HA_JWS_SIGNERS_MAX])
{
    for (size_t i = 0; i < message->n_signers; i++)
        jobs[i] = message->signers[i].job;
}

static enum ha_code prepare(const struct ha_call_context *call, struct message *message, struct ha_err *err)
{
    struct ha_jws jobs[HA_JWS_SIGNERS_MAX];
    for (size_t i = 0; i < message->n_signers; i++) {
        char prefix[32] = "";
        if (i)
            snprintf(prefix, sizeof prefix, "/signers/%zu", i - 1);
        if (ha_message_signer_prepare(call, &message->content, &message->signers[i], err))
            return place(prefix, err);
    }
    lend_jobs(message, jobs);
    for (size_t i = 0; i < message->n_signers; i++)
        if (ha_jws_check_form(ha_message_signer_options(&message->signers[i]), jobs, message->n_signers, message->form,
                              message->detached, err))
            return err->code;
    return HA_OK;
}

static enum ha_code finish(struct message *message, struct ha_buf *out, struct ha_err *err)
{
    struct ha_jws jobs[HA_JWS_SIGNERS_MAX];
    for (size_t i = 0; i < message->n_signers; i++)
        if (ha_message_signer_finish(&message->signers[i], err))
            return err->code;
    lend_jobs(message, jobs);
    return ha_jws_end(jobs, message->n_signers, message->form, message->detached, out, err);
}

static void write_signer(struct ha_buf *out, const struct ha_message_signer *signer)
{
    ha_write_use(out, signer->key, signer->job.alg, signer->use.token);
    if (signer->profile)
        ha_jw_string(out, "profile", signer->profile->name);
}

static void write_message(struct ha_buf *out, const struct message *message, const struct ha_buf *text)
{
    ha_jw_object(out, NULL);
    write_signer(out, &message->signers[0]);
    if (message->n_signers > 1) {
        ha_jw_array(out, "signers");
        for (size_t i = 1; i < message->n_signers; i++) {
            ha_jw_object(out, NULL);
            write_signer(out, &message->signers[i]);
            ha_jw_object_end(out);
        }
        ha_jw_array_end(out);
    }
    if (message->content.claims.data)
        ha_jw_string(out, "jwt", ha_buf_text(text));
    else if (message->form == HA_JWS_COMPACT)
        ha_jw_string(out, "jws", ha_buf_text(text));
    else
        ha_buf_printf(out, ",\"jws\":%s", ha_buf_text(text));
    ha_jw_object_end(out);
}

// An item of a batch: the message, or its problem.
static void write_result(const struct ha_call_context *call, struct message *message)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    if (message->code == HA_OK)
        message->code = finish(message, &text, &message->err);
    if (message->code)
        ha_write_problem(call->out, NULL, &message->err, call->request->id);
    else
        write_message(call->out, message, &text);
}

// Prepares all, asks the tokens at once, and leaves each message's outcome with it.
static enum ha_code sign_all(const struct ha_call_context *call, struct message *messages, size_t n, bool batch,
                             struct ha_err *err)
{
    struct ha_message_signer *signers[HA_BATCH_MAX];
    size_t n_signers = 0;
    for (size_t i = 0; i < n; i++) {
        char prefix[32] = "";
        if (batch)
            snprintf(prefix, sizeof prefix, "/items/%zu", i);
        const unsigned told = ha_audit_told(call);
        if (prepare(call, &messages[i], &messages[i].err)) {
            messages[i].code = ha_audit_item(call, told, &messages[i].err);
            place(prefix, &messages[i].err);
        }
        for (size_t j = 0; j < messages[i].n_signers && messages[i].code == HA_OK; j++) {
            if (n_signers == HA_BATCH_MAX)
                return ha_fail(err, HA_E_TOO_LARGE, "a request is for %d signatures at most", HA_BATCH_MAX);
            signers[n_signers++] = &messages[i].signers[j];
        }
    }
    ha_message_signers_exchange(call, signers, n_signers);
    return HA_OK;
}

typedef enum ha_code reader(const ha_json *json, struct ha_json_text text, const char *prefix, struct message *message,
                            struct ha_err *err);

static enum ha_code sign_one(struct ha_call_context *call, reader *read, struct ha_err *err)
{
    ha_auto(message_clear) struct message message = {.main.key_name = call->name};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const struct ha_json_text body = {(const char *)call->request->body, call->request->body_len};
    if (read(call->body, body, "", &message, err) || sign_all(call, &message, 1, false, err))
        return err->code;
    if (message.code) {
        *err = message.err;
        return err->code;
    }
    if (finish(&message, &text, err))
        return err->code;
    write_message(call->out, &message, &text);
    return HA_OK;
}

static enum ha_code sign_batch(struct ha_call_context *call, enum ha_operation operation, reader *read,
                               struct ha_err *err)
{
    const ha_json *items = NULL;
    size_t n = 0;
    if (ha_items_open(call, 1u << operation, operation, &items, &n, err))
        return err->code;
    struct message *messages = calloc(n, sizeof(*messages));
    if (!messages)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    const struct ha_json_text body = {(const char *)call->request->body, call->request->body_len};
    struct ha_json_walk walk;
    struct ha_json_text text;
    ha_json_walk_begin(&walk, ha_json_text_of(call->body, body, items));
    enum ha_code code = HA_OK;
    size_t i = 0;
    for (const ha_json *json = ha_json_first(items); json && !code; json = ha_json_next(json), i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "/items/%zu", i);
        ha_json_walk_next(&walk, &text);
        messages[i].main.key_name = call->name;
        code = read(json, text, prefix, &messages[i], err);
    }
    if (code == HA_OK)
        code = sign_all(call, messages, n, true, err);
    if (code == HA_OK) {
        ha_jw_object(call->out, NULL);
        ha_jw_array(call->out, "results");
        for (i = 0; i < n; i++)
            write_result(call, &messages[i]);
        ha_jw_array_end(call->out);
        ha_jw_object_end(call->out);
    }
    for (i = 0; i < n; i++)
        message_clear(&messages[i]);
    free(messages);
    return code;
}

enum ha_code ha_handle_jws(struct ha_call_context *call, struct ha_err *err)
{
    bool batch = ha_json_get(call->body, "items");
    return batch ? sign_batch(call, HA_OPERATION_JWS, read_jws, err) : sign_one(call, read_jws, err);
}

enum ha_code ha_handle_jwt(struct ha_call_context *call, struct ha_err *err)
{
    bool batch = ha_json_get(call->body, "items");
    return batch ? sign_batch(call, HA_OPERATION_JWT, read_jwt, err) : sign_one(call, read_jwt, err);
}
