// SPDX-License-Identifier: Apache-2.0
#include "policy/suggest_rule.h"

#include <string.h>

static const char *operation_name(unsigned i)
{
    return ha_operation_info((enum ha_operation)i)->name;
}

static const char *alg_name(unsigned i)
{
    return ha_alg_info((enum ha_alg)i)->name;
}

static const char *content_name(unsigned i)
{
    return ha_content_info((enum ha_content)i)->name;
}

static void put_names(struct ha_buf *out, const char *before, uint32_t bits, const char *(*name)(unsigned i))
{
    for (unsigned i = 0; i < 32; i++) {
        if (!(bits & 1u << i))
            continue;
        ha_buf_printf(out, "%s%s", before, name(i));
        before = ",";
    }
}

void ha_suggest_rule_put(const struct ha_suggest_rule *rule, const char *key, struct ha_buf *out)
{
    ha_buf_printf(out, "allow = %s:", key);
    put_names(out, "", rule->operations, operation_name);
    put_names(out, " ", rule->algs, alg_name);
    put_names(out, " content=", rule->contents, content_name);
    if (rule->profile[0])
        ha_buf_printf(out, " profile=%s", rule->profile);
}

bool ha_suggest_rule_fits(const char *key, const struct ha_suggest_rule *rule)
{
    ha_auto(ha_buf_clear) struct ha_buf line = {0};
    ha_suggest_rule_put(rule, key, &line);
    return ha_buf_ok(&line) && line.len <= HA_SUGGEST_LINE_MAX;
}

static bool covers(uint32_t all, uint32_t some)
{
    return all == 0 || (some != 0 && (some & ~all) == 0);
}

// Whether one grants whatever the other does.
static bool says(const struct ha_suggest_rule *one, const struct ha_suggest_rule *other)
{
    return (other->operations & ~one->operations) == 0 && covers(one->algs, other->algs) &&
           covers(one->contents, other->contents) && (!one->profile[0] || strcmp(one->profile, other->profile) == 0);
}

// Makes one of two that differ in one thing at most. false: they differ in more, or the line would be too long.
static bool merge(const char *key, struct ha_suggest_rule *one, const struct ha_suggest_rule *other)
{
    struct ha_suggest_rule both = *one;
    bool operations = one->operations == other->operations, algs = one->algs == other->algs,
         contents = one->contents == other->contents, profiles = strcmp(one->profile, other->profile) == 0;
    if (!profiles || operations + algs + contents < 2)
        return false;
    both.operations |= other->operations;
    both.algs = one->algs && other->algs ? one->algs | other->algs : 0;
    both.contents = one->contents && other->contents ? one->contents | other->contents : 0;
    if (!ha_suggest_rule_fits(key, &both))
        return false;
    *one = both;
    return true;
}

void ha_suggest_rules_join(const char *key, struct ha_suggest_rule *rules, size_t n)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n && !rules[i].gone; j++) {
                if (j == i || rules[j].gone || !(says(&rules[i], &rules[j]) || merge(key, &rules[i], &rules[j])))
                    continue;
                rules[j].gone = changed = true;
            }
        }
    }
}
