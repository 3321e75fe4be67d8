// SPDX-License-Identifier: Apache-2.0
// The agent's refusals (problem documents, RFC 9457) as errors. Thread-safe.
#pragma once

#include "base/err.h"

#include <stddef.h>

// Makes an err of a response of status 400 or above; returns its code, never HA_OK. A body that isn't a problem
// document gives HA_E_AGENT with the status.
enum ha_code ha_refusal_read(unsigned status, const char *body, size_t n, unsigned retry_after_s, struct ha_err *err);
