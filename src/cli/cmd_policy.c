// SPDX-License-Identifier: Apache-2.0
// `policy explain` and `policy test`: the daemon's own decision, on the configuration's file.
#include "cli/command_policy.h"
#include "cli/in.h"
#include "cli/out.h"
#include "policy/case.h"
#include "policy/expect.h"
#include "policy/explain.h"

#include <time.h>

enum { EXPECTATIONS_MAX = 1024 * 1024 };

static enum ha_code load(const struct ha_cli *cli, struct ha_config **ret_config, struct ha_err *err)
{
    const char *given = ha_opt_value(cli->opts, HA_OPT_CONFIG);
    const char *path = given ? given : HA_SYSCONFDIR "/hsm-agent/hsm-agent.conf";
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
