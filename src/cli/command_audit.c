// SPDX-License-Identifier: Apache-2.0
// The options of the commands about the audit log.
#include "cli/command_audit.h"

const struct ha_opt_row ha_audit_verify_rows[] = {
    {.id = HA_OPT_KEY,
     .name = "key",
     .value = "FILE",
     .repeat = true,
     .help = "A public key that signs checkpoints, PEM; of each version of the audit key one."},
    {.id = HA_OPT_HEAD,
     .name = "head",
     .value = "FILE",
     .help = "The line of a checkpoint that the log has to have; the agent keeps the last one in FILE.checkpoint."},
    {.id = HA_OPT_STATE,
     .name = "state",
     .value = "FILE",
     .help = "Go on where the last verification with this file ended, at a checkpoint, and note there how far this one "
             "came, also when it is interrupted. Keep it where only the auditor may write."},
    {.id = HA_OPT_UNSIGNED,
     .name = "unsigned",
     .help = "Do without signatures: there is no audit key, or its public key isn't at hand."},
};

#define FILTERS                                                                                                        \
    {.id = HA_OPT_EVENT, .name = "event", .value = "EVENT", .help = "use, refusal, failure, checkpoint, start, ..."},  \
        {.id = HA_OPT_KEY, .name = "key", .value = "NAME", .help = "A key; a shell pattern."},                         \
        {.id = HA_OPT_OPERATION, .name = "operation", .value = "OP", .help = "As in the policy: sign, tls, ..."},      \
        {.id = HA_OPT_RESULT, .name = "result", .value = "CODE", .help = "ok, forbidden, token-unavailable, ..."},     \
        {.id = HA_OPT_UID, .name = "uid", .value = "UID", .help = "The caller, by number."},                           \
        {.id = HA_OPT_REQUEST, .name = "request", .value = "ID", .help = "The id of a request, from its reply."},      \
        {.id = HA_OPT_SINCE,                                                                                           \
         .name = "since",                                                                                              \
         .value = "TIME",                                                                                              \
         .help = "From then on: 2026-11-21, or 2026-11-21T07:26, as in the lines (UTC)."},                             \
        {.id = HA_OPT_UNTIL, .name = "until", .value = "TIME", .help = "Before then."},                                \
    {                                                                                                                  \
        .id = HA_OPT_LAST, .name = "last", .value = "N", .help = "Of those, the last N."                               \
    }

const struct ha_opt_row ha_audit_show_rows[] = {FILTERS};

const struct ha_opt_row ha_audit_export_rows[] = {
    {.id = HA_OPT_CSV, .name = "csv", .required = true, .help = "As CSV (RFC 4180), with a line of names."},
    {.id = HA_OPT_OUTPUT, .name = "out", .letter = 'o', .value = "FILE", .help = "Write it there instead of stdout."},
    FILTERS,
};
