// SPDX-License-Identifier: Apache-2.0
// Whether a log is whole: each line is one, numbered after the one before and with its hash, in all of the log's files,
// and what checkpoints sign is what is there. In memory that doesn't grow with the log.
//
// Who changes a line has to change all hashes after it, and can't sign the checkpoints among them. Who cuts the end off
// is found by what is known of it from elsewhere: head. Lines after the last checkpoint are held by the chain alone.
#pragma once

#include "audit/checkpoint.h"

enum { HA_AUDIT_REACH = 65536 };  // lines from one that a checkpoint signs to the checkpoint, at most

struct ha_audit_finding {
    const char *name;  // never changes: "wrong-hash"
    const char *file;
    uint64_t offset;  // of the line in the file, without compression
    uint64_t seq;     // of the line, as far as known; 0
    char words[160];
};

struct ha_audit_verdict {
    uint64_t first, last;  // numbers of lines; 0: there is none
    char hash[HA_AUDIT_HEX_LEN + 1];
    uint64_t lines, bytes;          // read this time
    uint64_t checkpoints;           // whose signature was verified
    uint64_t unsigned_checkpoints;  // that no key was given for
    uint64_t signed_to;             // the last line that a verified checkpoint signs; 0: none does
    uint64_t resumed;               // the line after which it was gone on, 0: none
    uint64_t findings;
};

struct ha_audit_verify_options {
    struct ha_pubkey *const *keys;  // those that sign checkpoints; none: signatures aren't verified
    size_t n_keys;
    const struct ha_audit_checkpoint *head;  // one that the log has to have; NULL: unsaid
    const char *state;  // a file that says how far it was verified before, and will after; NULL: none
    void *context;
    void (*found)(void *context, const struct ha_audit_finding *finding);
    void (*progress)(void *context, uint64_t done, uint64_t size);  // bytes on the disk, of all files; NULL
};

// log_path: the file that is written, or one file of any log alone. Fails when nothing can be read; what is wrong with
// the log is told to found.
enum ha_code ha_audit_verify(const char *log_path, const struct ha_audit_verify_options *options,
                             struct ha_audit_verdict *ret_verdict, struct ha_err *err);
