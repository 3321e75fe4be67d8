// SPDX-License-Identifier: Apache-2.0
// The decision: may this principal do this operation with this key, algorithm, profile and content, now? A pure
// function of its arguments. How often it may is policy/limits.h.
//
// A [client] section applies when the principal is what it says of each kind that it names: one of its users, one of
// its groups, in one of its units, one of its executables. One that names neither user, group nor unit applies to
// nobody, and is a mistake in the configuration. The rules of all sections that apply are added up, in the order of the
// file, as far as the sections' hours are; what no rule grants is denied. A section in shadow mode refuses nothing that
// a key's user could do with the keys that its rules name; the decision says so, for somebody to log it.
#pragma once

#include "config/config.h"
#include "policy/principal.h"

struct ha_question {
    const char *key;
    enum ha_operation operation;
    enum ha_alg alg;                 // HA_ALG_NONE: the operation has none, and the rule's algorithms don't matter
    const char *profile;             // "PROFILE/MESSAGE"; NULL: none, which fits only rules without profile=
    const enum ha_content *content;  // NULL: not known yet, or none; the rule's classes don't matter then
    int64_t time_s;                  // since 1970, by the wall clock
};

// How near the rules came. The nearest one is told.
enum ha_verdict {
    HA_VERDICT_NO_CLIENT,  // no section applies
    HA_VERDICT_KEY,        // no rule of those that do is about the key
    HA_VERDICT_OPERATION,  // none about the key is about the operation
    HA_VERDICT_ALG,        // none about both is about the algorithm, and so on
    HA_VERDICT_PROFILE,
    HA_VERDICT_CONTENT,
    HA_VERDICT_HOURS,  // a rule would grant it, at another time
    HA_VERDICT_GRANTED,
    HA_VERDICT_COUNT
};
const char *ha_verdict_name(enum ha_verdict verdict);  // "granted"

struct ha_decision {
    bool allowed;
    bool shadow;  // not allowed, but client's section is in shadow mode: it is to be logged, and done
    bool knows;   // any rule grants anything on this key: the caller may know that it exists
    enum ha_verdict verdict;
    const struct ha_client_config *client;  // of the rule that allowed; else of the shadow; else the first section that
                                            // applies; NULL: none does
    const struct ha_allow *rule;            // the rule that allowed; NULL
    const struct ha_allow *nearest;         // of those that didn't: the first that came as near as the verdict says
};

struct ha_decision ha_policy_decide(const struct ha_config *config, const struct ha_principal *principal,
                                    const struct ha_question *question);
// The operations any rule grants this principal on this key at some time, as bits; for listings. A section in shadow
// mode grants all that it would let pass.
unsigned ha_policy_operations(const struct ha_config *config, const struct ha_principal *principal, const char *key);
// How near one rule of a section that applies comes: HA_VERDICT_KEY to HA_VERDICT_GRANTED.
enum ha_verdict ha_policy_judge(const struct ha_client_config *client, const struct ha_allow *rule,
                                const struct ha_question *question);
// What keeps that section from being about this principal: "user", "group", "unit" or "executable"; NULL: nothing.
const char *ha_policy_mismatch(const struct ha_client_config *client, const struct ha_principal *principal);
// Whether that section is about this principal.
bool ha_policy_applies(const struct ha_client_config *client, const struct ha_principal *principal);
