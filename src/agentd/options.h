// SPDX-License-Identifier: Apache-2.0
// The daemon's command line. One table drives parsing and --help.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

enum ha_agentd_mode {
    HA_AGENTD_RUN,
    HA_AGENTD_CHECK,
    HA_AGENTD_DUMP,
    HA_AGENTD_HELP,
    HA_AGENTD_VERSION,
    HA_AGENTD_MANUAL,
    HA_AGENTD_MANUAL_PROFILES
};

struct ha_agentd_options {
    enum ha_agentd_mode mode;
    const char *config;
    bool log_json;
    bool debug;
};

// HA_E_USAGE names the option at fault.
enum ha_code ha_agentd_options(int argc, char **argv, struct ha_agentd_options *ret_options, struct ha_err *err);
void ha_agentd_help(struct ha_buf *out);
