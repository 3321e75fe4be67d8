// SPDX-License-Identifier: Apache-2.0
// /metrics: figures as Prometheus reads them (text format 0.0.4). Of keys, those that the caller may know of.
#include "api/call.h"

#include "keys/certificates.h"
#include "keys/last_use.h"

#include <inttypes.h>
#include <stdlib.h>

struct keys {
    struct ha_key **items;
    size_t n;
};

static struct keys take_keys(const struct ha_call_context *call)
{
    size_t n;
    struct keys keys = {.items = ha_keys_all(call->api->keys, &n)};
    for (size_t i = 0; i < n; i++) {
        if (ha_policy_operations(call->api->config, call->request->principal, keys.items[i]->name))
            keys.items[keys.n++] = keys.items[i];
        else
            ha_key_unref(keys.items[i]);
    }
    return keys;
}

static void keys_clear(struct keys *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        ha_key_unref(keys->items[i]);
    free(keys->items);
}
HA_AUTO_DEFINE_CLEAR(struct keys, keys_clear)

static void put_metric(struct ha_buf *out, const char *name, const char *type, const char *help)
{
    ha_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

// The figures of a token; names of tokens and keys need no escapes.
enum token_figure { UP, SESSIONS, WAITING, RESTARTS, FAULTY, TOKEN_FIGURES };
static const struct {
    const char *name, *type, *help;
} token_metrics[TOKEN_FIGURES] = {
    [UP] = {"hsm_agent_token_up", "gauge", "Whether the token is ready."},
    [SESSIONS] = {"hsm_agent_token_sessions", "gauge", "Operations that the token does at one time."},
    [WAITING] = {"hsm_agent_token_waiting", "gauge", "Requests that wait for a session."},
    [RESTARTS] = {"hsm_agent_token_restarts_total", "counter", "Starts of the token's process after the first."},
    [FAULTY] = {"hsm_agent_token_faulty_signatures_total", "counter",
                "Signatures that didn't verify and were held back."},
};

static uint64_t token_figure(struct ha_token *token, enum token_figure figure)
{
    struct ha_token_status status;
    ha_token_status(token, &status);
    switch (figure) {
    case UP:
        return status.state == HA_TOKEN_READY;
    case SESSIONS:
        return ha_token_config(token)->sessions;
    case WAITING:
        return ha_token_waiting(token);
    case RESTARTS:
        return status.restarts;
    case FAULTY:
        return status.faulty;
    case TOKEN_FIGURES:
        break;
    }
    return 0;
}

static void put_tokens(const struct ha_api *api, struct ha_buf *out)
{
    for (unsigned figure = 0; figure < TOKEN_FIGURES; figure++) {
        put_metric(out, token_metrics[figure].name, token_metrics[figure].type, token_metrics[figure].help);
        for (size_t i = 0; i < api->config->n_tokens; i++)
            ha_buf_printf(out, "%s{token=\"%s\"} %" PRIu64 "\n", token_metrics[figure].name,
                          ha_token_config(api->tokens[i])->name,
                          token_figure(api->tokens[i], (enum token_figure)figure));
    }
}

static void put_states(const struct keys *keys, struct ha_buf *out)
{
    static const char name[] = "hsm_agent_keys";
    size_t counts[HA_STATE_COUNT] = {0};
    for (size_t i = 0; i < keys->n; i++)
        counts[ha_key_state(keys->items[i])]++;
    put_metric(out, name, "gauge", "Versions of keys by state.");
    for (size_t i = 0; i < HA_STATE_COUNT; i++)
        ha_buf_printf(out, "%s{state=\"%s\"} %zu\n", name, ha_key_state_name((enum ha_key_state)i), counts[i]);
}

static void put_expiries(const struct keys *keys, struct ha_buf *out)
{
    static const char name[] = "hsm_agent_certificate_not_after_timestamp_seconds";
    put_metric(out, name, "gauge", "When the installed certificate expires.");
    for (size_t i = 0; i < keys->n; i++) {
        ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = ha_key_certificate(keys->items[i]);
        if (certificate)
            ha_buf_printf(out, "%s{key=\"%s\",version=\"%u\"} %" PRId64 "\n", name, keys->items[i]->name,
                          keys->items[i]->version, certificate->not_after);
    }
}

static void put_last_uses(const struct keys *keys, struct ha_buf *out)
{
    static const char name[] = "hsm_agent_key_last_use_timestamp_seconds";
    put_metric(out, name, "gauge", "When the key was last used.");
    for (size_t i = 0; i < keys->n; i++)
        if (ha_last_use(keys->items[i]))
            ha_buf_printf(out, "%s{key=\"%s\",version=\"%u\"} %" PRId64 "\n", name, keys->items[i]->name,
                          keys->items[i]->version, ha_last_use(keys->items[i]));
}

static void put_audit(struct ha_audit *audit, struct ha_buf *out)
{
    struct ha_err trouble = {0};
    struct ha_audit_head head;
    if (!audit)
        return;
    ha_audit_trouble(audit, &trouble);
    ha_audit_head(audit, &head);
    put_metric(out, "hsm_agent_audit_up", "gauge", "Whether the audit log can be written.");
    ha_buf_printf(out, "hsm_agent_audit_up %d\n", trouble.code == HA_OK);
    put_metric(out, "hsm_agent_audit_lines", "gauge", "The number of the audit log's last line.");
    ha_buf_printf(out, "hsm_agent_audit_lines %" PRIu64 "\n", head.seq);
    put_metric(out, "hsm_agent_audit_unsigned_lines", "gauge", "Lines that no checkpoint signs yet.");
    ha_buf_printf(out, "hsm_agent_audit_unsigned_lines %" PRIu64 "\n", head.uncovered);
}

enum ha_code ha_handle_metrics(struct ha_call_context *call, struct ha_err *err)
{
    ha_auto(keys_clear) struct keys keys = take_keys(call);
    call->content_type = "text/plain; version=0.0.4; charset=utf-8";
    put_metric(call->out, "hsm_agent_info", "gauge", "The version of the agent.");
    ha_buf_puts(call->out, "hsm_agent_info{version=\"" HA_VERSION "\"} 1\n");
    put_tokens(call->api, call->out);
    put_audit(call->api->audit, call->out);
    put_states(&keys, call->out);
    put_expiries(&keys, call->out);
    put_last_uses(&keys, call->out);
    return HA_OK;
}
