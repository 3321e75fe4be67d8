// SPDX-License-Identifier: Apache-2.0
// Carrying out a ceremony that has its approvals: the key, the certificate request, the transcript.
#pragma once

#include "api/call.h"
#include "keys/ceremony.h"

// Whether the configuration's audit key is there and can sign a transcript of the making of key.
enum ha_code ha_ceremony_check_audit_key(const struct ha_call_context *call, const char *key, struct ha_err *err);
// Goes on from HA_CEREMONY_MAKING, at whatever point it was cut off, to HA_CEREMONY_DONE, and saves that. A failure
// leaves what can be gone on with. The ceremonies' lock is held.
enum ha_code ha_ceremony_run(const struct ha_call_context *call, struct ha_ceremony *ceremony, struct ha_err *err);
