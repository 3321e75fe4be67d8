// SPDX-License-Identifier: Apache-2.0
// The options of the commands about ceremonies.
#include "cli/command_ceremony.h"

const struct ha_opt_row ha_ceremony_show_rows[] = {
    {.id = HA_OPT_VERIFY,
     .name = "verify",
     .value = "FILE",
     .help = "Verify the transcript with the audit key's public key, from FILE: PEM (PUBLIC KEY) or JWK. The exit "
             "status is 1 when it doesn't verify, or isn't there."},
    {.id = HA_OPT_OUTPUT,
     .name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "Write the transcript, a compact JWS, to FILE."},
};

const struct ha_opt_row ha_ceremony_yes_rows[] = {
    {.id = HA_OPT_YES, .name = "yes", .help = "Really do it. Without this option nothing is approved."},
};
