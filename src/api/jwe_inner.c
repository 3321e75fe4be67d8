// SPDX-License-Identifier: Apache-2.0
// The signed message inside of an encrypted one: verified when it comes, signed when it goes.
#include "api/jwe_common.h"
#include "api/members.h"
#include "api/message_signer.h"
#include "format/jws_verify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct verify_request {
    const ha_json *jwks, *algorithms;
    const char *key;
};

static const struct ha_member verify_members[] = {
    {"jwks", HA_MEMBER_OBJECT, false, offsetof(struct verify_request, jwks)},
    {"key", HA_MEMBER_STRING, false, offsetof(struct verify_request, key)},
    {"algorithms", HA_MEMBER_ARRAY, false, offsetof(struct verify_request, algorithms)},
    {0},
};

static enum ha_code read_algs(const ha_json *list, uint32_t *ret_algs, struct ha_err *err)
{
    if (list && !ha_json_size(list)) {
        ha_fail(err, HA_E_MALFORMED, "\"algorithms\" permits none");
        return ha_at(err, "/verify/algorithms");
    }
    for (const ha_json *item = list ? ha_json_first(list) : NULL; item; item = ha_json_next(item)) {
        const char *name = ha_json_string(item);
        enum ha_alg alg = name ? ha_alg_by_name(name) : HA_ALG_NONE;
        if (!alg || ha_alg_info(alg)->use != HA_USE_SIGN) {
            ha_fail(err, HA_E_MALFORMED, "\"algorithms\" is a list of names of signature algorithms");
            return ha_at(err, "/verify/algorithms");
        }
        *ret_algs |= 1u << alg;
    }
    return HA_OK;
}

enum ha_code ha_jwe_verify_inner(const ha_json *verify, const struct ha_jwe_profile *options,
                                 const struct ha_buf *message, struct ha_buf *out, struct ha_err *err)
{
    struct verify_request request = {0};
    ha_auto(ha_jwks_clear) struct ha_jwks keys = {0};
    ha_auto(ha_jws_verified_clear) struct ha_jws_verified verified = {0};
    struct ha_jws_rules rules = {.keys = &keys, .profile_algs = options->inner_algs};
    if (ha_members_read(verify, verify_members, "/verify", &request, err) ||
        read_algs(request.algorithms, &rules.algs, err))
        return err->code;
    if (!request.jwks == !request.key) {
        ha_fail(err, HA_E_MALFORMED, "the signature inside is verified with \"jwks\" or with \"key\", one of them");
        return ha_at(err, "/verify");
    }
    if (request.jwks ? ha_jwks_add_json(&keys, request.jwks, err)
                     : ha_jwks_add_pem(&keys, request.key, strlen(request.key), time(NULL), err))
        return ha_at(err, request.jwks ? "/verify/jwks" : "/verify/key");
    if (ha_jws_verify((const char *)message->data, message->len, &rules, &verified, err))
        return ha_wrap(err, "the JWS inside");
    ha_jw_object(out, "signature");
    ha_jw_string(out, "algorithm", ha_alg_info(verified.alg)->name);
    if (verified.jwk && verified.jwk->kid)
        ha_jw_string(out, "kid", verified.jwk->kid);
    ha_jw_object_end(out);
    ha_jw_bytes(out, "payload", verified.payload.data, verified.payload.len);
    return HA_OK;
}

struct sign_request {
    const char *key, *profile, *certificate;
    enum ha_alg algorithm;
    const ha_json *header;
};

static const struct ha_member sign_members[] = {
    {"key", HA_MEMBER_STRING, true, offsetof(struct sign_request, key)},
    {"profile", HA_MEMBER_STRING, false, offsetof(struct sign_request, profile)},
    {"certificate", HA_MEMBER_STRING, false, offsetof(struct sign_request, certificate)},
    {"algorithm", HA_MEMBER_ALG, false, offsetof(struct sign_request, algorithm)},
    {"header", HA_MEMBER_OBJECT, false, offsetof(struct sign_request, header)},
    {0},
};

// Puts "/sign" before the error's pointer.
static enum ha_code within_sign(struct ha_err *err)
{
    char pointer[sizeof(err->pointer)];
    snprintf(pointer, sizeof(pointer), "%.80s", err->pointer);
    return ha_at(err, "/sign%s", pointer);
}

static void signer_clear(struct ha_message_signer *signer)
{
    ha_message_signer_clear(signer);
}
HA_AUTO_DEFINE_CLEAR(struct ha_message_signer, signer_clear)

enum ha_code ha_jwe_sign_inner(const struct ha_call_context *call, const ha_json *sign, struct ha_json_text claims,
                               const struct ha_buf *payload, struct ha_buf *out, struct ha_err *err)
{
    struct sign_request request = {0};
    if (ha_members_read(sign, sign_members, "/sign", &request, err))
        return err->code;
    ha_auto(signer_clear) struct ha_message_signer signer = {
        .key_name = request.key,
        .profile_name = request.profile,
        .certificate = request.certificate,
        .algorithm = request.algorithm,
    };
    if (request.header)
        signer.header = ha_json_text_of(sign, ha_jwe_member_text(call, "sign"), ha_json_get(sign, "header"));
    const struct ha_message_content content = {payload->data, payload->len, claims, 0};
    if (ha_message_signer_prepare(call, &content, &signer, err))
        return strncmp(err->pointer, "/claims", 7) == 0 ? err->code : within_sign(err);
    const struct ha_jws_profile *options = ha_message_signer_options(&signer);
    if (ha_jws_check_form(options, &signer.job, 1, HA_JWS_COMPACT, false, err))
        return within_sign(err);
    struct ha_message_signer *one = &signer;
    ha_message_signers_exchange(call, &one, 1);
    if (ha_message_signer_finish(&signer, err))
        return err->code;
    return ha_jws_end(&signer.job, 1, HA_JWS_COMPACT, false, out, err);
}
