// SPDX-License-Identifier: Apache-2.0
// The policy's word on a request: whether it may, how often, and whether somebody else has to agree; told to the log
// and to the audit log.
#include "api/call.h"

#include "api/audit.h"
#include "base/clock.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "keys/use.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static_assert(HA_BATCH_MAX <= HA_USES_MAX, "a batch is asked in one go");

// Whether it is for names that no key has yet.
static bool makes_key(enum ha_operation operation)
{
    const unsigned makers = 1u << HA_OPERATION_CREATE | 1u << HA_OPERATION_CEREMONY | 1u << HA_OPERATION_ADOPT |
                            1u << HA_OPERATION_IMPORT | 1u << HA_OPERATION_RESTORE;
    return makers & 1u << operation;
}

static const char *profile_name(const struct ha_profile *profile)
{
    return profile ? profile->name : NULL;
}

static void log_question(const struct ha_call_context *call, const char *event, const struct ha_question *question,
                         const char *reason)
{
    const struct ha_principal *principal = call->request->principal;
    ha_log(call->api->log, HA_LOG_WARN, event, HA_S("key", call->name),
           HA_S("operation", ha_operation_info(question->operation)->name),
           HA_S("algorithm", question->alg ? ha_alg_info(question->alg)->name : ""), HA_N("uid", principal->uid),
           HA_N("pid", principal->pid), HA_S("unit", principal->unit ? principal->unit : ""),
           HA_S("profile", question->profile ? question->profile : ""),
           HA_S("content", question->content ? ha_content_info(*question->content)->name : ""), HA_S("reason", reason),
           HA_S("request", call->request->id));
}

static enum ha_code say_content(const struct ha_call_context *call, const struct ha_decision *decision,
                                const struct ha_question *question, struct ha_err *err)
{
    const char *content = ha_content_info(*question->content)->name;
    ha_fail(err, HA_E_FORBIDDEN, "no rule of [client %s] grants %s of this content on '%s': %s", decision->client->name,
            ha_operation_info(question->operation)->name, call->name, content);
    return ha_hint(err, "an administrator can add %s to the rule's content=", content);
}

static enum ha_code say_unknown(const struct ha_call_context *call, enum ha_operation operation, struct ha_err *err)
{
    ha_call_no_key(call, err);
    if (!makes_key(operation))
        return err->code;
    return ha_hint(err,
                   "to make one an administrator can add `allow = %s:%s` to a [client] section that applies to you",
                   call->name, ha_operation_info(operation)->name);
}

// Why not, for the caller.
static enum ha_code say_refusal(const struct ha_call_context *call, const struct ha_decision *decision,
                                const struct ha_question *question, struct ha_err *err)
{
    const char *name = ha_operation_info(question->operation)->name, *profile = question->profile;
    const char *alg_name = question->alg ? ha_alg_info(question->alg)->name : "";
    if (!decision->knows)
        return say_unknown(call, question->operation, err);
    if (decision->verdict == HA_VERDICT_HOURS) {
        ha_fail(err, HA_E_FORBIDDEN, "[client %s] grants %s on '%s' at other hours", decision->client->name, name,
                call->name);
        return ha_hint(err, "an administrator can change the section's hours");
    }
    if (decision->verdict == HA_VERDICT_CONTENT)
        return say_content(call, decision, question, err);
    ha_fail(err, HA_E_FORBIDDEN, "no rule of [client %s] grants %s%s%s%s%s on '%s'", decision->client->name, name,
            question->alg ? " with " : "", alg_name, profile ? " of the profile " : "", profile ? profile : "",
            call->name);
    return ha_hint(err, "an administrator can add `allow = %s:%s%s%s` to that section", call->name, name,
                   profile ? " profile=" : "", profile ? profile : "");
}

static enum ha_code tell_refusal(const struct ha_call_context *call, const struct ha_question *question,
                                 const char *reason, struct ha_err *err)
{
    log_question(call, "refused", question, reason);
    return ha_audit_refused(call, question->content ? *question->content : HA_CONTENT_COUNT, err);
}

// ret_client: whose rule grants it, or whose shadow covers it.
static enum ha_code ask(const struct ha_call_context *call, const struct ha_question *question,
                        const struct ha_client_config **ret_client, struct ha_err *err)
{
    if (call->granted) {
        ha_audit_asked(call, question, NULL);
        return HA_OK;
    }
    struct ha_decision decision = ha_policy_decide(call->api->config, call->request->principal, question);
    ha_audit_asked(call, question, decision.client);
    if (!decision.allowed && !decision.shadow) {
        say_refusal(call, &decision, question, err);
        return tell_refusal(call, question, ha_verdict_name(decision.verdict), err);
    }
    if (decision.shadow && ret_client)
        log_question(call, "would-refuse", question, ha_verdict_name(decision.verdict));
    if (ret_client)
        *ret_client = decision.client;
    return HA_OK;
}

// Of all that the request asks for, under this policy: who was first under another one may have lost the right. The
// body, which may be secret, is copied nowhere.
static enum ha_code hash_request(const struct ha_request *request, const char *policy,
                                 uint8_t ret_hash[static HA_DIGEST_MAX], struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    uint8_t body[HA_DIGEST_MAX];
    if (ha_digest(HA_HASH_SHA256, request->body_len ? (const void *)request->body : "", request->body_len, body, err))
        return err->code;
    ha_buf_printf(&text, "%s %s %s?%s %s\n", policy, request->method, request->path, request->query,
                  request->if_none_match ? request->if_none_match : "");
    ha_buf_append(&text, body, ha_hash_info(HA_HASH_SHA256)->len);
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return ha_digest(HA_HASH_SHA256, text.data, text.len, ret_hash, err);
}

static enum ha_code want_second(const struct ha_call_context *call, const char *operation, int64_t left_s,
                                struct ha_err *err)
{
    char until[25];
    ha_time_iso_at(time(NULL) + left_s, until);
    ha_log(call->api->log, HA_LOG_INFO, "second-needed", HA_S("key", call->name), HA_S("operation", operation),
           HA_N("uid", call->request->principal->uid), HA_S("until", until), HA_S("request", call->request->id));
    ha_fail(err, HA_E_SECOND, "%s on '%s' takes two people; somebody else can do it until %s", operation, call->name,
            until);
    return ha_audit_refused(call, HA_CONTENT_COUNT, err);
}

// What takes two people is done by the second.
static enum ha_code check_second(const struct ha_call_context *call, enum ha_operation operation, struct ha_err *err)
{
    const struct ha_agent_config *agent = &call->api->config->agent;
    const char *name = ha_operation_info(operation)->name;
    uint8_t hash[HA_DIGEST_MAX];
    uid_t uid = call->request->principal->uid, other = uid;
    int64_t now_s = ha_now_ms() / 1000, until_s = 0;
    if (!(agent->seconds & 1u << operation) || !call->api->pairs || call->takings->seconded)
        return HA_OK;
    if (hash_request(call->request, call->api->policy, hash, err))
        return err->code;
    switch (ha_pairs_ask(call->api->pairs, hash, uid, now_s, agent->second_s, &other, &until_s)) {
    case HA_PAIR_FIRST:
        return want_second(call, name, until_s - now_s, err);
    case HA_PAIR_FULL:
        return ha_fail(err, HA_E_BUSY, "too many requests wait for a second person");
    case HA_PAIR_MET:
        break;
    }
    call->takings->seconded = true;
    ha_log(call->api->log, HA_LOG_INFO, "seconded", HA_S("key", call->name), HA_S("operation", name), HA_N("uid", uid),
           HA_N("first-uid", other), HA_S("request", call->request->id));
    return HA_OK;
}

enum ha_code ha_call_allowed_profile(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                                     const struct ha_profile *profile, struct ha_err *err)
{
    const struct ha_question question = {
        .key = call->name, .operation = operation, .alg = alg, .profile = profile_name(profile), .time_s = time(NULL)};
    if (ask(call, &question, NULL, err))
        return err->code;
    return call->granted ? HA_OK : check_second(call, operation, err);
}

static enum ha_code over_limit(const struct ha_call_context *call, const struct ha_client_config *client,
                               const struct ha_question *question, enum ha_limit limit, unsigned wait_s,
                               struct ha_err *err)
{
    char rate[HA_RATE_TEXT_MAX];
    bool budget = limit == HA_LIMIT_BUDGET;
    const char *reason = budget ? "budget" : "rate";
    if (client->mode && strcmp(client->mode, "shadow") == 0) {
        log_question(call, "would-refuse", question, reason);
        return HA_OK;
    }
    if (budget)
        ha_fail(err, HA_E_BUDGET, "the %u uses a day of [client %s] are spent", client->daily_budget, client->name);
    else
        ha_fail(err, HA_E_RATE, "[client %s] has its %s already", client->name, ha_rate_print(&client->rate, rate));
    err->retry_after_s = wait_s;
    return tell_refusal(call, question, reason, err);
}

// A key may need a clock that is right, for what has a date in it.
static enum ha_code check_clock(const struct ha_call_context *call, enum ha_operation operation, struct ha_err *err)
{
    const unsigned dated = 1u << HA_OPERATION_JWS | 1u << HA_OPERATION_JWT | 1u << HA_OPERATION_HTTP_SIGNATURE;
    const char *keys = call->api->config->agent.clock_keys;
    bool (*synchronised)(void) = call->api->synchronised ? call->api->synchronised : ha_clock_synchronised;
    if (!(dated & 1u << operation) || !keys || !ha_glob_match(keys, call->name) || synchronised())
        return HA_OK;
    return ha_fail(err, HA_E_CLOCK,
                   "the key '%s' makes messages only while the system clock is synchronised, and it isn't", call->name);
}

enum ha_code ha_call_take(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                          const struct ha_profile *profile, const enum ha_content *content, struct ha_use *use,
                          struct ha_err *err)
{
    const struct ha_question question = {.key = call->name,
                                         .operation = operation,
                                         .alg = alg,
                                         .profile = profile_name(profile),
                                         .content = content,
                                         .time_s = time(NULL)};
    const struct ha_client_config *client = NULL;
    enum ha_limit limit = HA_LIMIT_NONE;
    unsigned wait_s = 0;
    if (ask(call, &question, &client, err) || check_clock(call, operation, err))
        return err->code;
    if (client && call->api->limits)
        limit = ha_limits_take(call->api->limits, client, ha_limits_now(), &wait_s);
    if (limit != HA_LIMIT_NONE && over_limit(call, client, &question, limit, wait_s, err))
        return err->code;
    call->takings->n++;
    if (use && client)
        use->grant = (struct ha_use_grant){client->name, operation, alg, question.profile};
    return HA_OK;
}

unsigned ha_call_operations(const struct ha_call_context *call)
{
    return call->granted ? HA_OPERATIONS_ALL
                         : ha_policy_operations(call->api->config, call->request->principal, call->name);
}

enum ha_code ha_call_allowed(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                             struct ha_err *err)
{
    return ha_call_allowed_profile(call, operation, alg, NULL, err);
}

enum ha_code ha_call_any_client(const struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_config *config = call->api->config;
    for (size_t i = 0; i < config->n_clients; i++)
        if (ha_policy_applies(&config->clients[i], call->request->principal))
            return HA_OK;
    ha_fail(err, HA_E_FORBIDDEN, "no [client] section is about you");
    return ha_hint(err, "an administrator can add one; `hsm-agent whoami` (GET /v1/whoami) shows who you are");
}
