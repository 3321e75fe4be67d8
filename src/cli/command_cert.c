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

const struct ha_opt_row ha_cert_check_rows[] = {
    VERSION_ROW,
    {.id = HA_OPT_CERT,
     .name = "cert",
     .value = "FILE",
     .repeat = true,
     .help = "Look at what is in FILE, in any form and order, instead of what is installed; before it is."},
    {.id = HA_OPT_CA,
     .name = "ca",
     .value = "FILE",
     .help = "The roots that peers trust, PEM. Without this option the chain isn't verified."},
    {.id = HA_OPT_CRL, .name = "crl", .value = "FILE", .help = "Lists of revoked certificates, PEM."},
    {.id = HA_OPT_OCSP,
     .name = "ocsp",
     .value = "FILE",
     .help = "A response about the certificate from its OCSP responder, DER."},
    {.id = HA_OPT_REVOCATION,
     .name = "need-revocation",
     .help = "It is a problem when neither a list nor a response is about the certificate."},
    {.id = HA_OPT_SERVERNAME,
     .name = "servername",
     .value = "NAME",
     .repeat = true,
     .help = "A DNS name, address or mail address that the certificate has to be for."},
    {.id = HA_OPT_AT,
     .name = "at",
     .value = "SECONDS",
     .help = "The time at which it has to be valid, since 1970, instead of now."},
};

const struct ha_opt_row ha_cert_self_sign_rows[] = {
    VERSION_ROW,
    {.id = HA_OPT_INPUT,
     .name = "in",
     .letter = 'i',
     .value = "FILE",
     .help = "The request, PEM, from FILE instead of stdin."},
    {.id = HA_OPT_DAYS,
     .name = "days",
     .value = "N",
     .help = "For how many days it is valid, from now on; 30 without."},
    {.id = HA_OPT_ALG,
     .name = "alg",
     .value = "ALG",
     .help = "The algorithm that it is signed with; without this option the agent chooses it by the key's type."},
    {.id = HA_OPT_INSTALL, .name = "install", .help = "Install it as the key's certificate, instead of writing it."},
    OUTPUT_ROW,
};
