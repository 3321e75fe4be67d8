// SPDX-License-Identifier: Apache-2.0
// Whatever can fail is done before the configuration comes into force, and can be undone.
#include "agentd/reload.h"

enum ha_code ha_reload_first(const struct ha_reload *reload, struct ha_err *err)
{
    // The sockets first: what they tell about another agent is told before a token is asked anything.
    if (ha_doors_prepare(reload->doors, reload->first, err))
        return err->code;
    ha_tokens_lock(reload->tokens);  // no token has a supervisor yet
    enum ha_code code = ha_tokens_prepare(reload->tokens, reload->first, err);
    if (code == HA_OK)
        code = ha_tokens_commit(reload->tokens, err);
    ha_tokens_unlock(reload->tokens);
    if (code)
        return code;
    // A token that doesn't come up is logged and shown by /v1/health/ready; the others serve.
    ha_tokens_wait_first(reload->tokens);
    code = ha_doors_open(reload->doors, err);
    if (code == HA_OK)
        ha_doors_commit(reload->doors);
    return code;
}

static void log_mistakes(const struct ha_log *log, const char *path, const struct ha_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->n; i++) {
        const struct ha_mistake *mistake = &mistakes->items[i];
        ha_log(log, HA_LOG_ERROR, "config-mistake", HA_S("file", mistake->file ? mistake->file : path),
               HA_N("line", mistake->line), HA_S("cause", mistake->cause), HA_S("remedy", mistake->remedy));
    }
}

static void log_fixed(void *context, const char *section, const char *option)
{
    const struct ha_log *log = context;
    ha_log(log, HA_LOG_WARN, "needs-restart", HA_S("section", section), HA_S("option", option),
           HA_S("remedy", "it stays what it was when the agent was started; restart the agent to change it"));
}

static enum ha_code put_in_force(const struct ha_reload *reload, struct ha_config *config, struct ha_err *err)
{
    enum ha_code code = ha_doors_prepare(reload->doors, config, err);
    if (code)
        return code;
    code = ha_tokens_prepare(reload->tokens, config, err);
    if (code) {
        ha_doors_revert(reload->doors);
        return code;
    }
    code = ha_doors_open(reload->doors, err);
    if (code == HA_OK)
        code = ha_tokens_commit(reload->tokens, err);
    if (code) {
        ha_tokens_revert(reload->tokens);
        ha_doors_revert(reload->doors);
        return code;
    }
    ha_doors_commit(reload->doors);
    return HA_OK;
}

enum ha_code ha_reload_again(const struct ha_reload *reload, struct ha_err *err)
{
    const char *path = reload->first->path;
    ha_auto(ha_config_free) struct ha_config *config = NULL;
    ha_auto(ha_mistakes_clear) struct ha_mistakes mistakes = {0};
    if (ha_config_load(path, &config, &mistakes, err)) {
        log_mistakes(reload->log, path, &mistakes);
        return err->code;
    }
    enum ha_code code = put_in_force(reload, config, err);
    if (code == HA_OK)
        ha_config_fixed(reload->first, config, (void *)reload->log, log_fixed);
    return code;
}
