// SPDX-License-Identifier: Apache-2.0
// What tests of the audit log share: a log in a directory of its own, and its verification.
#pragma once

#include "audit/verify.h"
#include "audit_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct rig {
    char directory[64], path[96], copy[96];
    struct softkey *key;
    struct ha_log log;
};

struct found {
    unsigned n;
    char names[256];
};

int audit_case_set_up(void **state);
int audit_case_tear_down(void **state);

// like: NULL for a log that isn't synced and keeps all; its path and log are the rig's in any case.
struct ha_audit *open_log(struct rig *rig, const struct ha_audit_options *like);
// What the verifier finds, with the rig's key. head, state: NULL when there is none.
struct ha_audit_verdict verify_with(struct rig *rig, const char *path, const char *head, const char *state,
                                    struct found *found);
struct ha_audit_verdict verify(struct rig *rig, struct found *found);
void read_file(const char *path, struct ha_buf *out);
void write_file(const char *path, const void *bytes, size_t n);
