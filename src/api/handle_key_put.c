// SPDX-License-Identifier: Apache-2.0
// PUT /v1/keys/{name}: creating, importing, adopting.
#include "api/call.h"
#include "api/csr_profile.h"
#include "api/key_tokens.h"
#include "api/members.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct put_request {
    enum ha_key_type type;
    const char *uri, *token;
    const ha_json *replicas, *tokens;
    struct ha_member_bytes secret;
    unsigned purposes;
    struct ha_key_traits traits;
};

static void put_request_clear(struct put_request *request)
{
    ha_buf_clear(&request->secret.buf);
}
HA_AUTO_DEFINE_CLEAR(struct put_request, put_request_clear)

static const struct ha_member put_members[] = {
    {"type", HA_MEMBER_KEY_TYPE, false, offsetof(struct put_request, type)},
    {"uri", HA_MEMBER_STRING, false, offsetof(struct put_request, uri)},
    {"replicas", HA_MEMBER_ARRAY, false, offsetof(struct put_request, replicas)},
    {"secret", HA_MEMBER_BYTES, false, offsetof(struct put_request, secret)},
    {"purposes", HA_MEMBER_PURPOSES, false, offsetof(struct put_request, purposes)},
    {"environment", HA_MEMBER_STRING, false, offsetof(struct put_request, traits.environment)},
    {"holder", HA_MEMBER_STRING, false, offsetof(struct put_request, traits.holder)},
    {"profile", HA_MEMBER_STRING, false, offsetof(struct put_request, traits.profile)},
    {"backup", HA_MEMBER_BOOL, false, offsetof(struct put_request, traits.backup)},
    {"token", HA_MEMBER_STRING, false, offsetof(struct put_request, token)},
    {"tokens", HA_MEMBER_ARRAY, false, offsetof(struct put_request, tokens)},
    {0},
};

struct put_replica {
    const char *uri, *token;
};

static const struct ha_member replica_members[] = {
    {"uri", HA_MEMBER_STRING, true, offsetof(struct put_replica, uri)},
    {"token", HA_MEMBER_STRING, false, offsetof(struct put_replica, token)},
    {0},
};

static enum ha_code check_put(const struct put_request *request, struct ha_err *err)
{
    if ((request->type != HA_KEY_NONE) + (request->uri != NULL) + (request->replicas != NULL) != 1) {
        ha_fail(err, HA_E_MALFORMED, "exactly one of \"type\" (create), \"uri\" and \"replicas\" (adopt) is needed");
        return ha_at(err, "/type");
    }
    if (request->replicas && request->token) {
        ha_fail(err, HA_E_MALFORMED, "each of the \"replicas\" says its own token");
        return ha_at(err, "/token");
    }
    if (request->tokens && (request->token || !request->type)) {
        ha_fail(err, HA_E_MALFORMED, "\"tokens\" is where a new key is made, instead of \"token\"");
        return ha_at(err, "/tokens");
    }
    if (request->secret.present && request->type != HA_KEY_HMAC_256) {
        ha_fail(err, HA_E_MALFORMED, "only a key of type hmac:256 can be given; others are made in the token");
        return ha_at(err, "/secret");
    }
    if (request->tokens && request->type == HA_KEY_HMAC_256) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key of type hmac:256 is in one token only");
        return ha_at(err, "/tokens");
    }
    if (request->type && (request->purposes & ~ha_purposes_possible(request->type))) {
        char possible[HA_PURPOSES_TEXT_MAX];
        ha_purposes_print(ha_purposes_possible(request->type), possible, sizeof(possible));
        ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s can't have all of these purposes",
                ha_key_type_info(request->type)->name);
        ha_hint(err, "it can have %s", possible);
        return ha_at(err, "/purposes");
    }
    if (request->traits.backup && (!request->type || request->secret.present)) {
        ha_fail(err, HA_E_KEY_CANNOT, "only a key that is made here can be made for backups");
        return ha_at(err, "/backup");
    }
    if (ha_purposes_check(request->purposes, err))
        return ha_at(err, "/purposes");
    return ha_key_traits_check(&request->traits, err);
}

// One of the "replicas". Without a token's name its URI must fit a key in one token only.
static enum ha_code read_replica(const struct ha_call_context *call, const ha_json *json, const char *prefix,
                                 struct ha_keys_source *source, struct ha_err *err)
{
    struct put_replica replica = {0};
    const struct ha_api *api = call->api;
    if (ha_members_read(json, replica_members, prefix, &replica, err))
        return err->code;
    source->uri = replica.uri;
    if (!replica.token)
        return ha_keys_locate(api->tokens, api->config->n_tokens, replica.uri, &source->token, err)
                   ? ha_at(err, "%s/uri", prefix)
                   : HA_OK;
    return ha_key_token(api, replica.token, &source->token, err) ? ha_at(err, "%s/token", prefix) : HA_OK;
}

static enum ha_code adopt_replicas(struct ha_call_context *call, const struct put_request *request,
                                   struct ha_key **ret_key, struct ha_err *err)
{
    struct ha_keys_source sources[HA_REPLICAS_MAX];
    char prefix[32];
    size_t n = ha_json_size(request->replicas), i = 0, wrong = n;
    if (n < 1 || n > HA_REPLICAS_MAX) {
        ha_fail(err, n ? HA_E_TOO_LARGE : HA_E_MALFORMED, "a key has 1 to %d replicas, not %zu", HA_REPLICAS_MAX, n);
        return ha_at(err, "/replicas");
    }
    for (const ha_json *json = ha_json_first(request->replicas); json; json = ha_json_next(json), i++) {
        snprintf(prefix, sizeof(prefix), "/replicas/%zu", i);
        if (read_replica(call, json, prefix, &sources[i], err))
            return err->code;
    }
    enum ha_code code = ha_keys_adopt(call->api->keys, call->name, sources, n, request->purposes, &request->traits,
                                      ret_key, &wrong, err);
    return code && wrong < n ? ha_at(err, "/replicas/%zu", wrong) : code;
}

static unsigned purposes_of(const struct put_request *request)
{
    if (request->purposes)
        return request->purposes;
    return ha_key_type_is_secret(request->type) ? ha_purposes_possible(request->type) : HA_PURPOSE_SIGN;
}

static enum ha_code put(struct ha_call_context *call, const struct put_request *request, struct ha_key **ret_key,
                        struct ha_err *err)
{
    struct ha_token *tokens[HA_REPLICAS_MAX];
    size_t n;
    if (request->replicas)
        return adopt_replicas(call, request, ret_key, err);
    if (ha_key_tokens(call->api, request->tokens, request->token, tokens, &n, err))
        return err->code;
    if (request->uri) {
        const struct ha_keys_source source = {tokens[0], request->uri};
        size_t wrong;
        enum ha_code code = ha_keys_adopt(call->api->keys, call->name, &source, 1, request->purposes, &request->traits,
                                          ret_key, &wrong, err);
        return code == HA_E_MALFORMED && ha_name_valid(call->name) ? ha_at(err, "/uri") : code;
    }
    const struct ha_buf *secret = &request->secret.buf;
    if (request->secret.present) {
        bool fits = secret->len >= HA_HMAC_KEY_MIN && secret->len <= HA_HMAC_KEY_MAX;
        enum ha_code code = ha_keys_import(call->api->keys, call->name, tokens[0], secret->data, secret->len,
                                           &request->traits, ret_key, err);
        return code && !fits ? ha_at(err, "/secret") : code;
    }
    return ha_keys_create(call->api->keys, call->name, tokens, n, request->type, purposes_of(request), &request->traits,
                          ret_key, err);
}

// The profile is one of certificate requests, and for such a key as is about to be made.
static enum ha_code check_profile(const struct ha_call_context *call, const struct put_request *request,
                                  struct ha_err *err)
{
    const struct ha_key_traits *traits = &request->traits;
    const struct ha_csr_key key = {call->name, request->type, purposes_of(request), traits->environment,
                                   traits->holder};
    // What type of key is adopted is known afterwards only.
    if (!traits->profile || !request->type)
        return HA_OK;
    return ha_csr_profile_plan(call, &key, traits->profile, err);
}

enum ha_code ha_key_put_check(const struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(put_request_clear) struct put_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *present = NULL;
    struct ha_token *tokens[HA_REPLICAS_MAX];
    size_t n;
    if (ha_members_read(call->body, put_members, "", &request, err) || check_put(&request, err))
        return err->code;
    if (!request.type || request.secret.present) {
        ha_fail(err, HA_E_MALFORMED, "a ceremony makes a new key in the token");
        return ha_at(err, request.secret.present ? "/secret" : "/type");
    }
    if (check_profile(call, &request, err) || ha_key_tokens(call->api, request.tokens, request.token, tokens, &n, err))
        return err->code;
    if (!ha_name_valid(call->name))
        return ha_fail(err, HA_E_MALFORMED, "that is no name for a key");
    present = ha_keys_get(call->api->keys, call->name);
    return present ? ha_fail(err, HA_E_CONFLICT, "there is a key '%s' already", call->name) : HA_OK;
}

enum ha_code ha_handle_key_put(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(put_request_clear) struct put_request request = {0};
    const char *only_new = call->request->if_none_match;
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, put_members, "", &request, err) || check_put(&request, err) ||
        ha_call_allowed(call, request.type ? HA_OPERATION_CREATE : HA_OPERATION_ADOPT, HA_ALG_NONE, err) ||
        check_profile(call, &request, err))
        return err->code;
    if (only_new && strcmp(only_new, "*") != 0)
        return ha_fail(err, HA_E_MALFORMED, "If-None-Match takes only *");
    if (put(call, &request, &key, err)) {
        if (err->code == HA_E_CONFLICT && only_new)
            err->code = HA_E_PRECONDITION;
        return err->code;
    }
    const char *event = key->imported ? "key-imported" : request.type ? "key-created" : "key-adopted";
    ha_log(call->api->log, HA_LOG_INFO, event, HA_S("key", key->name), HA_S("type", ha_key_type_info(key->type)->name),
           HA_S("token", key->replicas[0].token_name), HA_N("replicas", key->n_replicas),
           HA_N("uid", call->request->principal->uid));
    call->status = 201;
    ha_write_key(call, key, true);
    return HA_OK;
}
