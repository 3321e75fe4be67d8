// SPDX-License-Identifier: Apache-2.0
// Logs for tests: written by the writer itself, their checkpoints signed by a key in memory.
#pragma once

#include "audit/audit.h"
#include "softkey.h"

// A record with every member; the texts are constants.
struct ha_audit_record audit_rig_record(void);
// Signs the end of the log, as the daemon does with a key in a token.
void audit_rig_checkpoint(struct ha_audit *audit, struct softkey *key);
// Writes n records, and a checkpoint after each `every` of them.
void audit_rig_fill(struct ha_audit *audit, struct softkey *key, unsigned n, unsigned every);
