// SPDX-License-Identifier: Apache-2.0
// The decision: may this principal do this operation with this key and algorithm? A pure function of its arguments.
//
// A [client] section applies when the principal's uid is one of its users (if it names users) and one of its groups is
// among the principal's (if it names groups); a section that names neither is a mistake in the configuration. The rules
// of all sections that apply are added up; what no rule grants is denied.
#pragma once

#include "config/config.h"
#include "policy/principal.h"

struct ha_decision {
    bool allowed;
    bool knows;  // any rule grants anything on this key: the caller may know that it exists
    const struct ha_client_config
        *client;                  // of the rule that allowed; else the first section that applies; NULL: none does
    const struct ha_allow *rule;  // the rule that allowed; NULL
};

// alg: HA_ALG_NONE for operations without one (then the rule's algorithms don't matter). profile: "PROFILE/MESSAGE", of
// the operations that have one; NULL fits only rules without profile=.
struct ha_decision ha_policy_decide(const struct ha_config *config, const struct ha_principal *principal,
                                    const char *key, enum ha_operation operation, enum ha_alg alg, const char *profile);
// The operations any rule grants this principal on this key, as bits; for listings.
unsigned ha_policy_operations(const struct ha_config *config, const struct ha_principal *principal, const char *key);
// Whether that section is about this principal.
bool ha_policy_applies(const struct ha_client_config *client, const struct ha_principal *principal);
