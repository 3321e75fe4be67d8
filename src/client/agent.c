// SPDX-License-Identifier: Apache-2.0
// libhsmagent: its object, its errors, and plain requests.
#include "client/agent.h"

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, DEPTH_MAX = 16 };

void ha_agent_answer_clear(struct ha_agent_answer *answer)
{
    ha_json_free(answer->json);
    ha_buf_clear(&answer->text);
    *answer = (struct ha_agent_answer){0};
}

hsm_agent *hsm_agent_new(const struct hsm_agent_options *options)
{
    static const struct hsm_agent_options defaults;
    const struct hsm_agent_options *o = options ? options : &defaults;
    unsigned timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
    struct ha_err err = {0};  // lack of memory is the only reason
    hsm_agent *agent = calloc(1, sizeof *agent);
    if (!agent || ha_client_new(o->socket_path, timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX, &agent->client,
                                &err) != HA_OK) {
        free(agent);
        return NULL;
    }
    ha_client_set_wait(agent->client, o->wait, o->wait_context);
    return agent;
}

void hsm_agent_free(hsm_agent *agent)
{
    if (!agent)
        return;
    ha_client_free(agent->client);
    free(agent);
}

const char *hsm_agent_socket(const hsm_agent *agent)
{
    return ha_client_socket(agent->client);
}

int ha_agent_report(const struct ha_err *err, unsigned status, struct hsm_agent_error *ret_error)
{
    if (err->code == HA_OK)
        return 0;
    if (ret_error) {
        *ret_error = (struct hsm_agent_error){.status = (int)status, .retry_after_s = err->retry_after_s};
        snprintf(ret_error->code, sizeof ret_error->code, "%s", ha_code_info(err->code)->name);
        snprintf(ret_error->detail, sizeof ret_error->detail, "%s", err->detail);
        snprintf(ret_error->hint, sizeof ret_error->hint, "%s", err->hint);
    }
    return -1;
}

static enum ha_code unexpected(struct ha_err *err, const char *what, const char *name)
{
    ha_fail(err, HA_E_AGENT, "the agent's answer %s%s", what, name);
    return ha_hint(err, "Check that hsm-agentd is not older than the library libhsmagent.");
}

enum {
    HASH_DIGITS = 64,
    PATH_SIZE = sizeof "/v1/keys/?spki_sha256=" + HA_NAME_MAX + HASH_DIGITS + 32,  // the tail is shorter
};

// key is NAME, NAME@VERSION or NAME@HASH. False: it isn't.
static bool put_path(const char *key, const char *tail, char path[static PATH_SIZE])
{
    char name[HA_NAME_MAX + 1] = "";
    uint64_t version;
    size_t n = strcspn(key, "@");
    const char *which = key[n] ? key + n + 1 : "";
    if (n > HA_NAME_MAX)
        return false;
    memcpy(name, key, n);
    bool by_hash = strlen(which) == HASH_DIGITS && strspn(which, "0123456789abcdefABCDEF") == HASH_DIGITS;
    if (!ha_name_valid(name) || (key[n] && !by_hash && !ha_parse_uint(which, 1, UINT32_MAX, &version)))
        return false;
    snprintf(path, PATH_SIZE, "/v1/keys/%s%s%s%s", name, tail,
             !key[n]   ? ""
             : by_hash ? "?spki_sha256="
                       : "?version=",
             which);
    return true;
}

enum ha_code ha_agent_ask_key(hsm_agent *agent, const char *key, const char *tail, const struct ha_buf *body,
                              struct ha_agent_answer *ret_answer, struct ha_err *err)
{
    char path[PATH_SIZE];
    if (!put_path(key, tail, path)) {
        ha_fail(err, HA_E_USAGE, "that can't be a key's name: %s", key);
        return ha_hint(err, "A name has letters, digits, '.', '_' and '-', 64 at most, and begins with one of the "
                            "first two.");
    }
    if (body && !ha_buf_ok(body))
        return ha_fail(err, HA_E_MEMORY, "out of memory for a request");
    const struct ha_call call = {
        .method = body ? "POST" : "GET",
        .path = path,
        .body = body ? body->data : NULL,
        .body_len = body ? body->len : 0,
    };
    enum ha_code code = ha_client_call(agent->client, &call, &ret_answer->status, &ret_answer->text, err);
    if (code != HA_OK)
        return code;
    const char *text = ha_buf_text(&ret_answer->text);
    struct ha_err reason = {0};
    if (ha_json_parse(text, ret_answer->text.len, DEPTH_MAX, &ret_answer->json, &reason) != HA_OK ||
        ha_json_type(ret_answer->json) != HA_JSON_OBJECT)
        return unexpected(err, "isn't a JSON object", "");
    return HA_OK;
}

enum ha_code ha_agent_bytes(const ha_json *object, const char *name, struct ha_buf *out, struct ha_err *err)
{
    struct ha_err reason = {0};
    const char *text = object && ha_json_type(object) == HA_JSON_OBJECT ? ha_json_get_string(object, name) : NULL;
    if (!text || ha_b64u_decode(out, text, strlen(text), &reason) != HA_OK)
        return unexpected(err, "has no base64url member ", name);
    return HA_OK;
}

int hsm_agent_call(hsm_agent *agent, const char *method, const char *path, const char *json, size_t n, char **body,
                   size_t *body_len, int *status, struct hsm_agent_error *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const struct ha_call call = {.method = method, .path = path, .body = json, .body_len = n};
    struct ha_err cause = {0};
    unsigned answered = 0;
    size_t len = 0;
    char *copy = NULL;
    ha_client_call(agent->client, &call, &answered, &text, &cause);
    if (answered && body) {
        ha_buf_puts(&text, "");  // an empty answer is a text too
        len = text.len;
        copy = ha_buf_steal(&text, &len);
        if (!copy) {
            ha_fail(&cause, HA_E_MEMORY, "out of memory for an answer");
            answered = 0;
        }
    }
    if (body)
        *body = copy;
    if (body_len)
        *body_len = answered ? (body ? len : text.len) : 0;
    if (status)
        *status = (int)answered;
    return ha_agent_report(&cause, answered, err);
}
