// SPDX-License-Identifier: Apache-2.0
// The options of the commands about certificates.
#include "cli/command_cert.h"

#define VERSION_ROW                                                                                                    \
    {                                                                                                                  \
        .id = HA_OPT_KEY_VERSION, .name = "key-version", .value = "N",                                                 \
        .help = "The version of the key that is meant; without this option the active one."                            \
    }
#define OUTPUT_ROW                                                                                                     \
    {                                                                                                                  \
        .id = HA_OPT_OUTPUT, .name = "out", .letter = 'o', .value = "FILE", .help = "Write to FILE instead of stdout." \
    }

const struct ha_opt_row ha_cert_install_rows[] = {
    VERSION_ROW,
    {.id = HA_OPT_STORE_IN_TOKEN,
     .name = "store-in-token",
     .help = "Put the certificate beside the key in the token too, as an object, for other programs that use the "
             "token. The object of the certificate that it replaces is destroyed."},
};

const struct ha_opt_row ha_cert_show_rows[] = {
    VERSION_ROW,
    {.id = HA_OPT_PEM,
     .name = "pem",
     .help = "Write the certificate and those of the CAs between as PEM, and no more."},
    OUTPUT_ROW,
};

const struct ha_opt_row ha_cert_remove_rows[] = {
    VERSION_ROW,
    {.id = HA_OPT_DESTROY_OBJECTS,
     .name = "destroy-objects",
     .help = "Destroy the certificate's object in the token as well, if there is one."},
};
