// SPDX-License-Identifier: Apache-2.0
// The options of the commands about HMAC keys: key import-secret, mac.
#include "cli/command_mac.h"

const struct ha_opt_row ha_import_secret_rows[] = {
    {.id = HA_OPT_SECRET_FILE,
     .name = "secret-file",
     .value = "FILE",
     .required = true,
     .help = "The file that has the secret; - for stdin. It is never given on the command line, which others can see."},
    {.id = HA_OPT_FORM,
     .name = "form",
     .value = "FORM",
     .help = "How the file has the key: raw (all its bytes are the key, the default), base64 (they are its base64 or "
             "base64url text) or mojaloop (a text whose base64 text is the key, as Mojaloop's libraries use their "
             "ilpSecret; a newline at its end doesn't count)."},
    {.id = HA_OPT_TOKEN,
     .name = "token",
     .value = "T",
     .help = "Name of the token; may be left out when the agent has just one."},
};

const struct ha_opt_row ha_mac_rows[] = {
    {.id = HA_OPT_KEY_VERSION,
     .name = "key-version",
     .value = "N",
     .help = "The version of the key that does it; without this option the active one."},
    {.id = HA_OPT_PROFILE,
     .name = "profile",
     .value = "PROFILE/MESSAGE",
     .help = "What the code is for, see hsm-agent-profiles(5); without this option it is over the input as it is."},
    {.id = HA_OPT_FORMAT,
     .name = "format",
     .value = "FORM",
     .help = "How the code is written: raw (32 bytes, the default), hex or base64url, both without a newline."},
    {.id = HA_OPT_INPUT,
     .name = "in",
     .letter = 'i',
     .value = "FILE",
     .help = "Read the input from FILE instead of stdin."},
    {.id = HA_OPT_OUTPUT,
     .name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "Write to FILE (mode 0600) instead of stdout."},
};
