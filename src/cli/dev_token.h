// SPDX-License-Identifier: Apache-2.0
// The SoftHSM2 token of `hsm-agent dev`, made once in its directory: softhsm2.conf, tokens/, pin, so-pin, serial.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "cli/dev_child.h"
#include "cli/dev_dir.h"

// Appends the token's serial number to ret_serial. program is hsm-agent-token, whose messages go to log. HA_E_STOPPING
// when a signal came meanwhile.
enum ha_code ha_dev_token_ensure(const struct ha_dev_dir *dir, const char *program, const char *module,
                                 const struct ha_dev_signals *signals, int log, struct ha_buf *ret_serial,
                                 struct ha_err *err);
