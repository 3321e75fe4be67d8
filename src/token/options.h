// SPDX-License-Identifier: Apache-2.0
// The child's command line: one table for the daemon, which writes it, and the child, which reads it (getopt_long).
// Nothing secret is in it: a PIN is named by its source.
#pragma once

#include "base/err.h"

#include <stdbool.h>

// hsm-agent-token --name edge --uri pkcs11:token=edge --module /usr/lib/softhsm/libsofthsm2.so
//     --pin file:/etc/hsm-agent/pin --sessions 8 [--pin-guard PATH] [--module-args TEXT] [--software-oaep] [--verify
//     WHAT]
//     [--log-json]
#define HA_TOKEN_OPT_NAME          "name"           // the token's name in the configuration, for log lines
#define HA_TOKEN_OPT_URI           "uri"            // RFC 7512; never a slot-id alone, never a PIN
#define HA_TOKEN_OPT_MODULE        "module"         // absolute path of the PKCS#11 module
#define HA_TOKEN_OPT_MODULE_ARGS   "module-args"    // pReserved string for C_Initialize
#define HA_TOKEN_OPT_PIN           "pin"            // file:PATH or prompt (the daemon turns credential:NAME into file:)
#define HA_TOKEN_OPT_PIN_GUARD     "pin-guard"      // absolute path of the record of refused PINs (token/guard.h)
#define HA_TOKEN_OPT_SESSIONS      "sessions"       // worker channels that will come with START
#define HA_TOKEN_OPT_SOFTWARE_OAEP "software-oaep"  // raw RSA and OAEP decoding in software where the token can't
#define HA_TOKEN_OPT_VERIFY        "verify"         // rsa, always or off; unset: rsa
#define HA_TOKEN_OPT_LOG_JSON      "log-json"

// The other mode: hsm-agent-token --init --module M --label L --so-pin file:PATH --pin file:PATH
// initialises a free (uninitialised) slot, prints the token's serial number on stdout.
#define HA_TOKEN_OPT_INIT   "init"
#define HA_TOKEN_OPT_LABEL  "label"
#define HA_TOKEN_OPT_SO_PIN "so-pin"

// Which signatures are verified before they leave.
enum ha_verify_what { HA_VERIFY_RSA, HA_VERIFY_ALWAYS, HA_VERIFY_OFF };

// How the child ends.
enum ha_token_exit {
    HA_TOKEN_EXIT_OK = 0,
    HA_TOKEN_EXIT_FAILED = 1,  // couldn't start or lost the token: worth another try later
    HA_TOKEN_EXIT_USAGE = 2,   // wrong options
    HA_TOKEN_EXIT_PIN = 3,     // the token refused the PIN: another try could lock it
};

// The options as read. The strings are argv's; NULL: not given.
struct ha_token_options {
    const char *name;
    const char *uri;
    const char *module;
    const char *module_args;
    const char *pin;
    const char *pin_guard;
    unsigned sessions;
    bool software_oaep;
    enum ha_verify_what verify;
    bool log_json;
    bool init;
    const char *label;
    const char *so_pin;
};

// Reads and checks the command line; argv outlives ret_options. HA_E_USAGE. Once a process (getopt's state is global).
enum ha_code ha_token_options_read(int argc, char **argv, struct ha_token_options *ret_options, struct ha_err *err);
