// SPDX-License-Identifier: Apache-2.0
// The options of the commands about the policy: policy explain, policy test, policy suggest.
#include "cli/command_policy.h"

#define CONFIG_ROW                                                                                                     \
    {                                                                                                                  \
        .id = HA_OPT_CONFIG, .name = "config", .letter = 'c', .value = "FILE",                                         \
        .help = "The agent's configuration, instead of that of the environment variable HSM_AGENT_CONFIG, or the one " \
                "that "                                                                                                \
                "hsm-agentd takes by default."                                                                         \
    }

const struct ha_opt_row ha_policy_explain_rows[] = {
    {.id = HA_OPT_AS,
     .name = "as",
     .value = "WHO",
     .required = true,
     .help = "Who asks: user=USER, group=GROUP, unit=UNIT, exe=PATH, with commas between several. A user's groups come "
             "with the user; what isn't said isn't known."},
    CONFIG_ROW,
};

const struct ha_opt_row ha_policy_test_rows[] = {CONFIG_ROW};

const struct ha_opt_row ha_policy_suggest_rows[] = {
    CONFIG_ROW,
    {.id = HA_OPT_SINCE,
     .name = "since",
     .value = "TIME",
     .help = "Uses from then on: 2026-11-21, or 2026-11-21T07:26, as in the lines (UTC)."},
    {.id = HA_OPT_UNTIL, .name = "until", .value = "TIME", .help = "Uses before then."},
};
