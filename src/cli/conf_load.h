// SPDX-License-Identifier: Apache-2.0
// An OpenSSL configuration loaded as a program would, and a key used by it; in a child process, since a module may
// crash or hang.
#pragma once

#include "cli/findings.h"

// What to sign with the key.
enum ha_conf_trial {
    HA_CONF_NO_SIGNATURE,
    HA_CONF_MESSAGE,
    HA_CONF_TLS_SERVER,  // a CertificateVerify of TLS 1.3 for a random transcript
    HA_CONF_TLS_CLIENT,
};

struct ha_conf_load {
    const char *path;
    const char *provider;  // its name in the file
    const char *module;    // its file, as OpenSSL finds it
    const char *key;       // the agent's; NULL: none is loaded
    enum ha_conf_trial trial;
    int timeout_ms;
};
// The checks "load", "key" and "signature", as far as the one before lets them. HA_E_IO: no child can be started.
enum ha_code ha_conf_load_check(const struct ha_conf_load *load, struct ha_findings *findings, struct ha_err *err);
