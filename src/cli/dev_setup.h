// SPDX-License-Identifier: Apache-2.0
// What stands in the directory of `hsm-agent dev` before the daemon starts: PINs, a SoftHSM2 token, the configuration.
#pragma once

#include "base/err.h"
#include "cli/dev_child.h"
#include "cli/dev_dir.h"

struct ha_dev_programs {
    char *daemon;  // hsm-agentd
    char *token;   // hsm-agent-token
    char *module;  // SoftHSM2
};
// The programs beside this one, else those installed; the module of HSM_AGENT_SOFTHSM2_MODULE, else in the usual
// places.
enum ha_code ha_dev_setup_find(struct ha_dev_programs *ret_programs, struct ha_err *err);
void ha_dev_setup_clear(struct ha_dev_programs *programs);
HA_AUTO_DEFINE_CLEAR(struct ha_dev_programs, ha_dev_setup_clear)

// Makes what isn't there yet; the configuration is written anew each time. Messages of the token's initialisation go to
// log. HA_E_STOPPING when a signal came meanwhile.
enum ha_code ha_dev_setup(const struct ha_dev_dir *dir, const struct ha_dev_programs *programs,
                          const struct ha_dev_signals *signals, int log, struct ha_err *err);
