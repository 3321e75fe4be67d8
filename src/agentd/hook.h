// SPDX-License-Identifier: Apache-2.0
// Running a program of the operator's: no shell, no privileges, nothing inherited, and not for ever.
#pragma once

#include "base/err.h"

struct ha_starter;

// The environment of a hook is this and variables whose names begin with HSM_AGENT_.
#define HA_HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Runs argv[0], an absolute path, with argv and environment (both NULL-terminated) in a session of its own, with
// /dev/null as its standard descriptors and no other; as nobody when the agent runs as root. Waits for its end: until
// timeout_ms have passed, or cancel (a descriptor) is readable, when it and what it has started in its group are
// killed. HA_E_CONFIG: it isn't a file that the operator alone may write; HA_E_IO: it can't be started, or failed;
// HA_E_DEADLINE; HA_E_STOPPING.
// starter: what starts it; NULL: this process does.
enum ha_code ha_hook_run(const struct ha_starter *starter, char *const argv[], char *const environment[],
                         int timeout_ms, int cancel, struct ha_err *err);
// In a process that was forked for it: becomes the program. System calls alone.
_Noreturn void ha_hook_become(char *const argv[], char *const environment[]);
