// SPDX-License-Identifier: Apache-2.0
// What all processes with the fault module share: a mapped file beside the rules, RULES.state. It outlives each of
// them.
#pragma once

#include "base/err.h"
#include "rules.h"

#include <stdatomic.h>
#include <stdint.h>

#define FAULT_BLOCKS     8
#define FAULT_PINS_MAX   64
#define FAULT_STATE_NAME ".state"

// One content of the rule file. All zero: there is no file.
struct fault_version {
    uint64_t inode, mtime_ns, size;
};

struct fault_counts {
    atomic_uint_least64_t matched;  // calls that the function and `for` admitted
    atomic_uint_least64_t fired;    // of these, how many met the fault
};

// The counters of a version's rules. Whoever still obeys an older version counts in its own block.
struct fault_block {
    struct fault_version version;
    struct fault_counts rule[FAULT_RULES_MAX];
};

struct fault_pin {
    atomic_uint_least64_t hash;     // of the PIN, see fault_pin_hash; 0: a free row
    atomic_uint_least64_t asked;    // calls of C_Login with it
    atomic_uint_least64_t ok;       // answered with CKR_OK
    atomic_uint_least64_t refused;  // answered with one of the CKR_PIN_ codes
    atomic_uint_least64_t other;    // answered with another code; a call that never returns is asked alone
};

struct fault_shared {
    uint64_t size;      // of this struct: another one is of another build
    uint64_t sequence;  // of the newest version; its block is sequence % FAULT_BLOCKS
    struct fault_block block[FAULT_BLOCKS];
    atomic_uint_least64_t calls[FAULT_FUNCTION_COUNT];
    struct fault_pin pin[FAULT_PINS_MAX];
    atomic_uint_least64_t wrong_pins;  // since the last right one
    atomic_uint_least64_t sessions;    // open in the process that opened or closed one last
    atomic_uint_least64_t signals;     // taken by the handlers of the action `signals`
};

// Maps the file, which is made if need be; *ret_fd is for fault_state_block. Never unmapped.
enum ha_code fault_state_map(const char *path, struct fault_shared **ret_shared, int *ret_fd, struct ha_err *err);
// The counters of that version: those that another process began, or new ones. One thread of a process at a time.
struct fault_block *fault_state_block(struct fault_shared *shared, int fd, const struct fault_version *version);

// FNV-1a of 64 bits, never 0: enough to tell the PINs of a test from each other.
uint64_t fault_pin_hash(const uint8_t *pin, size_t n);
// The row of a PIN, which is made if need be. NULL: the table is full.
struct fault_pin *fault_state_pin(struct fault_shared *shared, uint64_t hash);
