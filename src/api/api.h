// SPDX-License-Identifier: Apache-2.0
// The API: requests in, replies out. Knows nothing of sockets. Thread-safe; one struct serves every connection.
#pragma once

#include "api/message.h"
#include "audit/audit.h"
#include "base/log.h"
#include "config/config.h"
#include "format/profile.h"
#include "keys/keys.h"
#include "policy/limits.h"
#include "policy/pairs.h"

struct ha_api {
    const struct ha_config *config;
    const struct ha_profiles *profiles;
    struct ha_keys *keys;
    struct ha_token **tokens;  // as many as config->n_tokens, in that order
    struct ha_limits *limits;  // NULL: rates and budgets are not counted
    struct ha_pairs *pairs;    // NULL: nothing takes two people
    const struct ha_log *log;
    struct ha_audit *audit;             // NULL: uses of keys aren't recorded
    char policy[HA_AUDIT_HEX_LEN + 1];  // the hash of the configuration, for the record
    bool (*synchronised)(void);         // whether the clock is; NULL: ha_clock_synchronised
};

// Fills reply (zeroed by the caller, whose body the caller clears). Never fails: a failure is a problem document.
void ha_api_handle(const struct ha_api *api, const struct ha_request *request, struct ha_reply *reply);
// Makes reply the problem document of err (RFC 9457), also for failures that happen before ha_api_handle.
void ha_api_problem(const struct ha_err *err, const char *request_id, struct ha_reply *reply);
