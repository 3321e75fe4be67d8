// SPDX-License-Identifier: Apache-2.0
// /v1/keys and /v1/keys/{name}: listing, showing, deleting.
#include "api/query.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>
#include <time.h>

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
    case HA_USE_MAC:
        return HA_PURPOSE_MAC;
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
    unsigned operations = 1u << HA_OPERATION_SHOW | 1u << HA_OPERATION_DELETE | 1u << HA_OPERATION_ROTATE |
                          1u << HA_OPERATION_DISABLE | 1u << HA_OPERATION_ENABLE;
    if (!ha_key_type_is_secret(key->type))
        operations |= 1u << HA_OPERATION_INSTALL;
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
    if (key->purposes & HA_PURPOSE_MAC)
        operations |= 1u << HA_OPERATION_MAC;
    if (key->backup)
        operations |= 1u << HA_OPERATION_BACKUP | 1u << HA_OPERATION_EXPORT;
    if (key->purposes & HA_PURPOSE_WRAP)
        operations |= 1u << HA_OPERATION_BACKUP;
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

static void write_traits(struct ha_buf *out, const struct ha_key *key)
{
    if (key->environment)
        ha_jw_string(out, "environment", key->environment);
    if (key->holder)
        ha_jw_string(out, "holder", key->holder);
    if (key->profile)
        ha_jw_string(out, "profile", key->profile);
    ha_jw_bool(out, "backup", key->backup);
}

static void write_time(struct ha_buf *out, const char *name, int64_t seconds)
{
    char text[25];
    ha_time_iso_at(seconds, text);
    if (seconds)
        ha_jw_string(out, name, text);
}

// What the version is beside the others, and what was said of it.
static void write_version(const struct ha_call_context *call, const struct ha_key *key)
{
    struct ha_buf *out = call->out;
    int64_t until_s, activates_s = atomic_load(&key->activates_s);
    enum ha_key_status status = ha_keys_status(call->api->keys, key, &until_s);
    ha_jw_number(out, "version", key->version);
    ha_jw_string(out, "status", ha_key_status_name(status));
    ha_jw_bool(out, "disabled", atomic_load(&key->disabled));
    write_time(out, "activates", activates_s == HA_ACTIVE_ALWAYS ? 0 : activates_s);
    write_time(out, "retires", until_s);
    write_time(out, "deletes", atomic_load(&key->deletes_s));
}

static void write_versions(const struct ha_call_context *call, const struct ha_key *key)
{
    size_t n;
    struct ha_key **versions = ha_keys_versions(call->api->keys, key->name, &n);
    ha_jw_array(call->out, "versions");
    for (size_t i = 0; i < n; i++) {
        ha_jw_object(call->out, NULL);
        write_version(call, versions[i]);
        ha_jw_string(call->out, "created", versions[i]->created);
        ha_jw_string(call->out, "state", ha_key_state_name(ha_key_state(versions[i])));
        if (versions[i]->public_key && ha_pubkey_is_public(versions[i]->public_key))
            ha_jw_hex(call->out, "spki_sha256", ha_pubkey_spki_sha256(versions[i]->public_key), HA_SPKI_HASH_LEN);
        ha_jw_object_end(call->out);
    }
    ha_jw_array_end(call->out);
    ha_keys_list_free(versions, n);
}

void ha_write_key(const struct ha_call_context *call, struct ha_key *key, bool with_public_key)
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
    write_version(call, key);
    ha_jw_string(out, "created", key->created);
    ha_jw_string(out, "origin", key->adopted ? "adopted" : key->imported ? "imported" : "created");
    write_traits(out, key);
    ha_jw_string(out, "token", key->replicas[0].token_name);
    ha_jw_hex(out, "id", key->replicas[0].id, key->replicas[0].id_len);
    write_replicas(out, key);
    write_versions(call, key);
    write_algorithms(out, key, call->api->config);
    write_operations(call, key);
    if (with_public_key && key->public_key && ha_pubkey_is_public(key->public_key))
        write_public_key(out, key->public_key);
    ha_jw_object_end(out);
}

// Each key by its active version.
enum ha_code ha_handle_keys(struct ha_call_context *call, struct ha_err *err)
{
    size_t n;
    struct ha_key **keys = ha_keys_all(call->api->keys, &n);
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "keys");
    for (size_t i = 0, count; i < n; i += count) {
        for (count = 1; i + count < n && strcmp(keys[i]->name, keys[i + count]->name) == 0;)
            count++;
        if (ha_policy_operations(call->api->config, call->request->principal, keys[i]->name))
            ha_write_key(call, keys[i + ha_versions_active(keys + i, count, time(NULL))], false);
    }
    ha_keys_list_free(keys, n);
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
    if (ha_call_version(call, HA_OPERATION_SHOW, &key, err))
        return err->code;
    ha_write_key(call, key, true);
    return HA_OK;
}

static enum ha_code put_off(struct ha_call_context *call, uint64_t after_s, bool destroy, struct ha_err *err)
{
    const char *name = call->name;
    unsigned version = call->choice.number;
    int64_t at_s = time(NULL) + (int64_t)after_s;
    if (ha_keys_schedule(call->api->keys, name, version, at_s, destroy, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_INFO, "key-deletion-planned", HA_S("key", name), HA_N("version", version),
           HA_N("after-s", (int64_t)after_s), HA_N("uid", call->request->principal->uid));
    call->status = 202;
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "key", name);
    if (version)
        ha_jw_number(call->out, "version", version);
    write_time(call->out, "deletes", at_s);
    ha_jw_object_end(call->out);
    return HA_OK;
}

// ?after=SECONDS. 0: at once.
static enum ha_code read_after(const struct ha_call_context *call, uint64_t *ret_after_s, struct ha_err *err)
{
    char text[12] = "";
    size_t n;
    const char *value = ha_query_value(call->request->query, "after", &n);
    if (!value)
        return HA_OK;
    memcpy(text, value, n < sizeof text ? n : 0);
    if (ha_parse_uint(text, 1, HA_SPAN_MAX, ret_after_s))
        return HA_OK;
    return ha_fail(err, HA_E_MALFORMED, "?after= takes a number of seconds from 1 on");
}

enum ha_code ha_handle_key_delete(struct ha_call_context *call, struct ha_err *err)
{
    bool destroyed;
    size_t n;
    uint64_t after_s = 0;
    unsigned version = call->choice.number;
    bool destroy = ha_query_value(call->request->query, "objects", &n);
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (ha_call_key(call, HA_OPERATION_DELETE, HA_ALG_NONE, &key, err) || read_after(call, &after_s, err))
        return err->code;
    if (after_s)
        return put_off(call, after_s, destroy, err);
    if (ha_keys_delete(call->api->keys, call->name, version, destroy, &destroyed, err))
        return err->code;
    ha_log(call->api->log, HA_LOG_INFO, "key-deleted", HA_S("key", call->name), HA_N("version", version),
           HA_S("objects", destroyed ? "destroyed" : "kept"), HA_N("uid", call->request->principal->uid));
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "deleted", call->name);
    if (version)
        ha_jw_number(call->out, "version", version);
    ha_jw_string(call->out, "objects", destroyed ? "destroyed" : "kept");
    ha_jw_object_end(call->out);
    return HA_OK;
}
