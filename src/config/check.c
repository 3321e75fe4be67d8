// SPDX-License-Identifier: Apache-2.0
// What a configuration needs to make sense as a whole.
#include "config/check.h"

#include "base/mistakes.h"

#include <string.h>

static bool check_counts(const struct ha_config *config, struct ha_mistakes *mistakes)
{
    bool ok = true;
    if (config->n_listens == 0)
        ok &= ha_mistakes_add(mistakes, NULL, 0, "there is no [listen] section: nobody could reach the agent",
                              "Add a section [listen agent] with 'socket = /run/hsm-agent/agent.sock'.");
    if (config->n_tokens == 0)
        ok &= ha_mistakes_add(mistakes, NULL, 0, "there is no [token] section: the agent would have no keys",
                              "Add a section [token main] with 'uri', 'module' and 'pin'.");
    return ok;
}

static bool check_sockets(const struct ha_config *config, struct ha_mistakes *mistakes)
{
    for (size_t i = 0; i < config->n_listens; i++) {
        const struct ha_listen_config *listen = &config->listens[i];
        for (size_t j = 0; listen->socket && j < i; j++) {
            const struct ha_listen_config *other = &config->listens[j];
            struct ha_err err = {0};
            if (!other->socket || strcmp(listen->socket, other->socket) != 0)
                continue;
            ha_fail(&err, HA_E_CONFIG, "[listen %s] has the socket of [listen %s] in line %u", listen->name,
                    other->name, other->line);
            if (!ha_mistakes_add(mistakes, NULL, listen->line, err.detail, "Give each its own path."))
                return false;
            break;
        }
    }
    return true;
}

bool ha_config_check(const struct ha_config *config, struct ha_mistakes *mistakes)
{
    return check_counts(config, mistakes) && check_sockets(config, mistakes);
}
