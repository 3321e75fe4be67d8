// SPDX-License-Identifier: Apache-2.0
// /v1/keys and /v1/keys/{name}: listing, showing, creating, adopting, deleting.
#include "api/call.h"
#include "api/members.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_purposes(struct ha_buf *out, unsigned purposes)
{
    ha_jw_array(out, "purposes");
    for (size_t i = 0; i < HA_PURPOSE_COUNT; i++)
        if (purposes & ha_purpose_info(i)->bit)
            ha_jw_string(out, NULL, ha_purpose_info(i)->name);
    ha_jw_array_end(out);
}

static unsigned purpose_of(enum ha_alg_use use)
{
    switch (use) {
    case HA_USE_SIGN:
        return HA_PURPOSES_CSR;
    case HA_USE_DECRYPT:
        return HA_PURPOSE_DECRYPT;
    case HA_USE_DERIVE:
        return HA_PURPOSE_DERIVE;
    }
    return 0;
}

static bool has_way(const struct ha_key *key, enum ha_alg alg)
{
    for (size_t i = 0; i < key->n_replicas; i++) {
        struct ha_token *token = atomic_load(&key->replicas[i].token);
        if (token && ha_token_way(token, alg) != HA_WAY_NONE)
            return true;
    }
    return false;
}

// What the key can do: its type, its purposes, its tokens, and the configuration put together.
static void write_algorithms(struct ha_buf *out, const struct ha_key *key, const struct ha_config *config)
{
    ha_jw_array(out, "algorithms");
    for (int i = HA_ALG_NONE + 1; i < HA_ALG_COUNT; i++) {
        enum ha_alg alg = (enum ha_alg)i;
        if (alg == HA_ALG_RSA1_5 && !config->agent.rsa1_5)
            continue;
        if (ha_alg_fits(alg, key->type) && (key->purposes & purpose_of(ha_alg_info(alg)->use)) && has_way(key, alg))
            ha_jw_string(out, NULL, ha_alg_info(alg)->name);
    }
    ha_jw_array_end(out);
}

// The operations that make sense with the key at all, whoever asks.
static unsigned possible_operations(const struct ha_key *key)
{
    unsigned operations = 1u << HA_OPERATION_SHOW | 1u << HA_OPERATION_DELETE;
    if (key->purposes & HA_PURPOSE_SIGN)
        operations |= 1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_SIGN_DIGEST | 1u << HA_OPERATION_JWS |
                      1u << HA_OPERATION_JWT | 1u << HA_OPERATION_HTTP_SIGNATURE;
    if (key->purposes & HA_PURPOSES_TLS)
        operations |= 1u << HA_OPERATION_TLS;
    if (key->purposes & HA_PURPOSES_CSR)
        operations |= 1u << HA_OPERATION_CSR;
    if (key->purposes & HA_PURPOSE_DECRYPT)
        operations |= 1u << HA_OPERATION_DECRYPT | 1u << HA_OPERATION_JWE_DECRYPT;
    if (key->purposes & HA_PURPOSE_DERIVE)
        operations |= 1u << HA_OPERATION_DERIVE | 1u << HA_OPERATION_JWE_DECRYPT;
    return operations;
}

static void write_operations(const struct ha_call_context *call, const struct ha_key *key)
{
    unsigned operations =
        possible_operations(key) & ha_policy_operations(call->api->config, call->request->principal, key->name);
    ha_jw_array(call->out, "operations");
    for (int i = 0; i < HA_OPERATION_COUNT; i++)
        if ((operations & 1u << i) && (call->request->admin || !ha_operation_info((enum ha_operation)i)->admin))
            ha_jw_string(call->out, NULL, ha_operation_info((enum ha_operation)i)->name);
    ha_jw_array_end(call->out);
}

static void write_public_key(struct ha_buf *out, const struct ha_pubkey *public_key)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    size_t n;
    const uint8_t *spki = ha_pubkey_spki(public_key, &n);
    uint8_t thumbprint[32];
    struct ha_err ignored = {0};
    ha_pubkey_to_pem(public_key, &pem);
    ha_jw_object(out, "public_key");
    ha_jw_string(out, "pem", ha_buf_text(&pem));
    ha_jw_bytes(out, "der", spki, n);
    ha_jw_object(out, "jwk");
    ha_pubkey_to_jwk(public_key, out);
    ha_jw_object_end(out);
    if (ha_pubkey_thumbprint(public_key, thumbprint, &ignored) == HA_OK)
        ha_jw_bytes(out, "thumbprint", thumbprint, sizeof(thumbprint));
    ha_jw_hex(out, "spki_sha256", ha_pubkey_spki_sha256(public_key), HA_SPKI_HASH_LEN);
    ha_jw_object_end(out);
}

// The detail is the replica's own trouble, or what its token says.
static void write_replica(struct ha_buf *out, struct ha_key *key, struct ha_replica *replica)
{
    enum ha_key_state state = ha_replica_state(key, replica);
    char trouble[HA_TROUBLE_MAX];
    ha_replica_trouble(key, replica, trouble);
    struct ha_token *token = atomic_load(&replica->token);
    struct ha_token_status status = {0};
    if (token)
        ha_token_status(token, &status);
    ha_jw_object(out, NULL);
    ha_jw_string(out, "token", replica->token_name);
    ha_jw_hex(out, "id", replica->id, replica->id_len);
    ha_jw_string(out, "state", ha_key_state_name(state));
    if (state == HA_STATE_TOKEN_DOWN && !token)
        ha_jw_string(out, "state_detail", "the token isn't in the configuration");
    else if (state == HA_STATE_TOKEN_DOWN && status.err.code)
        ha_jw_string(out, "state_detail", status.err.detail);
    else if (state != HA_STATE_READY && trouble[0])
        ha_jw_string(out, "state_detail", trouble);
    ha_jw_object_end(out);
}

static void write_replicas(struct ha_buf *out, struct ha_key *key)
{
    ha_jw_array(out, "replicas");
    for (size_t i = 0; i < key->n_replicas; i++)
        write_replica(out, key, &key->replicas[i]);
    ha_jw_array_end(out);
}

static void write_key(const struct ha_call_context *call, struct ha_key *key, bool with_public_key)
{
    struct ha_buf *out = call->out;
    enum ha_key_state state = ha_key_state(key);
    char trouble[HA_TROUBLE_MAX];
    ha_key_trouble(key, trouble);
    ha_jw_object(out, NULL);
    ha_jw_string(out, "name", key->name);
    ha_jw_string(out, "type", ha_key_type_info(key->type)->name);
    if (key->public_key)
        ha_jw_number(out, "bits", ha_pubkey_bits(key->public_key));
    write_purposes(out, key->purposes);
    ha_jw_string(out, "state", ha_key_state_name(state));
    if (trouble[0] && state != HA_STATE_READY)
        ha_jw_string(out, "state_detail", trouble);
    ha_jw_number(out, "version", key->version);
    ha_jw_string(out, "created", key->created);
    ha_jw_string(out, "origin", key->adopted ? "adopted" : "created");
    ha_jw_string(out, "token", key->replicas[0].token_name);
    ha_jw_hex(out, "id", key->replicas[0].id, key->replicas[0].id_len);
    write_replicas(out, key);
    write_algorithms(out, key, call->api->config);
    write_operations(call, key);
    if (with_public_key && key->public_key)
        write_public_key(out, key->public_key);
    ha_jw_object_end(out);
}

enum ha_code ha_handle_keys(struct ha_call_context *call, struct ha_err *err)
{
    size_t n;
    struct ha_key **keys = ha_keys_all(call->api->keys, &n);
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "keys");
    for (size_t i = 0; i < n; i++) {
        if (ha_policy_operations(call->api->config, call->request->principal, keys[i]->name))
            write_key(call, keys[i], false);
        ha_key_unref(keys[i]);
    }
    free(keys);
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
    return HA_OK;
}

enum ha_code ha_handle_key(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    // Whoever may use a key may also see it: a signature tells as much of the public key.
    if (!ha_policy_operations(call->api->config, call->request->principal, call->name))
        return ha_call_allowed(call, HA_OPERATION_SHOW, HA_ALG_NONE, err);
    key = ha_keys_get(call->api->keys, call->name);
    if (!key)
        return ha_call_no_key(call, err);
    write_key(call, key, true);
    return HA_OK;
}

struct put_request {
    enum ha_key_type type;
    const char *uri, *token;
    const ha_json *replicas, *tokens;
    unsigned purposes;
};

static const struct ha_member put_members[] = {
    {"type", HA_MEMBER_KEY_TYPE, false, offsetof(struct put_request, type)},
    {"uri", HA_MEMBER_STRING, false, offsetof(struct put_request, uri)},
    {"replicas", HA_MEMBER_ARRAY, false, offsetof(struct put_request, replicas)},
    {"purposes", HA_MEMBER_PURPOSES, false, offsetof(struct put_request, purposes)},
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

static enum ha_code find_token(const struct ha_api *api, const char *name, struct ha_token **ret_token,
                               struct ha_err *err)
{
    for (size_t i = 0; i < api->config->n_tokens; i++) {
        if (name ? strcmp(name, api->config->tokens[i].name) == 0 : api->config->n_tokens == 1) {
            *ret_token = api->tokens[i];
            return HA_OK;
        }
    }
    if (name)
        ha_fail(err, HA_E_MALFORMED, "there is no token '%.64s' in the configuration", name);
    else
        ha_fail(err, HA_E_MALFORMED, "there is more than one token; say which one holds the key");
    ha_hint(err, "`hsm-agent tokens` (GET /v1/tokens) lists them");
    return ha_at(err, "/token");
}

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
    if (request->type && (request->purposes & ~ha_purposes_possible(request->type))) {
        char possible[HA_PURPOSES_TEXT_MAX];
        ha_purposes_print(ha_purposes_possible(request->type), possible, sizeof(possible));
        ha_fail(err, HA_E_KEY_CANNOT, "a key of type %s can't have all of these purposes",
                ha_key_type_info(request->type)->name);
        ha_hint(err, "it can have %s", possible);
        return ha_at(err, "/purposes");
    }
    return ha_purposes_check(request->purposes, err) ? ha_at(err, "/purposes") : HA_OK;
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
    return find_token(api, replica.token, &source->token, err) ? ha_at(err, "%s/token", prefix) : HA_OK;
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
    enum ha_code code = ha_keys_adopt(call->api->keys, call->name, sources, n, request->purposes, ret_key, &wrong, err);
    return code && wrong < n ? ha_at(err, "/replicas/%zu", wrong) : code;
}

static enum ha_code find_tokens(const struct ha_api *api, const ha_json *names,
                                struct ha_token *ret_tokens[static HA_REPLICAS_MAX], size_t *ret_n, struct ha_err *err)
{
    size_t n = ha_json_size(names), i = 0;
    if (n < 1 || n > HA_REPLICAS_MAX) {
        ha_fail(err, n ? HA_E_TOO_LARGE : HA_E_MALFORMED, "a key is in 1 to %d tokens, not %zu", HA_REPLICAS_MAX, n);
        return ha_at(err, "/tokens");
    }
    for (const ha_json *name = ha_json_first(names); name; name = ha_json_next(name), i++) {
        if (!ha_json_string(name))
            ha_fail(err, HA_E_MALFORMED, "that isn't the name of a token");
        else
            find_token(api, ha_json_string(name), &ret_tokens[i], err);
        for (size_t j = 0; j < i && !err->code; j++)
            if (ret_tokens[j] == ret_tokens[i])
                ha_fail(err, HA_E_MALFORMED, "a token is named twice");
        if (err->code)
            return ha_at(err, "/tokens/%zu", i);
    }
    *ret_n = n;
    return HA_OK;
}

static enum ha_code put(struct ha_call_context *call, const struct put_request *request, struct ha_key **ret_key,
                        struct ha_err *err)
{
    struct ha_token *tokens[HA_REPLICAS_MAX];
    size_t n = 1;
    if (request->replicas)
        return adopt_replicas(call, request, ret_key, err);
    if (request->tokens ? find_tokens(call->api, request->tokens, tokens, &n, err)
                        : find_token(call->api, request->token, &tokens[0], err))
        return err->code;
    if (request->uri) {
        const struct ha_keys_source source = {tokens[0], request->uri};
        size_t wrong;
        enum ha_code code =
            ha_keys_adopt(call->api->keys, call->name, &source, 1, request->purposes, ret_key, &wrong, err);
        return code == HA_E_MALFORMED && ha_name_valid(call->name) ? ha_at(err, "/uri") : code;
    }
    unsigned purposes = request->purposes ? request->purposes : HA_PURPOSE_SIGN;
    return ha_keys_create(call->api->keys, call->name, tokens, n, request->type, purposes, ret_key, err);
}

enum ha_code ha_handle_key_put(struct ha_call_context *call, struct ha_err *err)
{
    struct put_request request = {0};
    const char *only_new = call->request->if_none_match;
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_members_read(call->body, put_members, "", &request, err) || check_put(&request, err) ||
        ha_call_allowed(call, request.type ? HA_OPERATION_CREATE : HA_OPERATION_ADOPT, HA_ALG_NONE, err))
        return err->code;
    if (only_new && strcmp(only_new, "*") != 0)
        return ha_fail(err, HA_E_MALFORMED, "If-None-Match takes only *");
    if (put(call, &request, &key, err)) {
        if (err->code == HA_E_CONFLICT && only_new)
            err->code = HA_E_PRECONDITION;
        return err->code;
    }
    ha_log(call->api->log, HA_LOG_INFO, request.type ? "key-created" : "key-adopted", HA_S("key", key->name),
           HA_S("type", ha_key_type_info(key->type)->name), HA_S("token", key->replicas[0].token_name),
           HA_N("replicas", key->n_replicas), HA_N("uid", call->request->principal->uid));
    call->status = 201;
    write_key(call, key, true);
    return HA_OK;
}

enum ha_code ha_handle_key_delete(struct ha_call_context *call, struct ha_err *err)
{
    bool destroyed;
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_call_key(call, HA_OPERATION_DELETE, HA_ALG_NONE, &key, err) ||
        ha_keys_delete(call->api->keys, call->name, call->request->query[0] != '\0', &destroyed, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_INFO, "key-deleted", HA_S("key", call->name),
           HA_S("objects", destroyed ? "destroyed" : "kept"), HA_N("uid", call->request->principal->uid));
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "deleted", call->name);
    ha_jw_string(call->out, "objects", destroyed ? "destroyed" : "kept");
    ha_jw_object_end(call->out);
    return HA_OK;
}
