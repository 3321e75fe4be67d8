// SPDX-License-Identifier: Apache-2.0
// How far a log was verified: up to a checkpoint, from which the next verification goes on.
#pragma once

#include "audit/line.h"

struct ha_audit_state {
    uint64_t file;    // the number of the first line of the file
    uint64_t offset;  // in it, of the checkpoint
    uint64_t begins;  // the number of the log's first line
    uint64_t seq;     // of the checkpoint; 0: nothing was verified
    uint64_t signed_to;
    char hash[HA_AUDIT_HEX_LEN + 1];
    int64_t saved_ms;  // when it was written last
};

// false: there is none, or it can't be read.
bool ha_audit_state_read(const char *path, struct ha_audit_state *ret_state);
// Writes it, at most once a second unless it is the end. path NULL, or nothing verified: does nothing. What can't be
// written is verified once more the next time.
void ha_audit_state_save(const char *path, struct ha_audit_state *state, bool end);
