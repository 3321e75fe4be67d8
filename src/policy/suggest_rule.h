// SPDX-License-Identifier: Apache-2.0
// The rules for one key, made few without granting anything that none of them grants.
#pragma once

#include "config/config.h"

#define HA_SUGGEST_LINE_MAX 198  // bytes that the configuration takes in a line (base/ini.h)

struct ha_suggest_rule {
    uint32_t operations, algs, contents;  // as in struct ha_allow: 0 for all of the latter two
    const char *profile;                  // "": all; borrowed
    bool gone;                            // another one says it
};

void ha_suggest_rule_put(const struct ha_suggest_rule *rule, const char *key, struct ha_buf *out);  // "allow = ..."
bool ha_suggest_rule_fits(const char *key, const struct ha_suggest_rule *rule);                     // in a line
// Makes one of two that differ in one thing only, as long as it fits, and marks the other one as gone.
void ha_suggest_rules_join(const char *key, struct ha_suggest_rule *rules, size_t n);
