// SPDX-License-Identifier: Apache-2.0
// What the handlers share: the way to a key, its versions and its tokens.
#include "api/call.h"

#include "api/audit.h"
#include "keys/last_use.h"
#include "keys/replicas.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum ha_code ha_call_no_key(const struct ha_call_context *call, struct ha_err *err)
{
    ha_fail(err, HA_E_NO_KEY, "there is no key '%s', or none that you may know of", call->name);
    return ha_hint(err, "`hsm-agent key list` (GET /v1/keys) shows those you may use");
}

static enum ha_code find_version(const struct ha_call_context *call, struct ha_key **ret_key, struct ha_err *err)
{
    struct ha_keys *keys = call->api->keys;
    const struct ha_version_choice *choice = &call->choice;
    struct ha_key *key = choice->number    ? ha_keys_get_version(keys, call->name, choice->number)
                         : choice->by_spki ? ha_keys_get_spki(keys, call->name, choice->spki_sha256)
                                           : ha_keys_get(keys, call->name);
    if (key) {
        *ret_key = key;
        return HA_OK;
    }
    ha_auto(ha_key_unref) struct ha_key *active = ha_keys_get(keys, call->name);
    if (!active)
        return ha_call_no_key(call, err);
    if (choice->number)
        return ha_keys_no_version(call->name, choice->number, err);
    ha_fail(err, HA_E_CONFLICT, "the caller's public key is not that of '%s'", call->name);
    return ha_hint(err, "the key was made anew since the caller's key reference was written: write it again, and "
                        "renew the certificate");
}

struct ha_key **ha_call_versions(const struct ha_call_context *call, struct ha_key *key, size_t *ret_n)
{
    bool chosen = call->choice.number || call->choice.by_spki;
    size_t n = 0, n_all = 0;
    struct ha_key **all = chosen ? NULL : ha_keys_versions(call->api->keys, key->name, &n_all);
    struct ha_key **list = calloc(n_all + 1, sizeof(*list));
    if (list)
        list[n++] = ha_key_ref(key);
    for (size_t i = n_all; i-- > 0;)
        if (list && all[i] != key && all[i]->phase == HA_PHASE_READY && !atomic_load(&all[i]->disabled) &&
            !atomic_load(&all[i]->deletes_s))
            list[n++] = ha_key_ref(all[i]);
    ha_keys_list_free(all, n_all);
    *ret_n = n;
    return list;
}

// What a retired version signed would be verified by nobody: its public key isn't published any more.
static enum ha_code check_retired(const struct ha_call_context *call, enum ha_operation operation,
                                  const struct ha_key *key, struct ha_err *err)
{
    const unsigned messages = 1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_SIGN_DIGEST | 1u << HA_OPERATION_JWS |
                              1u << HA_OPERATION_JWT | 1u << HA_OPERATION_HTTP_SIGNATURE;
    bool chosen = call->choice.number || call->choice.by_spki;
    if (!chosen || !(messages & 1u << operation) || ha_keys_status(call->api->keys, key, NULL) != HA_STATUS_RETIRED)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "version %u of '%s' is retired, and signs no more", key->version, key->name);
    return ha_hint(err, "use the active version: leave out the version, or write the key reference again");
}

enum ha_code ha_call_version(const struct ha_call_context *call, enum ha_operation operation, struct ha_key **ret_key,
                             struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (find_version(call, &key, err) || check_retired(call, operation, key, err))
        return err->code;
    *ret_key = ha_take(&key);
    return HA_OK;
}

void ha_call_choose(struct ha_call_context *call, uint64_t version)
{
    if (!call->choice.number && !call->choice.by_spki && version <= UINT32_MAX)
        call->choice.number = (unsigned)version;
}

enum ha_code ha_call_check_version(const struct ha_key *key, uint64_t version, struct ha_err *err)
{
    if (version == 0 || version == key->version)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "this request is done by version %u of '%s', not by version %llu", key->version,
            key->name, (unsigned long long)version);
    return ha_hint(err, "name one and the same version in all items, and in the query if there is one");
}

enum ha_code ha_call_key_profile(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                                 const struct ha_profile *profile, struct ha_key **ret_key, struct ha_err *err)
{
    if (ha_call_allowed_profile(call, operation, alg, profile, err))
        return err->code;
    return ha_call_version(call, operation, ret_key, err);
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
    return ha_audit_refused(call, content, err);
}

void ha_call_exchange(const struct ha_call_context *call, struct ha_key *key, struct ha_use *const *uses, size_t n)
{
    struct ha_err err = {0};
    if (call->takings->n == 0)
        ha_fail(&err, HA_E_INTERNAL, "a use of '%s' that nobody has granted", key->name);
    if (err.code || ha_audit_ready(call->api->audit, &err)) {
        ha_audit_spoil(uses, n, &err);
        return;
    }
    if (n == 1)
        ha_audit_prepare(call, uses[0]);  // of several the algorithm is looked up once as it is
    ha_replicas_use(key, &call->caller, uses, n);
    if (ha_audit_used(call, key, uses, n, &err))
        ha_audit_spoil(uses, n, &err);
    for (size_t i = 0; i < n; i++) {
        if (uses[i]->exchange.code == HA_OK) {
            ha_last_use_note(key);
            break;
        }
    }
}

void ha_write_use(struct ha_buf *out, const struct ha_key *key, enum ha_alg alg, const char *token)
{
    ha_jw_string(out, "key", key->name);
    ha_jw_number(out, "version", key->version);
    ha_jw_string(out, "algorithm", ha_alg_info(alg)->name);
    ha_jw_string(out, "token", token);
}
