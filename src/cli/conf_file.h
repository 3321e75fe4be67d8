// SPDX-License-Identifier: Apache-2.0
// An OpenSSL configuration as it is written: does it get programs to the agent's provider? Nothing of it is loaded.
#pragma once

#include "cli/findings.h"

// What it says of the agent's provider; strings are malloc'ed.
struct ha_conf_facts {
    char *name;          // that of the provider in the list, "zz_hsmagent"; NULL: it isn't there
    char *module;        // the file's path; NULL without a name
    char *socket;        // NULL: unsaid
    bool worth_loading;  // it can be read, and both providers are there
};
void ha_conf_facts_clear(struct ha_conf_facts *facts);
HA_AUTO_DEFINE_CLEAR(struct ha_conf_facts, ha_conf_facts_clear)

// The file that programs take; malloc'ed, NULL: out of memory.
char *ha_conf_file_default(void);
// The checks "file", "openssl-conf", "providers", "default-provider", "hsmagent-section", "order", "module" and
// "properties", as far as the one before lets them. ret_facts is to be cleared. HA_E_MEMORY.
enum ha_code ha_conf_file_check(const char *path, struct ha_findings *findings, struct ha_conf_facts *ret_facts,
                                struct ha_err *err);
