// SPDX-License-Identifier: Apache-2.0
// POST /v1/keys/{name}/import: taking a key pair from outside.
#include "api/call.h"
#include "api/csr_profile.h"
#include "api/key_tokens.h"
#include "api/members.h"
#include "keys/ceremony.h"
#include "crypto/private_key.h"

#include <stddef.h>

struct import_request {
    struct ha_member_bytes private_key;
    unsigned purposes;
    const char *token;
    const ha_json *tokens;
    struct ha_key_traits traits;
};

static const struct ha_member import_members[] = {
    {"private_key", HA_MEMBER_BYTES, true, offsetof(struct import_request, private_key)},
    {"purposes", HA_MEMBER_PURPOSES, false, offsetof(struct import_request, purposes)},
    {"environment", HA_MEMBER_STRING, false, offsetof(struct import_request, traits.environment)},
    {"holder", HA_MEMBER_STRING, false, offsetof(struct import_request, traits.holder)},
    {"profile", HA_MEMBER_STRING, false, offsetof(struct import_request, traits.profile)},
    {"backup", HA_MEMBER_BOOL, false, offsetof(struct import_request, traits.backup)},
    {"token", HA_MEMBER_STRING, false, offsetof(struct import_request, token)},
    {"tokens", HA_MEMBER_ARRAY, false, offsetof(struct import_request, tokens)},
    {0},
};

static void import_request_clear(struct import_request *request)
{
    ha_buf_clear(&request->private_key.buf);
}
HA_AUTO_DEFINE_CLEAR(struct import_request, import_request_clear)

static enum ha_code import(struct ha_call_context *call, const struct import_request *request, struct ha_key **ret_key,
                           struct ha_err *err)
{
    struct ha_token *tokens[HA_REPLICAS_MAX];
    size_t n;
    ha_auto(ha_buf_clear) struct ha_buf pkcs8 = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *public_key = NULL;
    const struct ha_buf *given = &request->private_key.buf;
    unsigned purposes = request->purposes ? request->purposes : HA_PURPOSE_SIGN;
    if (request->tokens && request->token) {
        ha_fail(err, HA_E_MALFORMED, "\"tokens\" is where the key goes, instead of \"token\"");
        return ha_at(err, "/tokens");
    }
    if (ha_key_traits_check(&request->traits, err) ||
        ha_key_tokens(call->api, request->tokens, request->token, tokens, &n, err))
        return err->code;
    if (ha_private_key_check(given->data, given->len, &pkcs8, &public_key, err))
        return ha_at(err, "/private_key");
    if (ha_purposes_fit(ha_pubkey_type(public_key), purposes, err))
        return ha_at(err, "/purposes");
    const struct ha_csr_key planned = {call->name, ha_pubkey_type(public_key), purposes, request->traits.environment,
                                       request->traits.holder};
    if (request->traits.profile && ha_csr_profile_plan(call, &planned, request->traits.profile, err))
        return err->code;
    const struct ha_keys_pair pair = {&pkcs8, public_key};
    return ha_keys_import_pair(call->api->keys, call->name, tokens, n, &pair, purposes, &request->traits, ret_key, err);
}

enum ha_code ha_handle_import(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(import_request_clear) struct import_request request = {0};
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, import_members, "", &request, err) ||
        ha_call_allowed(call, HA_OPERATION_IMPORT, HA_ALG_NONE, err) ||
        ha_ceremonies_check_name(ha_keys_ceremonies(call->api->keys), call->name, err) ||
        import(call, &request, &key, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_INFO, "key-imported", HA_S("key", key->name),
           HA_S("type", ha_key_type_info(key->type)->name), HA_S("token", key->replicas[0].token_name),
           HA_N("replicas", key->n_replicas), HA_N("uid", call->request->principal->uid));
    call->status = 201;
    ha_write_key(call, key, true);
    return HA_OK;
}
