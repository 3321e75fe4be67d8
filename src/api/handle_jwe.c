// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/jwe-decrypt: a message that was encrypted to a key of ours, and the signed one inside it.
#include "api/jwe_common.h"
#include "api/members.h"
#include "base/file.h"
#include "format/x5c.h"
#include "keys/use.h"

#include <stddef.h>
#include <string.h>

#define CERTIFICATE_MAX (128 * 1024)  // bytes of PEM

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

// The certificate that the request or the profile names, for a kid made of it.
static enum ha_code read_certificate(const struct decrypt_request *request, const struct ha_jwe_profile *options,
                                     struct ha_x5c *ret_chain, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    if (request->certificate)
        return ha_x5c_from_pem(request->certificate, strlen(request->certificate), ret_chain, err)
                   ? ha_at(err, "/certificate")
                   : HA_OK;
    if (!options->certificate)
        return HA_OK;
    if (ha_file_read(options->certificate, CERTIFICATE_MAX, HA_FILE_ANY, &pem, err) ||
        ha_x5c_from_pem(ha_buf_text(&pem), pem.len, ret_chain, err))
        return ha_wrap(err, "the profile's certificate");
    return HA_OK;
}

// What the key is called in messages: what the request says, or the profile. Nothing: any message will do.
static enum ha_code find_kid(const struct ha_key *key, struct decrypt_request *request,
                             const struct ha_jwe_profile *options, const char **ret_kid, struct ha_err *err)
{
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    if (read_certificate(request, options, &chain, err) || (chain.n && ha_x5c_check_key(&chain, key->public_key, err)))
        return err->code;
    enum ha_kid_rule rule = request->certificate ? HA_KID_X5T_S256 : options->kid;
    const char *text = request->kid ? request->kid : request->certificate ? NULL : options->kid_text;
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

enum ha_code ha_handle_jwe_decrypt(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(decrypt_request_clear) struct decrypt_request request = {0};
    ha_auto(ha_buf_clear) struct ha_buf plaintext = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    const struct ha_profile *profile = NULL;
    const struct ha_jwe_profile *options;
    struct ha_jwe_key own = {0};
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
    own.key = key->public_key;
    if (find_kid(key, &request, options, &own.kid, err))
        return err->code;
    if (ha_jwe_begin(options, &own, request.text.data, request.text.n, &request.job, err))
        return ha_at(err, "/jwe");
    if (ha_call_allowed_profile(call, HA_OPERATION_JWE_DECRYPT, request.job.alg, profile, err) ||
        ask_token(call, key, &request, err))
        return err->code;
    const struct ha_exchange *exchange = &request.use.exchange;
    if (ha_jwe_end(&request.job, exchange->code ? NULL : exchange->output.data, exchange->output.len, &plaintext, err))
        return err->code;
    write_plaintext(call, key, &request, &plaintext);
    if (request.verify && ha_jwe_verify_inner(request.verify, options, &plaintext, call->out, err))
        return err->code;
    ha_jw_object_end(call->out);
    return HA_OK;
}
