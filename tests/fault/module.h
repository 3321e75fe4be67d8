// SPDX-License-Identifier: Apache-2.0
// The fault module as a whole: the module that it wraps and what it knows of it. PKCS#11 gives its functions no
// context, so there is one of it in a process.
#pragma once

#include "sessions.h"
#include "watch.h"

#include <p11-kit/pkcs11.h>
#include <pthread.h>

#define FAULT_MODULE_VARIABLE "HSM_AGENT_FAULT_MODULE"  // the path of the wrapped module
#define FAULT_RULES_VARIABLE  "HSM_AGENT_FAULT_RULES"   // the path of the rule file

struct fault_module {
    CK_FUNCTION_LIST *real;
    struct fault_watch watch;
    struct fault_sessions sessions;
    // Held for reading around each call of the wrapped module, for writing to take its sessions or login away: it must
    // not free a session that somebody works in. Never held during a delay.
    pthread_rwlock_t gate;
    atomic_bool logged_out;  // by the action `logout`, until the next C_Login
};

struct fault_module *fault_module(void);
// The table of the wrappers.
CK_FUNCTION_LIST *fault_wrappers(void);
