// SPDX-License-Identifier: Apache-2.0
// The rows of the commands about the policy, for the table in command.c alone.
#pragma once

#include "cli/command.h"

extern const struct ha_opt_row ha_policy_explain_rows[2];
extern const struct ha_opt_row ha_policy_test_rows[1];
extern const struct ha_opt_row ha_policy_suggest_rows[3];

enum ha_code ha_cmd_policy_explain(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_policy_test(struct ha_cli *cli, struct ha_err *err);
enum ha_code ha_cmd_policy_suggest(struct ha_cli *cli, struct ha_err *err);

#define HA_COMMAND_POLICY_EXPLAIN                                                                                      \
    {                                                                                                                  \
        .name = "policy explain", .arguments = "KEY OPERATION...",                                                     \
        .summary = "Says whether somebody may do something with a key, by which rule, and why not by the others.",     \
        .details =                                                                                                     \
            "Behind the operation may come an algorithm, profile=PROFILE/MESSAGE, content=CLASS and a time, "          \
            "at=2026-11-21T12:00:00Z. It reads the configuration's file and asks no agent: what a key's purposes or "  \
            "its token refuse it doesn't know, nor how much of a rate or budget is left. The exit status is 0 when "   \
            "it may be done, and 1 otherwise.\n"                                                                       \
            "  hsm-agent policy explain --as user=www-data,unit=nginx.service edge tls ES256\n",                       \
        .local = true, .rows = ha_policy_explain_rows, .n_rows = HA_ARRAY_SIZE(ha_policy_explain_rows),                \
        .run = ha_cmd_policy_explain                                                                                   \
    }
#define HA_COMMAND_POLICY_TEST                                                                                         \
    {                                                                                                                  \
        .name = "policy test", .arguments = "FILE", .summary = "Compares the policy with a file of expectations.",     \
        .details =                                                                                                     \
            "Each line has allow, deny or shadow (refused by the rules, and done all the same), who, and what policy " \
            "explain takes; '#' begins a comment. What differs is printed. The exit status is 0 when nothing does, "   \
            "and 1 otherwise.\n"                                                                                       \
            "  allow user=www-data,unit=nginx.service edge tls\n"                                                      \
            "  deny user=www-data edge sign\n",                                                                        \
        .local = true, .rows = ha_policy_test_rows, .n_rows = HA_ARRAY_SIZE(ha_policy_test_rows),                      \
        .run = ha_cmd_policy_test                                                                                      \
    }
#define HA_COMMAND_POLICY_SUGGEST                                                                                      \
    {                                                                                                                  \
        .name = "policy suggest", .arguments = "[AUDIT-FILE]...",                                                      \
        .summary = "Writes the least policy under which the uses of the audit log would be granted.",                  \
        .details =                                                                                                     \
            "The log is that of the configuration, or the files that are named; the older and compressed files "       \
            "beside "                                                                                                  \
            "each are read too. For each user, and unit where the log has one that lasts, there is a [client] "        \
            "section "                                                                                                 \
            "with rules for what was done, to be read, changed and put in the place of wider ones. What was refused "  \
            "isn't in it, since anybody can ask for anything; what mode = shadow let pass is. Reading a key takes "    \
            "any "                                                                                                     \
            "rule about it and is in no log: who does nothing else needs a rule for show. Rules that are needed once " \
            "a year have to be in the log, too.\n"                                                                     \
            "  hsm-agent policy suggest --since 2026-11-01 >suggested.conf\n",                                         \
        .local = true, .rows = ha_policy_suggest_rows, .n_rows = HA_ARRAY_SIZE(ha_policy_suggest_rows),                \
        .run = ha_cmd_policy_suggest                                                                                   \
    }
