// SPDX-License-Identifier: Apache-2.0
// The child's command line: one table for the daemon, which writes it, and the child, which reads it (getopt_long).
// Nothing secret is in it: a PIN is named by its source.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

// hsm-agent-token --name edge --uri pkcs11:token=edge --module /usr/lib/softhsm/libsofthsm2.so
//     --pin file:/etc/hsm-agent/pin --sessions 8 [--pin-guard PATH] [--module-args TEXT] [--software-oaep] [--verify
//     WHAT]
//     [--sandbox WHAT] [--write PATH]... [--log-json]
#define HA_TOKEN_OPT_NAME          "name"           // the token's name in the configuration, for log lines
#define HA_TOKEN_OPT_URI           "uri"            // RFC 7512; never a slot-id alone, never a PIN
#define HA_TOKEN_OPT_MODULE        "module"         // absolute path of the PKCS#11 module
#define HA_TOKEN_OPT_MODULE_ARGS   "module-args"    // pReserved string for C_Initialize
#define HA_TOKEN_OPT_PIN           "pin"            // file:PATH or prompt (the daemon turns credential:NAME into file:)
#define HA_TOKEN_OPT_PIN_GUARD     "pin-guard"      // absolute path of the record of refused PINs (token/guard.h)
#define HA_TOKEN_OPT_SESSIONS      "sessions"       // worker channels that will come with START
#define HA_TOKEN_OPT_SOFTWARE_OAEP "software-oaep"  // raw RSA and OAEP decoding in software where the token can't
#define HA_TOKEN_OPT_VERIFY        "verify"         // rsa, always or off; unset: rsa
#define HA_TOKEN_OPT_SANDBOX       "sandbox"        // strict, module or off; unset: module
#define HA_TOKEN_OPT_WRITE         "write"          // absolute path that the module may write; repeatable
#define HA_TOKEN_OPT_LOG_JSON      "log-json"

// The other mode: hsm-agent-token --init --module M --label L --so-pin file:PATH --pin file:PATH
// initialises a free (uninitialised) slot, prints the token's serial number on stdout.
#define HA_TOKEN_OPT_INIT   "init"
#define HA_TOKEN_OPT_LABEL  "label"
#define HA_TOKEN_OPT_SO_PIN "so-pin"

// The third mode, of the command line's `token` commands: hsm-agent-token --tool WHAT --module M [--token LABEL-OR-URI]
// [PINs, whose sources may be "prompt"]. Standard output gets one JSON document: what was asked for, or {"error":
// {code, detail, hint}}. When the other end of the standard input is closed, a prompt gives up.
#define HA_TOKEN_OPT_TOOL        "tool"
#define HA_TOKEN_TOOL_LIST       "list"
#define HA_TOKEN_TOOL_INFO       "info"
#define HA_TOKEN_TOOL_INIT       "init"           // --label, --so-pin, --pin [--slot] [--erase]
#define HA_TOKEN_TOOL_PIN_CHANGE "pin-change"     // the user's: --pin, --new-pin
#define HA_TOKEN_TOOL_SO_CHANGE  "so-pin-change"  // the security officer's: --so-pin, --new-pin
#define HA_TOKEN_TOOL_PIN_RESET  "pin-reset"      // the user's, by the security officer: --so-pin, --new-pin
#define HA_TOKEN_OPT_TOKEN       "token"          // a label, or a PKCS#11 URI
#define HA_TOKEN_OPT_NEW_PIN     "new-pin"
#define HA_TOKEN_OPT_SLOT        "slot"       // the slot to initialise, by its number
#define HA_TOKEN_OPT_ERASE       "erase"      // the serial number of the token to initialise again
#define HA_TOKEN_OPT_FINAL_TRY   "final-try"  // a PIN is tried even if one more wrong one locks the token
#define HA_TOKEN_OPT_TIMEOUT     "timeout"    // seconds for the module's work; then SIGALRM ends the process
#define HA_TOKEN_TIMEOUT_MAX_S   3600
#define HA_TOKEN_WRITES_MAX      32

// Which signatures are verified before they leave.
enum ha_verify_what { HA_VERIFY_RSA, HA_VERIFY_ALWAYS, HA_VERIFY_OFF };

// What the process gives up before the module is loaded.
enum ha_sandbox { HA_SANDBOX_MODULE, HA_SANDBOX_STRICT, HA_SANDBOX_OFF };

enum ha_token_tool {
    HA_TOOL_NONE,
    HA_TOOL_LIST,
    HA_TOOL_INFO,
    HA_TOOL_INIT,
    HA_TOOL_PIN_CHANGE,
    HA_TOOL_SO_CHANGE,
    HA_TOOL_PIN_RESET,
};

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
    enum ha_sandbox sandbox;
    const char *writes[HA_TOKEN_WRITES_MAX];
    size_t n_writes;
    bool log_json;
    bool init;
    const char *label;
    const char *so_pin;
    enum ha_token_tool tool;
    const char *token;
    const char *new_pin;
    const char *slot;
    const char *erase;
    bool final_try;
    unsigned timeout_s;  // 0: none
};

// Reads and checks the command line; argv outlives ret_options. HA_E_USAGE. Once a process (getopt's state is global).
enum ha_code ha_token_options_read(int argc, char **argv, struct ha_token_options *ret_options, struct ha_err *err);
