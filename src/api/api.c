// SPDX-License-Identifier: Apache-2.0
// From a request to a reply: what holds for every route.
#include "api/api.h"

#include "api/audit.h"
#include "api/query.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX   16   // of a body's JSON
#define REPLY_USUAL 240  // bytes that most answers take

static enum ha_code read_body(const struct ha_route *route, struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_request *request = call->request;
    if (!route->body) {
        if (request->body_len == 0)
            return HA_OK;
        return ha_fail(err, HA_E_MALFORMED, "%s %s takes no body", route->method, route->pattern);
    }
    if (request->body_len == 0) {
        ha_fail(err, HA_E_MALFORMED, "the body is empty");
        return ha_hint(err, "send a JSON object; hsm-agent-api(7) shows one for each request");
    }
    return ha_json_parse((const char *)request->body, request->body_len, DEPTH_MAX, &call->body, err);
}

// Seconds, with a fraction or without. What is longer than anything here takes shortens nothing.
static enum ha_code read_timeout(const char *text, unsigned *ret_ms, struct ha_err *err)
{
    static const char digits[] = "0123456789";
    unsigned long long ms = 0, unit = 1000;
    size_t whole = strspn(text, digits);
    size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;
    size_t n = fraction ? whole + 1 + fraction : whole;
    for (size_t i = 0; i < whole && ms < UINT_MAX; i++)
        ms = ms * 10 + 1000 * (unsigned)(text[i] - '0');
    for (size_t i = 0; i < fraction; i++)
        ms += (unsigned)(text[whole + 1 + i] - '0') * (unit /= 10);
    if (whole == 0 || text[n] != '\0' || ms == 0) {
        ha_fail(err, HA_E_MALFORMED, "the header Request-Timeout is no time: '%.40s'", text);
        return ha_hint(err, "send a number of seconds from 0.001 on, for example 2 or 0.5");
    }
    *ret_ms = ms < UINT_MAX ? (unsigned)ms : UINT_MAX;
    return HA_OK;
}

static enum ha_code dispatch(struct ha_call_context *call, char name[static HA_NAME_MAX + 1], struct ha_reply *reply,
                             struct ha_err *err)
{
    const struct ha_request *request = call->request;
    if (request->origin) {
        ha_fail(err, HA_E_CROSS_ORIGIN, "requests with an Origin header come from a browser");
        return err->code;
    }
    const struct ha_route *route;
    if (ha_route_find(request->method, request->path, &route, name, &reply->allow, err))
        return err->code;
    call->record->route = route->pattern;
    if (strchr(route->pattern, '{'))
        call->name = name;
    if (route->admin && !request->admin) {
        ha_fail(err, HA_E_NOT_ADMIN, "%s %s is answered on administrators' sockets only", route->method,
                route->pattern);
        return err->code;
    }
    // What couldn't be told of isn't begun.
    if (call->name && strcmp(request->method, "GET") != 0 && ha_audit_ready(call->api->audit, err))
        return err->code;
    if (request->request_timeout && read_timeout(request->request_timeout, &call->caller.limit_ms, err))
        return err->code;
    if (ha_query_check(route->query, request->query, err) ||
        ha_query_read_version(request->query, &call->choice, err) || read_body(route, call, err))
        return err->code;
    ha_buf_reserve(call->out, REPLY_USUAL);
    return route->handle(call, err);
}

void ha_api_handle(const struct ha_api *api, const struct ha_request *request, struct ha_reply *reply)
{
    struct ha_takings takings = {0};
    struct ha_call_record record = {.start_us = ha_now_us()};
    struct ha_call_context call = {.api = api,
                                   .request = request,
                                   .status = 200,
                                   .content_type = "application/json",
                                   .out = &reply->body,
                                   .takings = &takings,
                                   .record = &record};
    char name[HA_NAME_MAX + 1];
    call.caller = (struct ha_caller){.uid = request->principal->uid, .start_ms = ha_now_ms(), .cpu = request->cpu};
    struct ha_err err = {0};
    if (dispatch(&call, name, reply, &err) == HA_OK)
        err = (struct ha_err){0};  // what failed on the way, and was done in another way
    enum ha_code code = ha_audit_done(&call, &err);
    ha_json_free(call.body);
    if (code == HA_OK && !ha_buf_ok(&reply->body))
        code = ha_fail(&err, HA_E_MEMORY, "out of memory");
    if (code) {
        ha_api_problem(&err, request->id, reply);
        return;
    }
    reply->status = call.status;
    reply->content_type = call.content_type;
}

void ha_api_problem(const struct ha_err *err, const char *request_id, struct ha_reply *reply)
{
    ha_buf_reset(&reply->body);
    ha_write_problem(&reply->body, NULL, err, request_id);
    reply->status = ha_code_info(err->code)->status;
    reply->content_type = "application/problem+json";
    reply->retry_after_s = err->retry_after_s;
    bool later = reply->status == 503 || reply->status == 429;
    if (later && reply->retry_after_s == 0 && ha_code_info(err->code)->retryable)
        reply->retry_after_s = 1;
}

void ha_write_problem(struct ha_buf *out, const char *name, const struct ha_err *err, const char *request_id)
{
    const struct ha_code_info *info = ha_code_info(err->code);
    char type[96];
    snprintf(type, sizeof(type), "urn:hsm-agent:error:%s", info->name);
    ha_jw_object(out, name);
    ha_jw_string(out, "type", type);
    ha_jw_string(out, "title", info->title);
    ha_jw_number(out, "status", info->status);
    ha_jw_string(out, "detail", err->detail);
    ha_jw_string(out, "code", info->name);
    if (err->pointer[0])
        ha_jw_string(out, "pointer", err->pointer);
    if (err->hint[0])
        ha_jw_string(out, "hint", err->hint);
    ha_jw_bool(out, "retryable", info->retryable);
    // Whatever was wrong with a ciphertext, the body is the same to the byte.
    if (request_id && err->code != HA_E_DECRYPTION)
        ha_jw_string(out, "request_id", request_id);
    if (err->function[0]) {
        char rv[24];
        snprintf(rv, sizeof(rv), "0x%lx", err->rv);
        ha_jw_object(out, "pkcs11");
        ha_jw_string(out, "function", err->function);
        ha_jw_string(out, "rv", rv);
        ha_jw_object_end(out);
    }
    ha_jw_object_end(out);
}
