// SPDX-License-Identifier: Apache-2.0
// The options of the commands that check something: openssl-check, tls check.
#include "cli/command.h"

const struct ha_opt_row ha_openssl_check_rows[] = {
    {.id = HA_OPT_CONF,
     .name = "conf",
     .value = "FILE",
     .help = "The configuration to look at; without this option that of the environment variable OPENSSL_CONF, and "
             "without that openssl.cnf in the directory that 'openssl version -d' prints."},
    {.id = HA_OPT_KEY,
     .name = "key",
     .value = "NAME",
     .help = "A key of the agent to load by that configuration and to make one signature with."},
};

const struct ha_opt_row ha_tls_check_rows[] = {
    {.id = HA_OPT_SERVERNAME,
     .name = "servername",
     .value = "NAME",
     .help = "The DNS name to ask for (SNI) and to look for in the certificate, instead of HOST."},
    {.id = HA_OPT_CA,
     .name = "ca",
     .value = "FILE",
     .help = "The CAs that clients trust, PEM, instead of the system's."},
    {.id = HA_OPT_CERT,
     .name = "cert",
     .value = "FILE",
     .help = "A client certificate to present in one more request, PEM; after it the CAs' between. Implies --mtls."},
    {.id = HA_OPT_KEY, .name = "key", .value = "NAME", .help = "The agent's key that --cert is for."},
    {.id = HA_OPT_KEY_FILE,
     .name = "key-file",
     .value = "FILE",
     .help = "The key that --cert is for, PEM without a passphrase, when it isn't the agent's."},
    {.id = HA_OPT_MUTUAL,
     .name = "mtls",
     .help = "Clients have to have certificates here: it is a problem when none is asked for, or requests without one "
             "aren't refused."},
    {.id = HA_OPT_PATH,
     .name = "path",
     .value = "/PATH",
     .help = "The path to request with GET; / without this option."},
};
