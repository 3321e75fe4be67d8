// SPDX-License-Identifier: Apache-2.0
// Running a program of the operator's: no shell, no privileges, nothing inherited, and not for ever.
#pragma once

#include "base/err.h"

// Runs program, an absolute path, with argv and environment (both NULL-terminated) in a session of its own, with
// /dev/null as its standard descriptors and no other; as nobody when the agent runs as root. Waits for its end: until
// timeout_ms have passed, or cancel (a descriptor) is readable, when it and what it has started in its group are
// killed. HA_E_CONFIG: it isn't a file that the operator alone may write; HA_E_IO: it can't be started, or failed;
// HA_E_DEADLINE; HA_E_STOPPING.
enum ha_code ha_hook_run(const char *program, char *const argv[], char *const environment[], int timeout_ms, int cancel,
                         struct ha_err *err);
