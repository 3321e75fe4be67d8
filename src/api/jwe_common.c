// SPDX-License-Identifier: Apache-2.0
#include "api/jwe_common.h"

#include "api/members.h"
#include "base/clock.h"
#include "format/jws_verify.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

enum ha_code ha_jwe_profile_of(const struct ha_call_context *call, const char *name,
                               const struct ha_profile **ret_profile, const struct ha_jwe_profile **ret_options,
                               struct ha_err *err)
{
    const struct ha_profile *profile = NULL;
    bool installed = ha_profiles_at(call->api->profiles, 0) != NULL;
    if ((name || installed) && ha_call_profile(call, name, HA_SCHEME_BIT(HA_SCHEME_JWE), "/profile", &profile, err))
        return err->code;
    *ret_profile = profile;
    *ret_options = profile ? profile->options : ha_jwe_plain();
    return HA_OK;
}

struct ha_json_text ha_jwe_member_text(const struct ha_call_context *call, const char *name)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    const struct ha_json_text body = {(const char *)call->request->body, call->request->body_len};
    ha_json_walk_begin(&walk, body);
    for (const ha_json *member = ha_json_first(call->body); member && ha_json_walk_next(&walk, &value);
         member = ha_json_next(member))
        if (strcmp(ha_json_name(member), name) == 0)
            return value;
    return (struct ha_json_text){0};
}

enum ha_code ha_jwe_any_client(const struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_config *config = call->api->config;
    for (size_t i = 0; i < config->n_clients; i++)
        if (ha_policy_applies(&config->clients[i], call->request->principal))
            return HA_OK;
    ha_fail(err, HA_E_FORBIDDEN, "no [client] section is about you");
    return ha_hint(err, "an administrator can add one; `hsm-agent whoami` (GET /v1/whoami) shows who you are");
}

bool ha_jwe_says(const struct ha_call_context *call, const char *name)
{
    return ha_json_type(call->body) == HA_JSON_OBJECT && ha_json_get(call->body, name);
}

// --- The recipient

// A public key or a certificate as PEM.
static enum ha_code read_pem(const char *pem, enum ha_kid_rule rule, struct ha_jwk *jwk, struct ha_buf *kid,
                             struct ha_err *err)
{
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    size_t n = strlen(pem);
    if (!strstr(pem, "-----BEGIN CERTIFICATE-----")) {
        if (ha_pubkey_from_pem(pem, n, &jwk->key, err))
            return err->code;
        return rule == HA_KID_THUMBPRINT ? ha_kid_make(rule, NULL, jwk->key, NULL, kid, err) : HA_OK;
    }
    if (ha_x5c_from_pem(pem, n, &chain, err) || ha_x5c_pubkey(&chain, &jwk->key, err))
        return err->code;
    return ha_kid_make(rule, NULL, jwk->key, &chain, kid, err);
}

static enum ha_code read_jwk(const ha_json *recipient, struct ha_jwk *jwk, struct ha_buf *kid, struct ha_err *err)
{
    if (ha_jwk_parse(recipient, jwk, err))
        return err->code;
    if (!jwk->may_encrypt)
        return ha_fail(err, HA_E_KEY_CANNOT, "the recipient's JWK isn't one to encrypt to, by its use or key_ops");
    if (jwk->kid)
        ha_buf_puts(kid, jwk->kid);
    return HA_OK;
}

enum ha_code ha_jwe_recipient(const ha_json *recipient, enum ha_kid_rule rule, struct ha_jwk *ret_jwk,
                              struct ha_buf *kid, struct ha_err *err)
{
    const char *pem = ha_json_string(recipient);
    enum ha_code code = pem ? read_pem(pem, rule, ret_jwk, kid, err) : read_jwk(recipient, ret_jwk, kid, err);
    return code ? ha_at(err, "/recipient") : HA_OK;
}

// --- The JWS inside

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
    struct ha_jws_rules rules = {.keys = &keys};
    if (ha_members_read(verify, verify_members, "/verify", &request, err) ||
        read_algs(request.algorithms, &rules.algs, err))
        return err->code;
    if (!request.jwks == !request.key) {
        ha_fail(err, HA_E_MALFORMED, "the signature inside is verified with \"jwks\" or with \"key\", one of them");
        return ha_at(err, "/verify");
    }
    if (options->inner_algs)
        rules.algs = rules.algs ? rules.algs & options->inner_algs : options->inner_algs;
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
