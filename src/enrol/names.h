// SPDX-License-Identifier: Apache-2.0
// The names of a certificate as the agent is asked for a request with them: renewal.
#pragma once

#include "base/buf.h"
#include "base/err.h"

// Appends the members "subject" and, when it has alternative names, "san" of the first certificate in pem to the JSON
// object that is open. HA_E_KEY_CANNOT for alternative names that a request here can't have; HA_E_MALFORMED.
enum ha_code ha_enrol_put_names(const char *pem, struct ha_buf *out, struct ha_err *err);
