// SPDX-License-Identifier: Apache-2.0
// The options of [client NAME]: callers.
#include "config/option_tables.h"

static const struct ha_option options[] = {
    {.name = "user",
     .type = HA_OPTION_USER,
     .repeatable = true,
     .one_of = true,
     AT(ha_client_config, user_names),
     .id_offset = offsetof(struct ha_client_config, uids),
     .count_offset = offsetof(struct ha_client_config, n_uids),
     .value = "USER",
     .help = "The section is about programs that run as this user, by name or number."},
    {.name = "group",
     .type = HA_OPTION_GROUP,
     .repeatable = true,
     .one_of = true,
     AT(ha_client_config, group_names),
     .id_offset = offsetof(struct ha_client_config, gids),
     .count_offset = offsetof(struct ha_client_config, n_gids),
     .value = "GROUP",
     .help = "The section is about programs in this group. With user as well, a program must fit one of each."},
    {.name = "unit",
     .type = HA_OPTION_UNIT,
     .repeatable = true,
     .one_of = true,
     AT(ha_client_config, units),
     .value = "UNIT",
     .help = "The section is about programs of this systemd unit, by a shell pattern such as nginx.service or "
             "worker@*.service. A user's own units are all user@UID.service. Where user or group is given as well, a "
             "program must fit one of each."},
    {.name = "exe",
     .type = HA_OPTION_EXE,
     .repeatable = true,
     AT(ha_client_config, exes),
     .value = "PATH",
     .help =
         "The section is only about programs whose executable is this file. It needs user, group or unit beside it, "
         "for whoever may run a program can make a connection first and become it then. The agent can tell only as "
         "root, with CAP_SYS_PTRACE, or for programs of its own user."},
    {.name = "allow",
     .type = HA_OPTION_ALLOW,
     .repeatable = true,
     .required = true,
     AT(ha_client_config, allows),
     .count_offset = offsetof(struct ha_client_config, n_allows),
     .value = "KEY:OP[,OP...] [ALG[,ALG...]] [content=CLASS[,...]] [profile=PROFILE/MESSAGE[,...]]",
     .help =
         "A rule: what they may do with which keys. KEY is a shell pattern; OP is an operation or * for all; with "
         "algorithms named, only with those; with classes of content named, only what is of one of those; with "
         "profiles named, by shell patterns such as uae-tpp/*, only those messages, and nothing that has no profile. "
         "What no rule grants is denied."},
    {.name = "hours",
     .type = HA_OPTION_HOURS,
     .repeatable = true,
     AT(ha_client_config, hours),
     .count_offset = offsetof(struct ha_client_config, n_hours),
     .value = "[DAY[-DAY][,...]] HH:MM-HH:MM",
     .help =
         "When the rules grant anything, in UTC: days are Mon to Sun, all of them when none is named, and a time that "
         "ends before it begins ends on the next day. Unset: always."},
    {.name = "rate",
     .type = HA_OPTION_RATE,
     AT(ha_client_config, rate),
     .value = "N/s [burst=N]",
     .help =
         "How many uses of keys the rules grant in a second, to all callers of the section together; each item of a "
         "batch is one. So many as burst says, N unless it is given, may come at once. One more is answered 429. "
         "Unset: no limit."},
    {.name = "daily-budget",
     .type = HA_OPTION_UINT,
     .fallback = "0",
     .min = 0,
     .max = 1000000000,
     AT(ha_client_config, daily_budget),
     .value = "N",
     .help = "How many uses of keys the rules grant in a day (UTC); one more is answered 429. 0: no limit. The count "
             "begins "
             "anew when the agent is restarted, not when it reads its configuration again."},
    {.name = "mode",
     .type = HA_OPTION_CHOICE,
     .fallback = "enforce",
     AT(ha_client_config, mode),
     .value = "enforce|shadow",
     .help =
         "With shadow, what no rule grants, or what is over rate or daily-budget, is logged (would-refuse) and done "
         "all the same, with those keys that the section's rules name. It is for finding out which rules are needed: "
         "`hsm-agent policy suggest` writes them. "
         "What takes an admin socket is never done without a rule."},
};
static_assert(HA_ARRAY_SIZE(options) <= HA_OPTIONS_MAX, "they fit");

const struct ha_options ha_options_client = {options, HA_ARRAY_SIZE(options)};
