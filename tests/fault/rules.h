// SPDX-License-Identifier: Apache-2.0
// The rule language of the fault module, and its parser. Thread-safe: no state.
//
// One rule a line; '#' begins a comment. A number is decimal or 0x hexadecimal; MS are milliseconds.
//
//   seed N                                 for every rate and all garbage of the file; 1 if it isn't given
//   FUNCTION ACTION [CONDITION]...         what happens at a call
//   token TRAIT [for MS]                   how the token is, as long as the rule is there
//
// FUNCTION is a name or a pattern of the shell: C_Sign, C_Sign*, C_*. The rules that meet a call are obeyed in the
// file's order, all of them, until one ends the call.
//
//   error CODE       the call ends with CODE, a name or a number; the token never hears of it
//   hang             the call never ends
//   crash [HOW]      the process ends by: abort (the default), segv, kill, exit (status 0, no word)
//   delay MS         the call goes on later; no lock is held
//   hold             the call goes on once the file no longer has this line
//   kill-sessions    all sessions of the process are gone, as after a restart of the device; then the call goes on
//   logout           the token forgets the login; then the call goes on
//   late CODE        the token does what it was asked for, the caller hears CODE
//   garbage          random bytes for the output, of the right length, and CKR_OK
//   flip             one wrong bit in the output's last byte
//   shorten N        an output that is N bytes shorter, and CKR_OK
//   too-small        CKR_BUFFER_TOO_SMALL for a buffer that is large enough, with a wish for twice its size
//   signals          handlers for SIGPIPE, SIGINT, SIGTERM and SIGHUP are installed, which count (see state.h)
//
// The last five but `late` and `signals` concern functions that write a buffer, and only calls that bring one.
//
//   rate P           each call is met with probability P (0 to 1); the same ones for the same seed
//   after N          the first N calls are spared
//   every N          of those that follow, each Nth is met; unlike by `rate`, no two in a row
//   count N          N calls are met, then no more
//   for MS           it ends MS after the file was put there
//   per-process      each process counts anew
//
// `after`, `every` and `count` count what the function and `for` admit, in all processes together unless the rule says
// per-process; a process that comes later finds a `count 1` used up. A replaced file begins at zero.
//
//   absent              no slot has a token; the sessions die, calls on them give CKR_DEVICE_REMOVED
//   slots-shift N       slot ids are N higher; the old ones give CKR_SLOT_ID_INVALID
//   slots-move N        likewise, but the old slots are still there, and empty: CKR_TOKEN_NOT_PRESENT
//   session-cap N       more than N sessions of this process: CKR_SESSION_COUNT
//   session-idle MS     a session that isn't used for so long is closed (with the last one the login is lost)
//   max-sessions N      what C_GetTokenInfo says about the most sessions; 0xffffffffffffffff: it doesn't say
//   objects-twice       C_FindObjects returns each handle twice
//   objects-twins       each object has a twin, the same in all but its handle
//   objects-hidden      C_FindObjects finds nothing
//   pin-count-low, pin-final-try, pin-locked   flags of C_GetTokenInfo
//   pin-tries N         N wrong PINs in a row lock the token (CKR_PIN_LOCKED), with the flags to match; across
//   processes
#pragma once

#include "base/err.h"
#include "functions.h"

#include <stdint.h>

#define FAULT_RULES_MAX 64

enum fault_action {
    FAULT_ERROR,
    FAULT_HANG,
    FAULT_CRASH,
    FAULT_DELAY,
    FAULT_HOLD,
    FAULT_KILL_SESSIONS,
    FAULT_LOGOUT,
    FAULT_LATE,
    FAULT_GARBAGE,
    FAULT_FLIP,
    FAULT_SHORTEN,
    FAULT_TOO_SMALL,
    FAULT_SIGNALS,
    FAULT_ACTION_COUNT
};

enum fault_crash { FAULT_CRASH_ABORT, FAULT_CRASH_SEGV, FAULT_CRASH_KILL, FAULT_CRASH_EXIT, FAULT_CRASH_COUNT };

enum fault_trait {
    FAULT_ABSENT,
    FAULT_SLOTS_SHIFT,
    FAULT_SLOTS_MOVE,
    FAULT_SESSION_CAP,
    FAULT_SESSION_IDLE,
    FAULT_MAX_SESSIONS,
    FAULT_OBJECTS_TWICE,
    FAULT_OBJECTS_TWINS,
    FAULT_OBJECTS_HIDDEN,
    FAULT_PIN_COUNT_LOW,
    FAULT_PIN_FINAL_TRY,
    FAULT_PIN_LOCKED,
    FAULT_PIN_TRIES,
    FAULT_TRAIT_COUNT
};

struct fault_rule {
    bool on[FAULT_FUNCTION_COUNT];
    enum fault_action action;
    unsigned long argument;  // a CKR, ms, bytes, or an enum fault_crash
    double rate;             // 1: each call
    uint64_t after, count;   // count is UINT64_MAX without a limit
    uint64_t every;          // 1: each call
    uint64_t for_ms;         // 0: for as long as the file is there
    bool per_process;
};

struct fault_rules {
    uint64_t seed;
    size_t n;
    struct fault_rule rule[FAULT_RULES_MAX];
    struct {
        bool on;
        unsigned long value;
        uint64_t for_ms;  // 0: for as long as the file is there
    } trait[FAULT_TRAIT_COUNT];
};

// HA_E_CONFIG, with "line N: " and what is wrong with it.
enum ha_code fault_rules_parse(const char *text, struct fault_rules *ret_rules, struct ha_err *err);
