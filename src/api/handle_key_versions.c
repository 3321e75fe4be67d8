// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/rotate, activate, disable, enable, keep: what an administrator decides of a key's versions.
#include "api/call.h"
#include "api/csr_profile.h"
#include "api/members.h"

#include <stddef.h>
#include <time.h>

struct times_request {
    uint64_t version;  // 0: unsaid
    uint64_t after, overlap;
    bool pending;
};

static const struct ha_member rotate_members[] = {
    {"activate_after", HA_MEMBER_UINT, false, offsetof(struct times_request, after)},
    {"overlap", HA_MEMBER_UINT, false, offsetof(struct times_request, overlap)},
    {"pending", HA_MEMBER_BOOL, false, offsetof(struct times_request, pending)},
    {0},
};

static const struct ha_member activate_members[] = {
    {"version", HA_MEMBER_UINT, false, offsetof(struct times_request, version)},
    {"after", HA_MEMBER_UINT, false, offsetof(struct times_request, after)},
    {"overlap", HA_MEMBER_UINT, false, offsetof(struct times_request, overlap)},
    {0},
};

static const struct ha_member version_members[] = {
    {"version", HA_MEMBER_UINT, false, offsetof(struct times_request, version)},
    {0},
};

static bool says(const struct ha_call_context *call, const char *member)
{
    return ha_json_get(call->body, member) != NULL;
}

static enum ha_code read_times(const struct ha_call_context *call, const struct ha_member *members, const char *after,
                               struct times_request *request, struct ha_err *err)
{
    if (ha_members_read(call->body, members, "", request, err))
        return err->code;
    if (says(call, "version") && (request->version == 0 || request->version > UINT32_MAX)) {
        ha_fail(err, HA_E_MALFORMED, "versions count from 1");
        return ha_at(err, "/version");
    }
    if (request->after > HA_SPAN_MAX || request->overlap > HA_SPAN_MAX) {
        ha_fail(err, HA_E_MALFORMED, "that is more than 100 years, %lld seconds", (long long)HA_SPAN_MAX);
        return ha_at(err, request->after > HA_SPAN_MAX ? "/%s" : "/overlap", after);
    }
    return HA_OK;
}

// The body's version, or that of the query.
static enum ha_code choose(struct ha_call_context *call, const struct times_request *request, unsigned *ret_version,
                           struct ha_err *err)
{
    ha_call_choose(call, request->version);
    *ret_version = call->choice.number;
    if (!request->version || request->version == call->choice.number)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "the body and the query name two versions");
    return ha_at(err, "/version");
}

// What a decision is about, after the policy's word: any version tells whether the key is there.
static enum ha_code check(const struct ha_call_context *call, enum ha_operation operation, struct ha_key **ret_key,
                          struct ha_err *err)
{
    return ha_call_key(call, operation, HA_ALG_NONE, ret_key, err);
}

static void log_decision(const struct ha_call_context *call, const char *event, unsigned version)
{
    ha_log(call->api->log, HA_LOG_INFO, event, HA_S("key", call->name), HA_N("version", version),
           HA_N("uid", call->request->principal->uid), HA_S("request", call->request->id));
}

// A version whose certificate others have to have first waits for it.
static bool waits_for_certificate(const struct ha_key *key)
{
    return key->profile || key->purposes & HA_PURPOSES_TLS;
}

void ha_call_times(const struct ha_call_context *call, const struct ha_key *key, struct ha_rotation_times *ret_times)
{
    const struct ha_agent_config *agent = &call->api->config->agent;
    bool published = key->public_key && ha_pubkey_is_public(key->public_key) && !(key->purposes & HA_PURPOSES_TLS);
    const struct ha_csr_key rules = ha_csr_key_of(key);
    const struct ha_profile *profile = NULL;
    struct ha_err ignored = {0};
    *ret_times =
        (struct ha_rotation_times){.publish_s = published ? agent->publish_s : 0, .overlap_s = agent->overlap_s};
    if (ha_csr_profile_find(call, &rules, key->profile, NULL, &profile, &ignored) || !profile)
        return;
    const struct ha_csr_profile *own = profile->options;
    if (published && own->publish_s)
        ret_times->publish_s = own->publish_s;
    if (own->overlap_s)
        ret_times->overlap_s = own->overlap_s;
}

enum ha_code ha_handle_key_rotate(struct ha_call_context *call, struct ha_err *err)
{
    struct times_request request = {0};
    struct ha_rotation_times times;
    ha_auto(ha_key_unref) struct ha_key *key = NULL, *made = NULL;
    if (read_times(call, rotate_members, "activate_after", &request, err) ||
        check(call, HA_OPERATION_ROTATE, &key, err))
        return err->code;
    if (request.pending && says(call, "activate_after")) {
        ha_fail(err, HA_E_MALFORMED, "a version that stays pending has no time of activation");
        ha_hint(err, "leave one of \"pending\" and \"activate_after\" out (--pending and --activate-after)");
        return ha_at(err, "/activate_after");
    }
    ha_call_times(call, key, &times);
    bool pending = request.pending || (waits_for_certificate(key) && !says(call, "activate_after"));
    int64_t after_s = says(call, "activate_after") ? (int64_t)request.after : times.publish_s;
    int64_t overlap_s = says(call, "overlap") ? (int64_t)request.overlap : times.overlap_s;
    if (ha_keys_rotate(call->api->keys, call->name, pending ? -1 : after_s, overlap_s, &made, err))
        return err->code;
    log_decision(call, "key-rotated", made->version);
    call->status = 201;
    ha_write_key(call, made, true);
    return HA_OK;
}

enum ha_code ha_handle_key_activate(struct ha_call_context *call, struct ha_err *err)
{
    struct times_request request = {0};
    unsigned version;
    ha_auto(ha_key_unref) struct ha_key *key = NULL, *activated = NULL;
    if (read_times(call, activate_members, "after", &request, err) || choose(call, &request, &version, err) ||
        check(call, HA_OPERATION_ROTATE, &key, err))
        return err->code;
    int64_t overlap_s = says(call, "overlap") ? (int64_t)request.overlap : -1;
    if (ha_keys_activate(call->api->keys, call->name, version, time(NULL) + (int64_t)request.after, overlap_s,
                         &activated, err))
        return err->code;
    log_decision(call, "key-activation", activated->version);
    ha_write_key(call, activated, true);
    return HA_OK;
}

static enum ha_code set_disabled(struct ha_call_context *call, bool disabled, struct ha_err *err)
{
    struct times_request request = {0};
    unsigned version;
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (read_times(call, version_members, "", &request, err) || choose(call, &request, &version, err) ||
        check(call, disabled ? HA_OPERATION_DISABLE : HA_OPERATION_ENABLE, &key, err) ||
        ha_keys_disable(call->api->keys, call->name, version, disabled, err))
        return err->code;
    log_decision(call, disabled ? "key-disabled" : "key-enabled", version);
    ha_write_key(call, key, true);
    return HA_OK;
}

enum ha_code ha_handle_key_disable(struct ha_call_context *call, struct ha_err *err)
{
    return set_disabled(call, true, err);
}

enum ha_code ha_handle_key_enable(struct ha_call_context *call, struct ha_err *err)
{
    return set_disabled(call, false, err);
}

// Takes back a deletion that was put off.
enum ha_code ha_handle_key_keep(struct ha_call_context *call, struct ha_err *err)
{
    struct times_request request = {0};
    unsigned version;
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (read_times(call, version_members, "", &request, err) || choose(call, &request, &version, err) ||
        check(call, HA_OPERATION_DELETE, &key, err) ||
        ha_keys_schedule(call->api->keys, call->name, version, 0, false, err))
        return err->code;
    log_decision(call, "key-kept", version);
    ha_write_key(call, key, true);
    return HA_OK;
}
