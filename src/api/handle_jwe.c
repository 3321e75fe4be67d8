// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/jwe-decrypt: a message that was encrypted to a key of ours, and the signed one inside it.
#include "api/jwe_common.h"
#include "api/members.h"
#include "api/message_certificate.h"
#include "format/x5c.h"
#include "keys/use.h"

#include <stddef.h>
#include <string.h>

struct decrypt_request {
    const char *profile, *kid, *certificate;
    const ha_json *jwe, *verify;
    struct ha_json_text text;  // of the message
    struct ha_buf own_kid;
    struct ha_jwe job;
    struct ha_use use;
};

static const struct ha_member decrypt_members[] = {
    {"profile", HA_MEMBER_STRING, false, offsetof(struct decrypt_request, profile)},
    {"jwe", HA_MEMBER_ANY, true, offsetof(struct decrypt_request, jwe)},
    {"kid", HA_MEMBER_STRING, false, offsetof(struct decrypt_request, kid)},
    {"certificate", HA_MEMBER_STRING, false, offsetof(struct decrypt_request, certificate)},
    {"verify", HA_MEMBER_OBJECT, false, offsetof(struct decrypt_request, verify)},
    {0},
};

static void decrypt_request_clear(struct decrypt_request *request)
{
    ha_buf_clear(&request->own_kid);
    ha_jwe_clear(&request->job);
    ha_use_clear(&request->use);
}
HA_AUTO_DEFINE_CLEAR(struct decrypt_request, decrypt_request_clear)

static enum ha_code read_message(const struct ha_call_context *call, struct decrypt_request *request,
                                 struct ha_err *err)
{
    const char *text = ha_json_string(request->jwe);
    if (text)
        request->text = (struct ha_json_text){text, strlen(text)};
    else if (ha_json_type(request->jwe) == HA_JSON_OBJECT)
        request->text = ha_jwe_member_text(call, "jwe");
    else
        ha_fail(err, HA_E_MALFORMED, "\"jwe\" must be the text of a JWE, or one as an object");
    return request->text.data ? HA_OK : ha_at(err, "/jwe");
}

// What the version is called in messages: what the request says, or the profile. Nothing: any message will do.
static enum ha_code find_kid(struct ha_key *key, bool alone, struct decrypt_request *request,
                             const struct ha_jwe_profile *options, const char **ret_kid, struct ha_err *err)
{
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    struct ha_err why = {0};
    *ret_kid = NULL;
    ha_buf_reset(&request->own_kid);
    if (ha_message_certificate(key, request->certificate, options->certificate, &chain, err))
        return err->code;
    if (chain.n && ha_x5c_check_key(&chain, key->public_key, &why)) {
        // The profile's certificate is one version's. What the others are called isn't known here.
        if (!alone && !request->certificate)
            return HA_OK;
        *err = why;
        return err->code;
    }
    enum ha_kid_rule rule = request->certificate ? HA_KID_X5T_S256 : options->kid;
    const char *text = request->kid ? request->kid : request->certificate ? NULL : options->kid_text;
    // Nobody has said yet what this version's certificate is.
    if (!alone && rule == HA_KID_X5T_S256 && !text && chain.n == 0)
        return HA_OK;
    if (ha_kid_make(rule, text, key->public_key, chain.n ? &chain : NULL, &request->own_kid, err))
        return err->code;
    *ret_kid = request->own_kid.len ? ha_buf_text(&request->own_kid) : NULL;
    return HA_OK;
}

// Has the token do its part. That it couldn't decrypt isn't told here: the rest of the work is still to be done.
static enum ha_code ask_token(const struct ha_call_context *call, struct ha_key *key, struct decrypt_request *request,
                              struct ha_err *err)
{
    const struct ha_jwe *job = &request->job;
    struct ha_use *use = &request->use;
    if (job->alg == HA_ALG_ECDH
            ? ha_use_derive(key, job->alg, job->epk, use, err)
            : ha_use_decrypt(key, job->alg, job->encrypted_key.data, job->encrypted_key.len, NULL, 0, use, err))
        return err->code;
    ha_call_exchange(call, key, &use, 1);
    if (use->exchange.code && use->exchange.code != HA_E_DECRYPTION) {
        *err = use->exchange.err;
        return err->code;
    }
    return HA_OK;
}

static void write_plaintext(struct ha_call_context *call, const struct ha_key *key,
                            const struct decrypt_request *request, const struct ha_buf *plaintext)
{
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "key", key->name);
    ha_jw_number(call->out, "version", key->version);
    ha_jw_string(call->out, "algorithm", ha_jwe_alg_info(request->job.jwe_alg)->name);
    ha_jw_string(call->out, "token", request->use.token);
    ha_jw_string(call->out, "encryption", ha_aead_info(request->job.enc)->name);
    if (request->job.kid)
        ha_jw_string(call->out, "kid", request->job.kid);
    ha_buf_printf(call->out, ",\"header\":%s", ha_buf_text(&request->job.header));
    ha_jw_bytes(call->out, "plaintext", plaintext->data, plaintext->len);
}

// Reads the message as one for this version.
static enum ha_code begin(struct ha_key *key, bool alone, struct decrypt_request *request,
                          const struct ha_jwe_profile *options, struct ha_err *err)
{
    struct ha_jwe_key own = {.key = key->public_key};
    ha_jwe_clear(&request->job);
    if (!key->public_key)
        return ha_fail(err, HA_E_KEY_INCOMPLETE, "version %u of '%s' is half-made", key->version, key->name);
    if (find_kid(key, alone, request, options, &own.kid, err))
        return err->code;
    return ha_jwe_begin(options, &own, request->text.data, request->text.n, &request->job, err) ? ha_at(err, "/jwe")
                                                                                                : HA_OK;
}

// A message is one use, by however many versions it is tried.
static enum ha_code take(const struct ha_call_context *call, const struct ha_profile *profile,
                         const struct decrypt_request *request, struct ha_err *err)
{
    if (call->takings->n > 0)
        return HA_OK;
    return ha_call_take(call, HA_OPERATION_JWE_DECRYPT, request->job.alg, profile, NULL, NULL, err);
}

static enum ha_code finish(const struct ha_call_context *call, struct ha_key *key, const struct ha_profile *profile,
                           struct decrypt_request *request, struct ha_buf *plaintext, struct ha_err *err)
{
    ha_use_clear(&request->use);
    request->use = (struct ha_use){0};
    if (ha_call_allowed_profile(call, HA_OPERATION_JWE_DECRYPT, request->job.alg, profile, err) ||
        take(call, profile, request, err) || ask_token(call, key, request, err))
        return err->code;
    const struct ha_exchange *exchange = &request->use.exchange;
    return ha_jwe_end(&request->job, exchange->code ? NULL : exchange->output.data, exchange->output.len, plaintext,
                      err);
}

// Whether the message that was begun names this version.
static bool is_named(const struct ha_key *key, const struct decrypt_request *request)
{
    ha_auto(ha_buf_clear) struct ha_buf thumbprint = {0};
    struct ha_err ignored = {0};
    const char *kid = request->job.kid;
    if (!kid)
        return false;
    if (request->own_kid.len && strcmp(ha_buf_text(&request->own_kid), kid) == 0)
        return true;
    return ha_kid_make(HA_KID_THUMBPRINT, NULL, key->public_key, NULL, &thumbprint, &ignored) == HA_OK &&
           strcmp(ha_buf_text(&thumbprint), kid) == 0;
}

// Of two failures the one that says more: a version that can't be asked, before a message that is another one's,
// before one that isn't for it by its header.
static void note(struct ha_err *failure, const struct ha_err *own, bool begun)
{
    if (!failure->code || (begun && (own->code != HA_E_DECRYPTION || failure->code == HA_E_KEY_CANNOT)))
        *failure = *own;
}

// By the version that the message names. One that names none known is tried with each, unless that could give an
// attacker answers that one key alone wouldn't: with RSA1_5 only the first one is.
static enum ha_code decrypt(const struct ha_call_context *call, struct ha_key *const *versions, size_t n,
                            const struct ha_profile *profile, const struct ha_jwe_profile *options,
                            struct decrypt_request *request, struct ha_buf *plaintext, size_t *ret_i,
                            struct ha_err *err)
{
    struct ha_err failure = {0};
    for (size_t i = 0; i < n && n > 1; i++) {
        struct ha_err ignored = {0};
        if (begin(versions[i], false, request, options, &ignored) || !is_named(versions[i], request))
            continue;
        *ret_i = i;
        return finish(call, versions[i], profile, request, plaintext, err);
    }
    for (size_t i = 0; i < n; i++) {
        struct ha_err own = {0};
        bool begun = begin(versions[i], n == 1, request, options, &own) == HA_OK;
        if (begun && i > 0 && request->job.alg == HA_ALG_RSA1_5)
            continue;
        if (begun && finish(call, versions[i], profile, request, plaintext, &own) == HA_OK) {
            *ret_i = i;
            return HA_OK;
        }
        note(&failure, &own, begun);
    }
    *err = failure;
    return err->code;
}

static enum ha_code decrypt_by_any(const struct ha_call_context *call, struct ha_key *key,
                                   const struct ha_profile *profile, const struct ha_jwe_profile *options,
                                   struct decrypt_request *request, struct ha_buf *plaintext, struct ha_key **ret_key,
                                   struct ha_err *err)
{
    size_t n, i = 0;
    struct ha_key **versions = ha_call_versions(call, key, &n);
    if (n == 0)
        ha_fail(err, HA_E_MEMORY, "out of memory");
    else if (decrypt(call, versions, n, profile, options, request, plaintext, &i, err) == HA_OK)
        *ret_key = ha_key_ref(versions[i]);
    ha_keys_list_free(versions, n);
    return err->code;
}

enum ha_code ha_handle_jwe_decrypt(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(decrypt_request_clear) struct decrypt_request request = {0};
    ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL, *fitting = NULL;
    const struct ha_profile *profile = NULL;
    const struct ha_jwe_profile *options;
    if (ha_jwe_says(call, "fspiop_encryption"))
        return ha_handle_fields_decrypt(call, err);
    if (ha_members_read(call->body, decrypt_members, "", &request, err) || read_message(call, &request, err) ||
        ha_jwe_profile_of(call, request.profile, &profile, &options, err) ||
        ha_call_key_profile(call, HA_OPERATION_JWE_DECRYPT, HA_ALG_NONE, profile, &key, err))
        return err->code;
    if (options->nested && !request.verify) {
        ha_fail(err, HA_E_MALFORMED, "the profile wants the signature inside to be verified");
        return ha_at(err, "/verify");
    }
    if (decrypt_by_any(call, key, profile, options, &request, &plaintext, &fitting, err))
        return err->code;
    write_plaintext(call, fitting, &request, &plaintext);
    if (request.verify && ha_jwe_verify_inner(request.verify, options, &plaintext, call->out, err))
        return err->code;
    ha_jw_object_end(call->out);
    return HA_OK;
}
