// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/csr: a certificate request, built here, signed in the token.
#include "api/call.h"
#include "api/csr_profile.h"
#include "api/key_signer.h"
#include "api/members.h"
#include "format/csr.h"
#include "keys/use.h"

#include <stddef.h>
#include <string.h>

struct csr_body {
    struct ha_csr_request request;
    const char *profile;    // what it named; NULL
    const ha_json *values;  // for the profile's subject; NULL
    uint64_t version;
};

static const struct ha_member csr_members[] = {
    {"profile", HA_MEMBER_STRING, false, offsetof(struct csr_body, profile)},
    {"values", HA_MEMBER_OBJECT, false, offsetof(struct csr_body, values)},
    {"version", HA_MEMBER_UINT, false, offsetof(struct csr_body, version)},
    {"subject", HA_MEMBER_ARRAY, false, offsetof(struct csr_body, request.subject)},
    {"san", HA_MEMBER_OBJECT, false, offsetof(struct csr_body, request.san)},
    {"key_usage", HA_MEMBER_ARRAY, false, offsetof(struct csr_body, request.key_usage)},
    {"extended_key_usage", HA_MEMBER_ARRAY, false, offsetof(struct csr_body, request.extended_key_usage)},
    {"algorithm", HA_MEMBER_ALG, false, offsetof(struct csr_body, request.algorithm)},
    {"pss_key", HA_MEMBER_BOOL, false, offsetof(struct csr_body, request.pss_key)},
    {0},
};

static enum ha_code read_body(const struct ha_call_context *call, struct csr_body *body, struct ha_err *err)
{
    if (ha_members_read(call->body, csr_members, "", body, err))
        return err->code;
    enum ha_alg alg = body->request.algorithm;
    if (!alg || ha_alg_info(alg)->use == HA_USE_SIGN)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "%s is no signature algorithm", ha_alg_info(alg)->name);
    return ha_at(err, "/algorithm");
}

// The key may say by which profile, so it is looked up first; for those who have some right on it.
static enum ha_code find_key(struct ha_call_context *call, const struct csr_body *body, struct ha_key **ret_key,
                             const struct ha_profile **ret_profile, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (!(ha_call_operations(call) & 1u << HA_OPERATION_CSR))
        return ha_call_allowed(call, HA_OPERATION_CSR, body->request.algorithm, err);
    ha_call_choose(call, body->version);
    if (ha_call_version(call, HA_OPERATION_CSR, &key, err) || ha_call_check_version(key, body->version, err))
        return err->code;
    const struct ha_csr_key rules = ha_csr_key_of(key);
    if (ha_csr_profile_find(call, &rules, key->profile, body->profile, ret_profile, err) ||
        ha_call_allowed_profile(call, HA_OPERATION_CSR, body->request.algorithm, *ret_profile, err))
        return err->code;
    *ret_key = ha_take(&key);
    return HA_OK;
}

static enum ha_code choose_algorithm(const struct ha_call_context *call, const struct ha_key *key,
                                     const struct ha_profile *profile, struct ha_csr_request *request,
                                     struct ha_err *err)
{
    const struct ha_csr_key rules = ha_csr_key_of(key);
    enum ha_alg wanted = request->algorithm ? request->algorithm : request->pss_key ? HA_ALG_PS256 : HA_ALG_NONE;
    if (profile && ha_csr_profile_algorithm(profile, &rules, wanted, &request->algorithm, err))
        return err->code;
    if (!request->algorithm)
        request->algorithm = wanted ? wanted : ha_alg_default(key->type);
    return ha_call_allowed_profile(call, HA_OPERATION_CSR, request->algorithm, profile, err);
}

// What the profile makes of the request.
static enum ha_code apply(const struct ha_key *key, const struct ha_profile *profile, struct csr_body *body,
                          ha_json **ret_made, struct ha_err *err)
{
    const struct ha_csr_key rules = ha_csr_key_of(key);
    if (profile)
        return ha_csr_profile_apply(profile, &rules, body->values, &body->request, ret_made, err);
    if (body->values) {
        ha_fail(err, HA_E_MALFORMED, "\"values\" are for a profile's subject, and there is no profile");
        return ha_at(err, "/values");
    }
    if (body->request.subject)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "the member \"subject\" is missing");
    ha_hint(err, "give the subject, or a \"profile\"");
    return ha_at(err, "/subject");
}

// A mistake in a value that the caller gave by its type: "/subject/3/CN" is "/values/CN" to it.
static void point_to_values(struct ha_err *err)
{
    const char *last = strrchr(err->pointer, '/');
    if (strncmp(err->pointer, "/subject/", 9) == 0 && last > err->pointer + 8)
        ha_at(err, "/values%s", last);
}

enum ha_code ha_handle_csr(struct ha_call_context *call, struct ha_err *err)
{
    struct csr_body body = {0};
    const struct ha_profile *profile = NULL;
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    ha_auto(ha_json_free) ha_json *made = NULL;
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    if (read_body(call, &body, err) || find_key(call, &body, &key, &profile, err))
        return err->code;
    bool by_values = profile && !body.request.subject;
    if (choose_algorithm(call, key, profile, &body.request, err) ||
        ha_use_check(key, body.request.algorithm, HA_PURPOSES_CSR, err) || apply(key, profile, &body, &made, err) ||
        ha_call_take(call, HA_OPERATION_CSR, body.request.algorithm, profile, NULL, NULL, err))
        return err->code;
    struct ha_key_signing signing = {.call = call, .key = key};
    const struct ha_signer signer = ha_key_signer(&signing);
    if (ha_csr_build(&body.request, &signer, &pem, err)) {
        if (by_values)
            point_to_values(err);
        return err->code;
    }
    ha_jw_object(call->out, NULL);
    ha_write_use(call->out, key, body.request.algorithm, signing.token);
    if (profile)
        ha_jw_string(call->out, "profile", profile->name);
    ha_jw_string(call->out, "csr", ha_buf_text(&pem));
    ha_jw_object_end(call->out);
    return HA_OK;
}
