// SPDX-License-Identifier: Apache-2.0
// Mojaloop's encrypted fields, of the requests jwe-decrypt and jwe-encrypt.
#include "api/jwe_common.h"
#include "api/members.h"
#include "format/fspiop_encryption.h"
#include "keys/use.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static enum ha_code find_profile(const struct ha_call_context *call, const char *name,
                                 const struct ha_profile **ret_profile,
                                 const struct ha_fspiop_encryption_profile **ret_options, struct ha_err *err)
{
    static const struct ha_fspiop_encryption_profile plain = {.long_iv = false};
    *ret_options = &plain;
    if (!name)
        return HA_OK;
    if (ha_call_profile(call, name, HA_SCHEME_BIT(HA_SCHEME_FSPIOP_ENCRYPTION), "/profile", ret_profile, err))
        return err->code;
    *ret_options = (*ret_profile)->options;
    return HA_OK;
}

struct decrypt_request {
    const char *profile, *header, *body_text;
    struct ha_fspiop_decryption job;
    struct ha_use *uses;  // one for each field; of one with another's encrypted key it stays empty
};

static const struct ha_member decrypt_members[] = {
    {"profile", HA_MEMBER_STRING, false, offsetof(struct decrypt_request, profile)},
    {"fspiop_encryption", HA_MEMBER_STRING, true, offsetof(struct decrypt_request, header)},
    {"body_text", HA_MEMBER_STRING, true, offsetof(struct decrypt_request, body_text)},
    {0},
};

static void decrypt_request_clear(struct decrypt_request *request)
{
    for (size_t i = 0; request->uses && i < request->job.n; i++)
        ha_use_clear(&request->uses[i]);
    free(request->uses);
    request->uses = NULL;
    ha_fspiop_decryption_clear(&request->job);
    request->job = (struct ha_fspiop_decryption){0};
}
HA_AUTO_DEFINE_CLEAR(struct decrypt_request, decrypt_request_clear)

// Has the token decrypt each content key once, all at the same time.
static enum ha_code ask_token(const struct ha_call_context *call, struct ha_key *key, struct decrypt_request *request,
                              const struct ha_profile *profile, struct ha_err *err)
{
    struct ha_use *asked[HA_FSPIOP_FIELDS_MAX];
    size_t n = 0;
    request->uses = calloc(request->job.n, sizeof(*request->uses));
    if (!request->uses)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (size_t i = 0; i < request->job.n; i++) {
        const struct ha_fspiop_field *field = &request->job.fields[i];
        const struct ha_jwe *jwe = &field->jwe;
        struct ha_use *use = &request->uses[i];
        if (field->same != i)
            continue;
        if (ha_call_allowed_profile(call, HA_OPERATION_JWE_DECRYPT, jwe->alg, profile, err))
            return err->code;
        if (jwe->alg == HA_ALG_ECDH
                ? ha_use_derive(key, jwe->alg, jwe->epk, use, err)
                : ha_use_decrypt(key, jwe->alg, jwe->encrypted_key.data, jwe->encrypted_key.len, NULL, 0, use, err))
            return err->code;
        asked[n++] = use;
    }
    // A message is one use, however many fields it has and by however many versions it is tried.
    if (call->takings->n == 0 &&
        ha_call_take(call, HA_OPERATION_JWE_DECRYPT, request->job.fields[0].jwe.alg, profile, NULL, NULL, err))
        return err->code;
    ha_call_exchange(call, key, asked, n);
    for (size_t i = 0; i < n; i++) {
        if (asked[i]->exchange.code && asked[i]->exchange.code != HA_E_DECRYPTION) {
            *err = asked[i]->exchange.err;
            return err->code;
        }
    }
    return HA_OK;
}

static enum ha_code decrypt_by(const struct ha_call_context *call, struct ha_key *key, const struct ha_profile *profile,
                               const struct ha_fspiop_encryption_profile *options, struct decrypt_request *request,
                               struct ha_buf *body, struct ha_err *err)
{
    struct ha_fspiop_secret secrets[HA_FSPIOP_FIELDS_MAX] = {0};
    const struct ha_json_text text = {request->body_text, strlen(request->body_text)};
    decrypt_request_clear(request);
    if (!key->public_key)
        return ha_fail(err, HA_E_KEY_INCOMPLETE, "version %u of '%s' is half-made", key->version, key->name);
    if (ha_fspiop_decrypt_begin(options, key->public_key, request->header, strlen(request->header), text, &request->job,
                                err) ||
        ask_token(call, key, request, profile, err))
        return err->code;
    for (size_t i = 0; i < request->job.n; i++) {
        const struct ha_exchange *exchange = &request->uses[i].exchange;
        if (!exchange->code)
            secrets[i] = (struct ha_fspiop_secret){exchange->output.data, exchange->output.len};
    }
    return ha_fspiop_decrypt_end(&request->job, secrets, body, err);
}

// The fields don't say to which version they were encrypted, so each is tried; as in jwe-decrypt, not with RSA1_5.
static enum ha_code decrypt_by_any(const struct ha_call_context *call, struct ha_key *active,
                                   const struct ha_profile *profile, const struct ha_fspiop_encryption_profile *options,
                                   struct decrypt_request *request, struct ha_buf *body, struct ha_key **ret_key,
                                   struct ha_err *err)
{
    size_t n, i = 0;
    struct ha_key **versions = ha_call_versions(call, active, &n);
    struct ha_err failure = {0};
    if (n == 0)
        ha_fail(&failure, HA_E_MEMORY, "out of memory");
    for (; i < n; i++) {
        struct ha_err own = {0};
        if (decrypt_by(call, versions[i], profile, options, request, body, &own) == HA_OK)
            break;
        if (!failure.code || (failure.code == HA_E_DECRYPTION && own.code != HA_E_DECRYPTION))
            failure = own;
        if (request->job.n && request->job.fields[0].jwe.alg == HA_ALG_RSA1_5) {
            i = n;
            break;
        }
    }
    if (i < n)
        *ret_key = ha_key_ref(versions[i]);
    else
        *err = failure;
    ha_keys_list_free(versions, n);
    return err->code;
}

enum ha_code ha_handle_fields_decrypt(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(decrypt_request_clear) struct decrypt_request request = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    ha_auto(ha_key_unref) struct ha_key *active = NULL, *key = NULL;
    const struct ha_profile *profile = NULL;
    const struct ha_fspiop_encryption_profile *options;
    if (ha_members_read(call->body, decrypt_members, "", &request, err) ||
        find_profile(call, request.profile, &profile, &options, err) ||
        ha_call_key_profile(call, HA_OPERATION_JWE_DECRYPT, HA_ALG_NONE, profile, &active, err) ||
        decrypt_by_any(call, active, profile, options, &request, &body, &key, err))
        return err->code;
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "key", key->name);
    ha_jw_number(call->out, "version", key->version);
    ha_jw_string(call->out, "algorithm", ha_jwe_alg_info(request.job.fields[0].jwe.jwe_alg)->name);
    ha_jw_string(call->out, "token", request.uses[0].token);
    ha_jw_string(call->out, "body_text", ha_buf_text(&body));
    ha_jw_object_end(call->out);
    return HA_OK;
}

struct encrypt_request {
    const char *profile, *body_text;
    const ha_json *recipient, *fields;
};

static const struct ha_member encrypt_members[] = {
    {"profile", HA_MEMBER_STRING, false, offsetof(struct encrypt_request, profile)},
    {"recipient", HA_MEMBER_ANY, true, offsetof(struct encrypt_request, recipient)},
    {"fields", HA_MEMBER_ARRAY, true, offsetof(struct encrypt_request, fields)},
    {"body_text", HA_MEMBER_STRING, true, offsetof(struct encrypt_request, body_text)},
    {0},
};

// The names; how many there may be is asked later.
static enum ha_code read_names(const ha_json *list, const char *ret_names[static HA_FSPIOP_FIELDS_MAX], size_t *ret_n,
                               struct ha_err *err)
{
    size_t n = 0;
    for (const ha_json *item = ha_json_first(list); item; item = ha_json_next(item)) {
        if (n == HA_FSPIOP_FIELDS_MAX || !ha_json_string(item)) {
            ha_fail(err, HA_E_MALFORMED, "\"fields\" is a list of 1 to %d names", HA_FSPIOP_FIELDS_MAX);
            return ha_at(err, "/fields/%zu", n);
        }
        ret_names[n++] = ha_json_string(item);
    }
    *ret_n = n;
    return HA_OK;
}

enum ha_code ha_handle_fields_encrypt(struct ha_call_context *call, struct ha_err *err)
{
    struct encrypt_request request = {0};
    ha_auto(ha_jwk_clear) struct ha_jwk recipient = {0};
    ha_auto(ha_buf_clear) struct ha_buf kid = {0};
    ha_auto(ha_buf_clear) struct ha_buf header = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *names[HA_FSPIOP_FIELDS_MAX];
    const struct ha_profile *profile = NULL;
    const struct ha_fspiop_encryption_profile *options;
    size_t n = 0;
    if (ha_members_read(call->body, encrypt_members, "", &request, err) ||
        find_profile(call, request.profile, &profile, &options, err) ||
        ha_jwe_recipient(request.recipient, HA_KID_NONE, &recipient, &kid, err) ||
        read_names(request.fields, names, &n, err))
        return err->code;
    const struct ha_json_text text = {request.body_text, strlen(request.body_text)};
    if (ha_fspiop_encrypt(options, recipient.key, names, n, text, &header, &body, err))
        return err->code;
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "fspiop_encryption", ha_buf_text(&header));
    ha_jw_string(call->out, "body_text", ha_buf_text(&body));
    ha_jw_object_end(call->out);
    return HA_OK;
}
