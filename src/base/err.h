// SPDX-License-Identifier: Apache-2.0
// Errors: a code, a cause in words, and a remedy.
//
// A function that can fail returns enum ha_code and takes `struct ha_err *err` last. The words are written
// where the failure starts (ha_fail) and get context on the way up (ha_wrap). On HA_OK err is untouched.
// A struct ha_err is a plain value: start it with {0}, copy it freely, nothing to free. err is never NULL.
#pragma once

#include "base/auto.h"

#include <stdbool.h>

enum ha_code {
    HA_OK = 0,
    HA_E_MALFORMED,          // the request or input isn't well formed
    HA_E_UNKNOWN_MEMBER,     // a JSON member nobody knows
    HA_E_FORBIDDEN,          // policy says no
    HA_E_NOT_ADMIN,          // an administrator's operation on a socket that isn't for administrators
    HA_E_CROSS_ORIGIN,       // a browser's request
    HA_E_NO_ROUTE,           // no such path
    HA_E_NO_KEY,             // no such key, or none that the caller may know of
    HA_E_NO_CERTIFICATE,     // none is installed for the key
    HA_E_METHOD,             // the path is there, the method isn't
    HA_E_REQUEST_TIMEOUT,    // the peer took too long to send its request
    HA_E_CONFLICT,           // exists already, or is in use
    HA_E_AMBIGUOUS,          // two objects fit one key
    HA_E_PRECONDITION,       // If-None-Match: * and it exists
    HA_E_SECOND,             // it takes another person, who makes the same request
    HA_E_TOO_LARGE,          // the body is over the limit
    HA_E_TOO_MANY,           // the caller has as much under way as it may
    HA_E_RATE,               // the policy grants no more in this second
    HA_E_BUDGET,             // the policy grants no more on this day
    HA_E_HEADERS_TOO_LARGE,  // the header is over the limit
    HA_E_KEY_CANNOT,         // the key's type, purpose or token can't do that
    HA_E_DECRYPTION,         // the one and only answer to a ciphertext that doesn't decrypt
    HA_E_NOT_VERIFIED,       // a message that isn't accepted: its signature, its keys, its dates
    HA_E_CERTIFICATE,        // a certificate that isn't one for this key, or not to be used
    HA_E_KEY_INCOMPLETE,     // half-made or half-deleted; needs an operator
    HA_E_KEY_DISABLED,       // an administrator has barred it
    HA_E_INTERNAL,           // our own fault
    HA_E_MEMORY,             // out of memory
    HA_E_TOKEN_ERROR,        // the token answered with an error
    HA_E_TOKEN_DOWN,         // no token to ask at present
    HA_E_PIN,                // the token refused the PIN
    HA_E_BUSY,               // every session is taken until the deadline, or a limit is reached
    HA_E_STOPPING,           // the agent is shutting down
    HA_E_CLOCK,              // the system clock isn't synchronised, and has to be
    HA_E_AUDIT,              // the audit log can't be written, so no key is used
    HA_E_DEADLINE,           // the token didn't answer in time
    HA_E_IO,                 // a system call failed
    HA_E_CONFIG,             // the configuration is wrong
    HA_E_USAGE,              // wrong command line
    HA_E_AGENT,              // a client's: the agent can't be reached or doesn't speak as expected
    HA_E_CA,                 // a certificate authority can't be reached, refuses, or doesn't speak as expected
    HA_CODE_COUNT
};

struct ha_err {
    enum ha_code code;
    unsigned retry_after_s;  // 0: unsaid
    unsigned long rv;        // the token's CK_RV; 0: none
    char function[32];       // the PKCS#11 function that returned rv; "" : none
    char pointer[96];        // JSON pointer of the member at fault; "" : none
    char detail[512];        // the cause
    char hint[320];          // the remedy
};

// One row a code; drives problem documents, exit messages and the documentation.
struct ha_code_info {
    const char *name;   // stable, in problem documents: "no-such-key"
    unsigned status;    // HTTP
    const char *title;  // one line, the same for every occurrence
    const char *hint;   // the remedy when nothing better is known
    bool retryable;     // the same request may succeed later
};

const struct ha_code_info *ha_code_info(enum ha_code code);
// The code whose name that is; HA_E_INTERNAL for an unknown name.
enum ha_code ha_code_by_name(const char *name);

// Starts an error: clears err, sets code, detail (printf), and the code's own hint. Returns code.
enum ha_code ha_fail(struct ha_err *err, enum ha_code code, const char *format, ...) HA_PRINTF(3, 4);
// The same for a failed system call: HA_E_IO, and ": " and strerror(errno_value) after the words. Leaves errno at
// errno_value, for callers that must tell ENOENT and the like apart.
enum ha_code ha_fail_errno(struct ha_err *err, int errno_value, const char *format, ...) HA_PRINTF(3, 4);
// Puts "text: " before the detail. Returns err->code.
enum ha_code ha_wrap(struct ha_err *err, const char *format, ...) HA_PRINTF(2, 3);
// Replaces the hint. Returns err->code, so that `return ha_hint(err, ...)` reads well.
enum ha_code ha_hint(struct ha_err *err, const char *format, ...) HA_PRINTF(2, 3);
// Sets the JSON pointer. Returns err->code.
enum ha_code ha_at(struct ha_err *err, const char *format, ...) HA_PRINTF(2, 3);
