// SPDX-License-Identifier: Apache-2.0
// What the daemon says of itself: version, caller, health, tokens.
#include "api/call.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNLOCK_MS 20000  // for the start that follows

enum ha_code ha_handle_version(struct ha_call_context *call, struct ha_err *err)
{
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "name", "hsm-agent");
    ha_jw_string(call->out, "version", HA_VERSION);
    ha_jw_number(call->out, "api", 1);
    ha_jw_object_end(call->out);
    return HA_OK;
}

static void write_known(struct ha_buf *out, const char *name, const char *text)
{
    if (text)
        ha_jw_string(out, name, text);
    else
        ha_jw_null(out, name);
}

enum ha_code ha_handle_whoami(struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_principal *principal = call->request->principal;
    const struct ha_config *config = call->api->config;
    ha_jw_object(call->out, NULL);
    ha_jw_number(call->out, "uid", principal->uid);
    ha_jw_number(call->out, "gid", principal->gid);
    ha_jw_array(call->out, "groups");
    for (size_t i = 0; i < principal->n_groups; i++)
        ha_jw_number(call->out, NULL, principal->groups[i]);
    ha_jw_array_end(call->out);
    ha_jw_number(call->out, "pid", principal->pid);
    write_known(call->out, "unit", principal->unit);
    write_known(call->out, "exe", principal->exe);
    ha_jw_bool(call->out, "admin", call->request->admin);
    ha_jw_string(call->out, "listen", call->request->listen);
    ha_jw_array(call->out, "clients");
    for (size_t i = 0; i < config->n_clients; i++)
        if (ha_policy_applies(&config->clients[i], principal))
            ha_jw_string(call->out, NULL, config->clients[i].name);
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
    return HA_OK;
}

enum ha_code ha_handle_alive(struct ha_call_context *call, struct ha_err *err)
{
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "status", "alive");
    ha_jw_object_end(call->out);
    return HA_OK;
}

enum ha_code ha_handle_ready(struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_api *api = call->api;
    bool ready = true;
    for (size_t i = 0; i < api->config->n_tokens; i++) {
        struct ha_token_status status;
        ha_token_status(api->tokens[i], &status);
        ready = ready && status.state == HA_TOKEN_READY;
    }
    struct ha_err trouble = {0};
    if (api->audit)
        ha_audit_trouble(api->audit, &trouble);
    ready = ready && !trouble.code;
    call->status = ready ? 200 : 503;
    ha_jw_object(call->out, NULL);
    ha_jw_string(call->out, "status", ready ? "ready" : "not-ready");
    ha_jw_array(call->out, "tokens");
    for (size_t i = 0; i < api->config->n_tokens; i++) {
        struct ha_token_status status;
        ha_token_status(api->tokens[i], &status);
        ha_jw_object(call->out, NULL);
        ha_jw_string(call->out, "name", api->config->tokens[i].name);
        ha_jw_string(call->out, "state", ha_token_state_name(status.state));
        ha_jw_object_end(call->out);
    }
    ha_jw_array_end(call->out);
    if (api->audit) {
        ha_jw_object(call->out, "audit");
        ha_jw_string(call->out, "state", trouble.code ? "unavailable" : "ready");
        if (trouble.code)
            ha_jw_string(call->out, "cause", trouble.detail);
        ha_jw_object_end(call->out);
    }
    size_t n, usable = 0;
    struct ha_key **keys = ha_keys_all(api->keys, &n);
    for (size_t i = 0; i < n; i++) {
        usable += ha_key_state(keys[i]) == HA_STATE_READY;
        ha_key_unref(keys[i]);
    }
    free(keys);
    ha_jw_object(call->out, "keys");
    ha_jw_number(call->out, "ready", (int64_t)usable);
    ha_jw_number(call->out, "trouble", (int64_t)(n - usable));
    ha_jw_object_end(call->out);
    ha_jw_object_end(call->out);
    return HA_OK;
}

// How many keys have a replica in this token, and how many of those are ready.
static void write_token_keys(const struct ha_call_context *call, const struct ha_token *token)
{
    int64_t ready = 0, trouble = 0;
    size_t n;
    struct ha_key **keys = ha_keys_all(call->api->keys, &n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < keys[i]->n_replicas; j++) {
            const struct ha_replica *replica = &keys[i]->replicas[j];
            if (strcmp(replica->token_name, ha_token_config(token)->name) != 0)
                continue;
            bool is_ready = ha_replica_state(keys[i], replica) == HA_STATE_READY;
            ready += is_ready;
            trouble += !is_ready;
        }
        ha_key_unref(keys[i]);
    }
    free(keys);
    ha_jw_object(call->out, "keys");
    ha_jw_number(call->out, "ready", ready);
    ha_jw_number(call->out, "trouble", trouble);
    ha_jw_object_end(call->out);
}

static void write_token(const struct ha_call_context *call, struct ha_token *token)
{
    struct ha_buf *out = call->out;
    struct ha_token_status status;
    ha_token_status(token, &status);
    ha_jw_object(out, NULL);
    ha_jw_string(out, "name", ha_token_config(token)->name);
    ha_jw_string(out, "state", ha_token_state_name(status.state));
    ha_jw_string(out, "label", status.label);
    ha_jw_string(out, "serial", status.serial);
    ha_jw_string(out, "model", status.model);
    ha_jw_number(out, "sessions", ha_token_config(token)->sessions);
    ha_jw_number(out, "waiting", (int64_t)ha_token_waiting(token));
    ha_jw_number(out, "restarts", status.restarts);
    ha_jw_number(out, "faulty_signatures", status.faulty);
    write_token_keys(call, token);
    ha_jw_array(out, "algorithms");
    for (int alg = HA_ALG_NONE + 1; alg < HA_ALG_COUNT; alg++)
        if (status.ways[alg] != HA_WAY_NONE)
            ha_jw_string(out, NULL, ha_alg_info((enum ha_alg)alg)->name);
    ha_jw_array_end(out);
    if (status.err.code)
        ha_write_problem(out, "error", &status.err, NULL);
    ha_jw_object_end(out);
}

enum ha_code ha_handle_tokens(struct ha_call_context *call, struct ha_err *err)
{
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "tokens");
    for (size_t i = 0; i < call->api->config->n_tokens; i++)
        write_token(call, call->api->tokens[i]);
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
    return HA_OK;
}

static enum ha_code refuse_unlock(const struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_principal *principal = call->request->principal;
    ha_log(call->api->log, HA_LOG_WARN, "refused", HA_S("token", call->name), HA_S("operation", "unlock"),
           HA_N("uid", principal->uid), HA_N("pid", principal->pid), HA_S("request", call->request->id));
    ha_fail(err, HA_E_FORBIDDEN, "no rule grants you unlock on the token '%s'", call->name);
    return ha_hint(err, "an administrator can add `allow = %s:unlock` to a [client] section that applies to you",
                   call->name);
}

enum ha_code ha_handle_token_unlock(struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_api *api = call->api;
    const struct ha_principal *principal = call->request->principal;
    const struct ha_question question = {.key = call->name, .operation = HA_OPERATION_UNLOCK, .time_s = time(NULL)};
    if (!ha_policy_decide(api->config, principal, &question).allowed)
        return refuse_unlock(call, err);
    if (ha_call_allowed(call, HA_OPERATION_UNLOCK, HA_ALG_NONE, err))
        return err->code;
    for (size_t i = 0; i < api->config->n_tokens; i++) {
        if (strcmp(api->config->tokens[i].name, call->name) != 0)
            continue;
        ha_log(api->log, HA_LOG_INFO, "token-unlock", HA_S("token", call->name), HA_N("uid", principal->uid),
               HA_N("pid", principal->pid), HA_S("request", call->request->id));
        if (ha_token_unlock(api->tokens[i], ha_now_ms() + UNLOCK_MS, err))
            return err->code;
        write_token(call, api->tokens[i]);
        return HA_OK;
    }
    ha_fail(err, HA_E_NO_ROUTE, "there is no token '%s'", call->name);
    return ha_hint(err, "`hsm-agent tokens` (GET /v1/tokens) lists them");
}
