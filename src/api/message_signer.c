// SPDX-License-Identifier: Apache-2.0
#include "api/message_signer.h"

#include "api/message_certificate.h"
#include "format/profile.h"
#include "policy/tls.h"

#include <string.h>
#include <time.h>

void ha_message_signer_clear(struct ha_message_signer *signer)
{
    ha_key_unref(signer->key);
    signer->key = NULL;
    ha_jws_clear(&signer->job);
    ha_use_clear(&signer->use);
}

static bool is_token(const struct ha_message_content *content)
{
    return content->claims.data != NULL;
}

static enum ha_code find_profile(const struct ha_call_context *call, bool token, struct ha_message_signer *signer,
                                 struct ha_err *err)
{
    // A JWT is no JWS of its claims: a profile for one isn't a way around the other's limits.
    unsigned scheme = HA_SCHEME_BIT(token ? HA_SCHEME_JWT : HA_SCHEME_JWS);
    bool installed = ha_profiles_at(call->api->profiles, 0) != NULL;
    if (!signer->profile_name && !installed)
        return HA_OK;  // the plain standard is built in
    return ha_call_profile(call, signer->profile_name, scheme, "/profile", &signer->profile, err);
}

static const struct ha_jwt_profile *token_options(const struct ha_message_signer *signer)
{
    return signer->profile ? signer->profile->options : ha_jwt_plain();
}

const struct ha_jws_profile *ha_message_signer_options(const struct ha_message_signer *signer)
{
    if (!signer->profile)
        return ha_jws_plain();
    return signer->profile->scheme == HA_SCHEME_JWT ? &token_options(signer)->jws : signer->profile->options;
}

static enum ha_code begin(const struct ha_message_content *content, struct ha_message_signer *signer, enum ha_alg alg,
                          struct ha_err *err)
{
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    const struct ha_jwt_profile *token = is_token(content) ? token_options(signer) : NULL;
    const struct ha_jws_profile *options = token ? &token->jws : ha_message_signer_options(signer);
    if (ha_message_certificate(signer->key, signer->certificate, options->certificate, &chain, err))
        return err->code;
    const struct ha_jws_request request = {
        .profile = options,
        .alg = alg,
        .key = signer->key->public_key,
        .certificate = chain.n ? &chain : NULL,
        .header = signer->header,
        .unprotected = signer->unprotected,
        .unencoded = signer->unencoded,
    };
    if (!token)
        return ha_jws_begin(&request, content->payload, content->payload_len, &signer->job, err);
    const struct ha_jwt_request claims = {.profile = token,
                                          .jws = request,
                                          .claims = content->claims,
                                          .lifetime = content->lifetime,
                                          .now_s = time(NULL)};
    return ha_jwt_begin(&claims, &signer->job, err);
}

// The call as one about that signer's key.
static struct ha_call_context call_of(const struct ha_call_context *call, const struct ha_message_signer *signer)
{
    struct ha_call_context own = *call;
    own.name = signer->key_name;
    // What the query chooses is a version of the path's key.
    if (!call->name || strcmp(call->name, signer->key_name) != 0)
        own.choice = (struct ha_version_choice){0};
    return own;
}

// The key, for a caller who may have such a message signed by it, and the algorithm.
static enum ha_code find_key(const struct ha_call_context *call, enum ha_operation operation,
                             struct ha_message_signer *signer, enum ha_alg *ret_alg, struct ha_err *err)
{
    const struct ha_call_context own = call_of(call, signer);
    // The key's type decides the algorithm when the request doesn't, but a caller is first asked for the right to know.
    if (ha_call_key_profile(&own, operation, signer->algorithm, signer->profile, &signer->key, err))
        return err->code;
    const struct ha_jws_profile *options =
        operation == HA_OPERATION_JWT ? &token_options(signer)->jws : ha_message_signer_options(signer);
    if (ha_jws_choose_alg(options, signer->key->type, signer->algorithm, ret_alg, err))
        return err->code;
    if (!signer->algorithm && ha_call_allowed_profile(&own, operation, *ret_alg, signer->profile, err))
        return err->code;
    return ha_use_check(signer->key, *ret_alg, HA_PURPOSE_SIGN, err);
}

enum ha_code ha_message_signer_prepare(const struct ha_call_context *call, const struct ha_message_content *content,
                                       struct ha_message_signer *signer, struct ha_err *err)
{
    enum ha_alg alg = HA_ALG_NONE;
    enum ha_operation operation = is_token(content) ? HA_OPERATION_JWT : HA_OPERATION_JWS;
    if (find_profile(call, is_token(content), signer, err) || find_key(call, operation, signer, &alg, err) ||
        begin(content, signer, alg, err))
        return err->code;
    const struct ha_buf *input = &signer->job.input;
    if (ha_use_sign(signer->key, alg, HA_PURPOSE_SIGN, input->data, input->len, &signer->use, err))
        return err->code;
    enum ha_content class = ha_content_classify(input->data, input->len);
    if (ha_tls_check_message(class, err))
        return ha_call_refused_content(call, operation, class, err);
    const struct ha_call_context own = call_of(call, signer);
    return ha_call_take(&own, operation, alg, signer->profile, NULL, &signer->use, err);
}

enum ha_code ha_message_signer_finish(struct ha_message_signer *signer, struct ha_err *err)
{
    const struct ha_exchange *exchange = &signer->use.exchange;
    if (exchange->code) {
        *err = exchange->err;
        return err->code;
    }
    ha_buf_append(&signer->job.signature, exchange->output.data, exchange->output.len);
    return ha_buf_ok(&signer->job.signature) ? HA_OK : ha_fail(err, HA_E_MEMORY, "out of memory");
}

void ha_message_signers_exchange(const struct ha_call_context *call, struct ha_message_signer *const *signers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ha_use *uses[HA_BATCH_MAX];
        size_t n_uses = 0;
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            first = signers[j]->key != signers[i]->key;
        for (size_t j = i; j < n && first; j++)
            if (signers[j]->key == signers[i]->key)
                uses[n_uses++] = &signers[j]->use;
        if (n_uses)
            ha_call_exchange(call, signers[i]->key, uses, n_uses);
    }
}
