// SPDX-License-Identifier: Apache-2.0
// What the handlers share: the policy's word on a key, and the way to its tokens.
#include "api/call.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "keys/last_use.h"
#include "keys/replicas.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static_assert(HA_BATCH_MAX <= HA_USES_MAX, "a batch is asked in one go");

enum ha_code ha_call_no_key(const struct ha_call_context *call, struct ha_err *err)
{
    ha_fail(err, HA_E_NO_KEY, "there is no key '%s', or none that you may know of", call->name);
    return ha_hint(err, "`hsm-agent key list` (GET /v1/keys) shows those you may use");
}

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

static enum ha_code refuse_content(const struct ha_call_context *call, const struct ha_decision *decision,
                                   const struct ha_question *question, struct ha_err *err)
{
    const char *content = ha_content_info(*question->content)->name;
    ha_fail(err, HA_E_FORBIDDEN, "no rule of [client %s] grants %s of this content on '%s': %s", decision->client->name,
            ha_operation_info(question->operation)->name, call->name, content);
    return ha_hint(err, "an administrator can add %s to the rule's content=", content);
}

static enum ha_code refuse(const struct ha_call_context *call, const struct ha_decision *decision,
                           const struct ha_question *question, struct ha_err *err)
{
    const char *name = ha_operation_info(question->operation)->name, *profile = question->profile;
    const char *alg_name = question->alg ? ha_alg_info(question->alg)->name : "";
    log_question(call, "refused", question, ha_verdict_name(decision->verdict));
    if (!decision->knows && makes_key(question->operation)) {
        ha_call_no_key(call, err);
        return ha_hint(err,
                       "to make one an administrator can add `allow = %s:%s` to a [client] section that applies to "
                       "you",
                       call->name, name);
    }
    if (!decision->knows)
        return ha_call_no_key(call, err);
    if (decision->verdict == HA_VERDICT_HOURS) {
        ha_fail(err, HA_E_FORBIDDEN, "[client %s] grants %s on '%s' at other hours", decision->client->name, name,
                call->name);
        return ha_hint(err, "an administrator can change the section's hours");
    }
    if (decision->verdict == HA_VERDICT_CONTENT)
        return refuse_content(call, decision, question, err);
    ha_fail(err, HA_E_FORBIDDEN, "no rule of [client %s] grants %s%s%s%s%s on '%s'", decision->client->name, name,
            question->alg ? " with " : "", alg_name, profile ? " of the profile " : "", profile ? profile : "",
            call->name);
    return ha_hint(err, "an administrator can add `allow = %s:%s%s%s` to that section", call->name, name,
                   profile ? " profile=" : "", profile ? profile : "");
}

// ret_client: whose rule grants it, or whose shadow covers it.
static enum ha_code ask(const struct ha_call_context *call, const struct ha_question *question,
                        const struct ha_client_config **ret_client, struct ha_err *err)
{
    struct ha_decision decision = ha_policy_decide(call->api->config, call->request->principal, question);
    if (!decision.allowed && !decision.shadow)
        return refuse(call, &decision, question, err);
    if (decision.shadow && ret_client)
        log_question(call, "would-refuse", question, ha_verdict_name(decision.verdict));
    if (ret_client)
        *ret_client = decision.client;
    return HA_OK;
}

// Of all that the request asks for. The body, which may be secret, is copied nowhere.
static enum ha_code hash_request(const struct ha_request *request, uint8_t ret_hash[static HA_DIGEST_MAX],
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    uint8_t body[HA_DIGEST_MAX];
    if (ha_digest(HA_HASH_SHA256, request->body_len ? (const void *)request->body : "", request->body_len, body, err))
        return err->code;
    ha_buf_printf(&text, "%s %s?%s %s\n", request->method, request->path, request->query,
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
    return ha_fail(err, HA_E_SECOND, "%s on '%s' takes two people; somebody else can do it until %s", operation,
                   call->name, until);
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
    if (hash_request(call->request, hash, err))
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
    if (call->granted)
        return HA_OK;
    return ask(call, &question, NULL, err) ? err->code : check_second(call, operation, err);
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
    log_question(call, "refused", question, reason);
    if (budget)
        ha_fail(err, HA_E_BUDGET, "the %u uses a day of [client %s] are spent", client->daily_budget, client->name);
    else
        ha_fail(err, HA_E_RATE, "[client %s] has its %s already", client->name, ha_rate_print(&client->rate, rate));
    err->retry_after_s = wait_s;
    return err->code;
}

enum ha_code ha_call_take(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                          const struct ha_profile *profile, const enum ha_content *content, struct ha_err *err)
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
    if (!call->granted && ask(call, &question, &client, err))
        return err->code;
    if (client && call->api->limits)
        limit = ha_limits_take(call->api->limits, client, ha_limits_now(), &wait_s);
    if (limit != HA_LIMIT_NONE && over_limit(call, client, &question, limit, wait_s, err))
        return err->code;
    call->takings->n++;
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

static enum ha_code find_version(const struct ha_call_context *call, struct ha_key **ret_key, struct ha_err *err)
{
    struct ha_keys *keys = call->api->keys;
    const struct ha_version_choice *choice = &call->choice;
    struct ha_key *key = choice->number    ? ha_keys_get_version(keys, call->name, choice->number)
                         : choice->by_spki ? ha_keys_get_spki(keys, call->name, choice->spki_sha256)
                                           : ha_keys_get(keys, call->name);
    if (key) {
        *ret_key = key;
        return HA_OK;
    }
    ha_auto(ha_key_unref) struct ha_key *active = ha_keys_get(keys, call->name);
    if (!active)
        return ha_call_no_key(call, err);
    if (choice->number)
        return ha_keys_no_version(call->name, choice->number, err);
    ha_fail(err, HA_E_CONFLICT, "the caller's public key is not that of '%s'", call->name);
    return ha_hint(err, "the key was made anew since the caller's key reference was written: write it again, and "
                        "renew the certificate");
}

struct ha_key **ha_call_versions(const struct ha_call_context *call, struct ha_key *key, size_t *ret_n)
{
    bool chosen = call->choice.number || call->choice.by_spki;
    size_t n = 0, n_all = 0;
    struct ha_key **all = chosen ? NULL : ha_keys_versions(call->api->keys, key->name, &n_all);
    struct ha_key **list = calloc(n_all + 1, sizeof(*list));
    if (list)
        list[n++] = ha_key_ref(key);
    for (size_t i = n_all; i-- > 0;)
        if (list && all[i] != key && all[i]->phase == HA_PHASE_READY && !atomic_load(&all[i]->disabled) &&
            !atomic_load(&all[i]->deletes_s))
            list[n++] = ha_key_ref(all[i]);
    ha_keys_list_free(all, n_all);
    *ret_n = n;
    return list;
}

// What a retired version signed would be verified by nobody: its public key isn't published any more.
static enum ha_code check_retired(const struct ha_call_context *call, enum ha_operation operation,
                                  const struct ha_key *key, struct ha_err *err)
{
    const unsigned messages = 1u << HA_OPERATION_SIGN | 1u << HA_OPERATION_SIGN_DIGEST | 1u << HA_OPERATION_JWS |
                              1u << HA_OPERATION_JWT | 1u << HA_OPERATION_HTTP_SIGNATURE;
    bool chosen = call->choice.number || call->choice.by_spki;
    if (!chosen || !(messages & 1u << operation) || ha_keys_status(call->api->keys, key, NULL) != HA_STATUS_RETIRED)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "version %u of '%s' is retired, and signs no more", key->version, key->name);
    return ha_hint(err, "use the active version: leave out the version, or write the key reference again");
}

enum ha_code ha_call_version(const struct ha_call_context *call, enum ha_operation operation, struct ha_key **ret_key,
                             struct ha_err *err)
{
    ha_auto(ha_key_unref) struct ha_key *key = NULL;
    if (find_version(call, &key, err) || check_retired(call, operation, key, err))
        return err->code;
    *ret_key = ha_take(&key);
    return HA_OK;
}

void ha_call_choose(struct ha_call_context *call, uint64_t version)
{
    if (!call->choice.number && !call->choice.by_spki && version <= UINT32_MAX)
        call->choice.number = (unsigned)version;
}

enum ha_code ha_call_check_version(const struct ha_key *key, uint64_t version, struct ha_err *err)
{
    if (version == 0 || version == key->version)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "this request is done by version %u of '%s', not by version %llu", key->version,
            key->name, (unsigned long long)version);
    return ha_hint(err, "name one and the same version in all items, and in the query if there is one");
}

enum ha_code ha_call_key_profile(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                                 const struct ha_profile *profile, struct ha_key **ret_key, struct ha_err *err)
{
    if (ha_call_allowed_profile(call, operation, alg, profile, err) || check_clock(call, operation, err))
        return err->code;
    return ha_call_version(call, operation, ret_key, err);
}

enum ha_code ha_call_key(const struct ha_call_context *call, enum ha_operation operation, enum ha_alg alg,
                         struct ha_key **ret_key, struct ha_err *err)
{
    return ha_call_key_profile(call, operation, alg, NULL, ret_key, err);
}

enum ha_code ha_call_profile(const struct ha_call_context *call, const char *name, unsigned schemes,
                             const char *pointer, const struct ha_profile **ret_profile, struct ha_err *err)
{
    if (ha_profiles_find(call->api->profiles, name, schemes, ret_profile, err))
        return ha_at(err, "%s", pointer);
    return HA_OK;
}

enum ha_code ha_call_refused_content(const struct ha_call_context *call, enum ha_operation operation,
                                     enum ha_content content, struct ha_err *err)
{
    const struct ha_principal *principal = call->request->principal;
    ha_log(call->api->log, HA_LOG_WARN, "refused-content", HA_S("key", call->name),
           HA_S("operation", ha_operation_info(operation)->name), HA_S("content", ha_content_info(content)->name),
           HA_S("rule", err->detail), HA_N("uid", principal->uid), HA_N("pid", principal->pid),
           HA_S("request", call->request->id));
    return err->code;
}

void ha_call_exchange(const struct ha_call_context *call, struct ha_key *key, struct ha_use *const *uses, size_t n)
{
    for (size_t i = 0; i < n && call->takings->n == 0; i++)
        uses[i]->exchange.code =
            ha_fail(&uses[i]->exchange.err, HA_E_INTERNAL, "a use of '%s' that nobody has granted", key->name);
    if (call->takings->n > 0)
        ha_replicas_use(key, &call->caller, uses, n);
    for (size_t i = 0; i < n; i++) {
        if (uses[i]->exchange.code == HA_OK) {
            ha_last_use_note(key);
            break;
        }
    }
}

void ha_write_use(struct ha_buf *out, const struct ha_key *key, enum ha_alg alg, const char *token)
{
    ha_jw_string(out, "key", key->name);
    ha_jw_number(out, "version", key->version);
    ha_jw_string(out, "algorithm", ha_alg_info(alg)->name);
    ha_jw_string(out, "token", token);
}
