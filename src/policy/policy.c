// SPDX-License-Identifier: Apache-2.0
// Rules are looked at in the order of the file; each can only add to what is granted.
#include "policy/policy.h"

#include "base/text.h"

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

bool ha_policy_applies(const struct ha_client_config *client, const struct ha_principal *principal)
{
    // One that names nobody must not mean everybody, should it ever get here.
    bool names_somebody = client->n_uids > 0 || client->n_gids > 0;
    return names_somebody && has_uid(client, principal) && has_gid(client, principal);
}

// What is asked for a key.
struct question {
    const char *key;
    enum ha_operation operation;
    enum ha_alg alg;
    const char *profile;
};

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

static bool grants(const struct ha_allow *rule, const struct question *question)
{
    bool any_alg = rule->algs == 0 || question->alg == HA_ALG_NONE;
    return (rule->operations & 1u << question->operation) && (any_alg || (rule->algs & 1u << question->alg)) &&
           fits_profile(rule, question->profile);
}

// Looks through one section's rules; true when one of them allows.
static bool decide_section(const struct ha_client_config *client, const struct question *question,
                           struct ha_decision *decision)
{
    for (size_t i = 0; i < client->n_allows; i++) {
        const struct ha_allow *rule = &client->allows[i];
        if (!ha_glob_match(rule->key, question->key))
            continue;
        decision->knows = true;
        if (grants(rule, question)) {
            decision->allowed = true;
            decision->client = client;
            decision->rule = rule;
            return true;
        }
    }
    return false;
}

struct ha_decision ha_policy_decide(const struct ha_config *config, const struct ha_principal *principal,
                                    const char *key, enum ha_operation operation, enum ha_alg alg, const char *profile)
{
    const struct question question = {key, operation, alg, profile};
    struct ha_decision decision = {0};
    for (size_t i = 0; i < config->n_clients; i++) {
        const struct ha_client_config *client = &config->clients[i];
        if (!ha_policy_applies(client, principal))
            continue;
        if (!decision.client)
            decision.client = client;
        if (decide_section(client, &question, &decision))
            break;
    }
    return decision;
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
                operations |= client->allows[j].operations;
        }
    }
    return operations;
}
