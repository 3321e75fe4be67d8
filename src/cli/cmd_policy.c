// SPDX-License-Identifier: Apache-2.0
// `policy explain` and `policy test`: the daemon's own decision, on the configuration's file. `policy suggest`: what
// the audit log's uses need.
#include "cli/audit_lines.h"
#include "cli/command_policy.h"
#include "cli/in.h"
#include "cli/out.h"
#include "policy/case.h"
#include "policy/expect.h"
#include "policy/explain.h"
#include "policy/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXPECTATIONS_MAX = 1024 * 1024 };

static enum ha_code load(const struct ha_cli *cli, struct ha_config **ret_config, struct ha_err *err)
{
    const char *given = ha_opt_value(cli->opts, HA_OPT_CONFIG);
    const char *usual = getenv("HSM_AGENT_CONFIG");
    const char *path = given ? given : usual ? usual : HA_SYSCONFDIR "/hsm-agent/hsm-agent.conf";
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    if (ha_config_load(path, ret_config, &mistakes, err) == HA_OK)
        return HA_OK;
    if (err->code == HA_E_CONFIG && mistakes.n > 0)
        return ha_hint(err, "'hsm-agentd --check -c %s' lists them; the first is: %s", path, mistakes.items[0].cause);
    return err->code;
}

enum ha_code ha_cmd_policy_explain(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_case_clear) struct ha_case a_case = {0};
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *const *words = cli->opts->arguments;
    size_t n = 0;
    while (words[n])
        n++;
    if (ha_case_read(ha_opt_value(cli->opts, HA_OPT_AS), words, n, time(NULL), &a_case, err) || load(cli, &config, err))
        return err->code;
    struct ha_decision decision = ha_policy_decide(config, &a_case.principal, &a_case.question);
    cli->exit_status = decision.allowed || decision.shadow ? 0 : 1;
    if (!ha_cli_wants_json(cli)) {
        ha_explain(&text, config, &a_case.principal, &a_case.question);
        return ha_out_text(&text, err);
    }
    ha_explain_json(&text, config, &a_case.principal, &a_case.question);
    return ha_out_json(NULL, &text, HA_OUT_PUBLIC, err);
}

enum ha_code ha_cmd_policy_test(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_buf_clear) struct ha_buf file = {0}, text = {0};
    const char *path = cli->opts->arguments[0];
    struct ha_expectations result;
    if (ha_in_read(path, EXPECTATIONS_MAX, &file, err) || load(cli, &config, err) ||
        ha_expect(config, path, ha_buf_text(&file), time(NULL), &text, &result, err))
        return err->code;
    cli->exit_status = result.wrong > 0;
    if (ha_cli_wants_json(cli)) {
        ha_buf_reset(&text);
        ha_jw_object(&text, NULL);
        ha_jw_number(&text, "expectations", (int64_t)result.n);
        ha_jw_number(&text, "wrong", (int64_t)result.wrong);
        ha_jw_object_end(&text);
        return ha_out_json(NULL, &text, HA_OUT_PUBLIC, err);
    }
    ha_buf_printf(&text, "%zu expectations, %zu of them not met\n", result.n, result.wrong);
    return ha_out_text(&text, err);
}

// --- What uses need

static bool find_operation(const char *name, enum ha_operation *ret_operation)
{
    for (unsigned i = 0; name && i < HA_OPERATION_COUNT; i++) {
        if (strcmp(ha_operation_info((enum ha_operation)i)->name, name) != 0)
            continue;
        *ret_operation = (enum ha_operation)i;
        return true;
    }
    return false;
}

static const enum ha_content *find_content(const char *name, enum ha_content *memory)
{
    for (unsigned i = 0; name && i < HA_CONTENT_COUNT; i++) {
        *memory = (enum ha_content)i;
        if (strcmp(ha_content_info(*memory)->name, name) == 0)
            return memory;
    }
    return NULL;
}

// What no rule granted is no use that a rule is needed for: the parts of a ceremony are the approvals'. What is done
// with a key without an operation is open to whoever may see it.
static enum ha_code add_use(void *context, const ha_json *line, const char *text, size_t n, struct ha_err *err)
{
    struct ha_suggestion *suggestion = context;
    const char *event = ha_json_get_string(line, "event"), *operation = ha_json_get_string(line, "operation");
    const char *alg = ha_json_get_string(line, "algorithm"), *time = ha_json_get_string(line, "time");
    enum ha_content content;
    uint64_t uid = (uid_t)-1;
    struct ha_suggest_use use = {
        .unit = ha_json_get_string(line, "unit"),
        .key = ha_json_get_string(line, "key"),
        .operation = HA_OPERATION_SHOW,
        .alg = alg ? ha_alg_by_name(alg) : HA_ALG_NONE,
        .profile = ha_json_get_string(line, "profile"),
        .content = find_content(ha_json_get_string(line, "content"), &content),
        .time = time ? time : "",
    };
    if (!event || strcmp(event, "use") != 0 || !use.key || (operation && !ha_json_get_string(line, "client")))
        return HA_OK;
    bool known = !operation || find_operation(operation, &use.operation);
    ha_json_uint(ha_json_get(line, "uid"), UINT32_MAX, &uid);
    use.uid = (uid_t)uid;
    if (!known || (alg && !use.alg)) {
        ha_suggestion_leave_out(suggestion);
        return HA_OK;
    }
    ha_suggestion_add(suggestion, &use);
    // A backup takes the right on the key encryption key too.
    use.key = ha_json_get_string(line, "object");
    if (use.operation == HA_OPERATION_BACKUP && use.key)
        ha_suggestion_add(suggestion, &use);
    return HA_OK;
}

static enum ha_code add_configured(const struct ha_cli *cli, struct ha_suggestion *suggestion, struct ha_err *err)
{
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (load(cli, &config, err))
        return err->code;
    ha_config_audit_log(config, &path);
    if (!ha_buf_ok(&path))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    return ha_cli_audit_lines(cli, ha_buf_text(&path), add_use, suggestion, err);
}

enum ha_code ha_cmd_policy_suggest(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_suggestion_free) struct ha_suggestion *suggestion = ha_suggestion_new();
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *const *paths = cli->opts->arguments;
    if (!suggestion)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (!paths[0] && add_configured(cli, suggestion, err))
        return err->code;
    for (; *paths; paths++)
        if (ha_cli_audit_lines(cli, *paths, add_use, suggestion, err))
            return err->code;
    return ha_suggestion_write(suggestion, &text, err) ? err->code : ha_out_text(&text, err);
}
