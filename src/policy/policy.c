// SPDX-License-Identifier: Apache-2.0
// Rules are looked at in the order of the file; each can only add to what is granted.
#include "policy/policy.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

static bool has_uid(const struct ha_client_config *client, const struct ha_principal *principal)
{
    for (size_t i = 0; i < client->n_uids; i++) {
        if (client->uids[i] == principal->uid)
            return true;
    }
    return client->n_uids == 0;
}

static bool is_member(const struct ha_principal *principal, gid_t gid)
{
    for (size_t i = 0; i < principal->n_groups; i++) {
        if (principal->groups[i] == gid)
            return true;
    }
    return principal->gid == gid;
}

static bool has_gid(const struct ha_client_config *client, const struct ha_principal *principal)
{
    for (size_t i = 0; i < client->n_gids; i++) {
        if (is_member(principal, client->gids[i]))
            return true;
    }
    return client->n_gids == 0;
}

// What isn't known fits no pattern.
static bool has_unit(const struct ha_client_config *client, const struct ha_principal *principal)
{
    for (size_t i = 0; principal->unit && i < client->units.n; i++) {
        if (ha_glob_match(client->units.items[i], principal->unit))
            return true;
    }
    return client->units.n == 0;
}

static bool has_exe(const struct ha_client_config *client, const struct ha_principal *principal)
{
    for (size_t i = 0; principal->exe && i < client->exes.n; i++) {
        if (strcmp(client->exes.items[i], principal->exe) == 0)
            return true;
    }
    return client->exes.n == 0;
}

const char *ha_policy_mismatch(const struct ha_client_config *client, const struct ha_principal *principal)
{
    // One that names nobody must not mean everybody, should it ever get here.
    bool names_somebody = client->n_uids > 0 || client->n_gids > 0 || client->units.n > 0;
    if (!names_somebody || !has_uid(client, principal))
        return "user";
    if (!has_gid(client, principal))
        return "group";
    if (!has_unit(client, principal))
        return "unit";
    return has_exe(client, principal) ? NULL : "executable";
}

bool ha_policy_applies(const struct ha_client_config *client, const struct ha_principal *principal)
{
    return !ha_policy_mismatch(client, principal);
}

static bool is_shadow(const struct ha_client_config *client)
{
    return client->mode && strcmp(client->mode, "shadow") == 0;
}

static bool is_open(const struct ha_client_config *client, int64_t time_s)
{
    for (size_t i = 0; i < client->n_hours; i++) {
        if (ha_hours_hold(&client->hours[i], time_s))
            return true;
    }
    return client->n_hours == 0;
}

static bool fits_profile(const struct ha_allow *rule, const char *profile)
{
    if (!rule->profiles)
        return true;
    for (const char *glob = rule->profiles; profile && *glob; glob += strlen(glob) + 1) {
        if (ha_glob_match(glob, profile))
            return true;
    }
    return false;
}

static bool fits_content(const struct ha_allow *rule, const enum ha_content *content)
{
    return rule->contents == 0 || !content || (rule->contents & 1u << *content);
}

enum ha_verdict ha_policy_judge(const struct ha_client_config *client, const struct ha_allow *rule,
                                const struct ha_question *question)
{
    bool any_alg = rule->algs == 0 || question->alg == HA_ALG_NONE;
    if (!ha_glob_match(rule->key, question->key))
        return HA_VERDICT_KEY;
    if (!(rule->operations & 1u << question->operation))
        return HA_VERDICT_OPERATION;
    if (!any_alg && !(rule->algs & 1u << question->alg))
        return HA_VERDICT_ALG;
    if (!fits_profile(rule, question->profile))
        return HA_VERDICT_PROFILE;
    if (!fits_content(rule, question->content))
        return HA_VERDICT_CONTENT;
    return is_open(client, question->time_s) ? HA_VERDICT_GRANTED : HA_VERDICT_HOURS;
}

// Looks through one section's rules; true when one of them allows.
static bool decide_section(const struct ha_client_config *client, const struct ha_question *question,
                           struct ha_decision *decision)
{
    for (size_t i = 0; i < client->n_allows; i++) {
        const struct ha_allow *rule = &client->allows[i];
        enum ha_verdict verdict = ha_policy_judge(client, rule, question);
        if (verdict > HA_VERDICT_KEY)
            decision->knows = true;
        if (verdict > decision->verdict) {
            decision->verdict = verdict;
            decision->nearest = verdict > HA_VERDICT_KEY ? rule : NULL;
        }
        if (verdict == HA_VERDICT_GRANTED) {
            decision->allowed = true;
            decision->shadow = false;
            decision->client = client;
            decision->rule = rule;
            decision->nearest = NULL;
            return true;
        }
        if (verdict > HA_VERDICT_KEY && !decision->shadow && is_shadow(client) &&
            !ha_operation_info(question->operation)->admin) {
            decision->shadow = true;
            decision->client = client;
        }
    }
    return false;
}

struct ha_decision ha_policy_decide(const struct ha_config *config, const struct ha_principal *principal,
                                    const struct ha_question *question)
{
    struct ha_decision decision = {.verdict = HA_VERDICT_NO_CLIENT};
    for (size_t i = 0; i < config->n_clients; i++) {
        const struct ha_client_config *client = &config->clients[i];
        if (!ha_policy_applies(client, principal))
            continue;
        if (!decision.client)
            decision.client = client;
        if (decide_section(client, question, &decision))
            break;
    }
    return decision;
}

// What a section in shadow mode lets pass, as bits.
static unsigned uses(void)
{
    unsigned operations = 0;
    for (unsigned i = 0; i < HA_OPERATION_COUNT; i++) {
        if (!ha_operation_info((enum ha_operation)i)->admin)
            operations |= 1u << i;
    }
    return operations;
}

unsigned ha_policy_operations(const struct ha_config *config, const struct ha_principal *principal, const char *key)
{
    unsigned operations = 0;
    for (size_t i = 0; i < config->n_clients; i++) {
        const struct ha_client_config *client = &config->clients[i];
        if (!ha_policy_applies(client, principal))
            continue;
        for (size_t j = 0; j < client->n_allows; j++) {
            if (ha_glob_match(client->allows[j].key, key))
                operations |= client->allows[j].operations | (is_shadow(client) ? uses() : 0);
        }
    }
    return operations;
}

const char *ha_verdict_name(enum ha_verdict verdict)
{
    static const char *const names[] = {
        [HA_VERDICT_NO_CLIENT] = "no-client", [HA_VERDICT_KEY] = "key",         [HA_VERDICT_OPERATION] = "operation",
        [HA_VERDICT_ALG] = "algorithm",       [HA_VERDICT_PROFILE] = "profile", [HA_VERDICT_CONTENT] = "content",
        [HA_VERDICT_HOURS] = "hours",         [HA_VERDICT_GRANTED] = "granted",
    };
    static_assert(HA_ARRAY_SIZE(names) == HA_VERDICT_COUNT, "each verdict has its name");
    return names[verdict];
}
