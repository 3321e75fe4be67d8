// SPDX-License-Identifier: Apache-2.0
// From the configuration's file to a running agent, the first time and each time after.
#pragma once

#include "agentd/doors.h"
#include "agentd/tokens.h"

struct ha_reload {
    const struct ha_log *log;
    struct ha_config *first;  // what the agent was started with: some options stay as they are there
    struct ha_doors *doors;
    struct ha_tokens *tokens;
};

// Puts the first configuration in force. Waits for the first start of each token, ready or not.
enum ha_code ha_reload_first(const struct ha_reload *reload, struct ha_err *err);
// Reads the file again, and puts it in force. With anything wrong, what was in force stays so, each mistake of the file
// is logged, and the failure is returned. The caller holds the lock of tokens, and no socket's path is on its way out.
enum ha_code ha_reload_again(const struct ha_reload *reload, struct ha_err *err);
