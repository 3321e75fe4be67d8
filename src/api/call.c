// SPDX-License-Identifier: Apache-2.0
// What the handlers share: the policy's word on a key, and the way to its tokens.
#include "api/call.h"

#include "base/clock.h"
#include "base/text.h"
#include "keys/replicas.h"

#include <assert.h>

static_assert(HA_BATCH_MAX <= HA_USES_MAX, "a batch is asked in one go");

enum ha_code ha_call_no_key(const struct ha_call_context *call, struct ha_err *err)
{
    ha_fail(err, HA_E_NO_KEY, "there is no key '%s', or none that you may know of", call->name);
    return ha_hint(err, "`hsm-agent key list` (GET /v1/keys) shows those you may use");
}

static enum ha_code refuse(const struct ha_call_context *call, const struct ha_decision *decision,
                           enum ha_operation operation, enum ha_alg alg, const char *profile, struct ha_err *err)
{
    const struct ha_principal *principal = call->request->principal;
    const char *name = ha_operation_info(operation)->name, *alg_name = alg ? ha_alg_info(alg)->name : "";
    ha_log(call->api->log, HA_LOG_WARN, "refused", HA_S("key", call->name), HA_S("operation", name),
           HA_S("algorithm", alg_name), HA_N("uid", principal->uid), HA_N("pid", principal->pid),
           HA_S("profile", profile ? profile : ""), HA_S("request", call->request->id));
    if (!decision->knows)
        return ha_call_no_key(call, err);
    ha_fail(err, HA_E_FORBIDDEN, "no rule of [client %s] grants %s%s%s%s%s on '%s'", decision->client->name, name,
            alg ? " with " : "", alg_name, profile ? " of the profile " : "", profile ? profile : "", call->name);
    return ha_hint(err, "an administrator can add `allow = %s:%s%s%s` to that section", call->name, name,
                   profile ? " profile=" : "", profile ? profile : "");
}

enum ha_code ha_call_allowed_profile(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                                     const struct ha_profile *profile, struct ha_err *err)
{
    const char *name = profile ? profile->name : NULL;
    if (call->granted)
        return HA_OK;
    struct ha_decision decision =
        ha_policy_decide(call->api->config, call->request->principal, call->name, operation, alg, name);
    return decision.allowed ? HA_OK : refuse(call, &decision, operation, alg, name, err);
}

enum ha_code ha_call_allowed(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                             struct ha_err *err)
{
    return ha_call_allowed_profile(call, operation, alg, NULL, err);
}

// A key may need a clock that is right, for what has a date in it.
static enum ha_code check_clock(const struct ha_call_context *call, enum ha_operation operation, struct ha_err *err)
{
    const unsigned dated = 1u << HA_OPERATION_JWS | 1u << HA_OPERATION_JWT | 1u << HA_OPERATION_HTTP_SIGNATURE;
    const char *keys = call->api->config->agent.clock_keys;
    bool (*synchronised)(void) = call->api->synchronised ? call->api->synchronised : ha_clock_synchronised;
    if (!(dated & 1u << operation) || !keys || !ha_glob_match(keys, call->name) || synchronised())
        return HA_OK;
    return ha_fail(err, HA_E_CLOCK,
                   "the key '%s' makes messages only while the system clock is synchronised, and it isn't", call->name);
}

enum ha_code ha_call_key_profile(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                                 const struct ha_profile *profile, struct ha_key **ret_key, struct ha_err *err)
{
    if (ha_call_allowed_profile(call, operation, alg, profile, err) || check_clock(call, operation, err))
        return err->code;
    struct ha_key *key = ha_keys_get(call->api->keys, call->name);
    if (!key)
        return ha_call_no_key(call, err);
    *ret_key = key;
    return HA_OK;
}

enum ha_code ha_call_key(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                         struct ha_key **ret_key, struct ha_err *err)
{
    return ha_call_key_profile(call, operation, alg, NULL, ret_key, err);
}

enum ha_code ha_call_profile(const struct ha_call_context *call, const char *name, unsigned schemes,
                             const char *pointer, const struct ha_profile **ret_profile, struct ha_err *err)
{
    if (ha_profiles_find(call->api->profiles, name, schemes, ret_profile, err))
        return ha_at(err, "%s", pointer);
    return HA_OK;
}

enum ha_code ha_call_refused_content(const struct ha_call_context *call, enum ha_operation operation,
                                     enum ha_content content, struct ha_err *err)
{
    const struct ha_principal *principal = call->request->principal;
    ha_log(call->api->log, HA_LOG_WARN, "refused-content", HA_S("key", call->name),
           HA_S("operation", ha_operation_info(operation)->name), HA_S("content", ha_content_info(content)->name),
           HA_S("rule", err->detail), HA_N("uid", principal->uid), HA_N("pid", principal->pid),
           HA_S("request", call->request->id));
    return err->code;
}

void ha_call_exchange(const struct ha_call_context *call, struct ha_key *key, struct ha_use *const *uses, size_t n)
{
    ha_replicas_use(key, &call->caller, uses, n);
}

void ha_write_use(struct ha_buf *out, const struct ha_key *key, enum ha_alg alg, const char *token)
{
    ha_jw_string(out, "key", key->name);
    ha_jw_number(out, "version", key->version);
    ha_jw_string(out, "algorithm", ha_alg_info(alg)->name);
    ha_jw_string(out, "token", token);
}
