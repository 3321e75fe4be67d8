// SPDX-License-Identifier: Apache-2.0
#include "policy/explain.h"

#include "base/json.h"

#include <assert.h>
#include <string.h>

static const char *reason(enum ha_verdict verdict)
{
    static const char *const reasons[] = {
        [HA_VERDICT_NO_CLIENT] = "no [client] section is about the caller",
        [HA_VERDICT_KEY] = "no rule is about the key, which doesn't exist for the caller",
        [HA_VERDICT_OPERATION] = "no rule about the key is about the operation",
        [HA_VERDICT_ALG] = "the rules about the operation name other algorithms",
        [HA_VERDICT_PROFILE] = "the rules about the operation name other profiles",
        [HA_VERDICT_CONTENT] = "the rules about the operation name other classes of content",
        [HA_VERDICT_HOURS] = "it is granted at other hours only",
        [HA_VERDICT_GRANTED] = "granted",
    };
    static_assert(HA_ARRAY_SIZE(reasons) == HA_VERDICT_COUNT, "each verdict has its words");
    return reasons[verdict];
}

// What one rule lacks.
static const char *lack(enum ha_verdict verdict)
{
    static const char *const lacks[] = {
        [HA_VERDICT_NO_CLIENT] = "",
        [HA_VERDICT_KEY] = "another key",
        [HA_VERDICT_OPERATION] = "another operation",
        [HA_VERDICT_ALG] = "another algorithm",
        [HA_VERDICT_PROFILE] = "another profile",
        [HA_VERDICT_CONTENT] = "another class of content",
        [HA_VERDICT_HOURS] = "at other hours",
        [HA_VERDICT_GRANTED] = "grants it",
    };
    static_assert(HA_ARRAY_SIZE(lacks) == HA_VERDICT_COUNT, "each verdict has its words");
    return lacks[verdict];
}

static void put_limits(struct ha_buf *out, const struct ha_client_config *client)
{
    char rate[HA_RATE_TEXT_MAX];
    if (client->rate.per_s)
        ha_buf_printf(out, ", as far as rate = %s goes", ha_rate_print(&client->rate, rate));
    if (client->daily_budget)
        ha_buf_printf(out, ", as far as daily-budget = %u goes", client->daily_budget);
}

void ha_explain_line(struct ha_buf *out, const struct ha_config *config, const struct ha_question *question,
                     const struct ha_decision *decision)
{
    const char *name = decision->client ? decision->client->name : "";
    if (decision->allowed) {
        ha_buf_printf(out, "granted by %s:%u: [client %s] allow = %s", config->path, decision->rule->line, name,
                      decision->rule->text);
        put_limits(out, decision->client);
    } else if (decision->shadow) {
        ha_buf_printf(out, "refused, but done and logged, for [client %s] has mode = shadow: %s", name,
                      reason(decision->verdict));
    } else {
        ha_buf_printf(out, "refused: %s", reason(decision->verdict));
    }
    if (decision->nearest)
        ha_buf_printf(out, "; the nearest is %s:%u: allow = %s", config->path, decision->nearest->line,
                      decision->nearest->text);
    if (ha_operation_info(question->operation)->admin && decision->allowed)
        ha_buf_puts(out, ", on a socket with admin = yes");
    ha_buf_putc(out, '\n');
}

static void put_section(struct ha_buf *out, const struct ha_client_config *client, const struct ha_principal *principal,
                        const struct ha_question *question)
{
    const char *mismatch = ha_policy_mismatch(client, principal);
    ha_buf_printf(out, "  line %u: [client %s] ", client->line, client->name);
    if (mismatch) {
        ha_buf_printf(out, "is not about the caller: another %s\n", mismatch);
        return;
    }
    ha_buf_puts(out, "is about the caller\n");
    for (size_t i = 0; i < client->n_allows; i++) {
        const struct ha_allow *rule = &client->allows[i];
        ha_buf_printf(out, "    line %u: allow = %s: %s\n", rule->line, rule->text,
                      lack(ha_policy_judge(client, rule, question)));
    }
}

void ha_explain(struct ha_buf *out, const struct ha_config *config, const struct ha_principal *principal,
                const struct ha_question *question)
{
    struct ha_decision decision = ha_policy_decide(config, principal, question);
    ha_explain_line(out, config, question, &decision);
    for (size_t i = 0; i < config->n_clients; i++)
        put_section(out, &config->clients[i], principal, question);
}

static void put_rule(struct ha_buf *out, const char *name, const struct ha_allow *rule)
{
    if (!rule)
        return;
    ha_jw_object(out, name);
    ha_jw_number(out, "line", rule->line);
    ha_jw_string(out, "text", rule->text);
    ha_jw_object_end(out);
}

void ha_explain_json(struct ha_buf *out, const struct ha_config *config, const struct ha_principal *principal,
                     const struct ha_question *question)
{
    struct ha_decision decision = ha_policy_decide(config, principal, question);
    ha_jw_object(out, NULL);
    ha_jw_bool(out, "allowed", decision.allowed);
    ha_jw_bool(out, "shadow", decision.shadow);
    ha_jw_string(out, "reason", ha_verdict_name(decision.verdict));
    if (decision.client)
        ha_jw_string(out, "client", decision.client->name);
    put_rule(out, "rule", decision.rule);
    put_rule(out, "nearest", decision.nearest);
    ha_jw_object_end(out);
}
