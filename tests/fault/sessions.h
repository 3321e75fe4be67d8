// SPDX-License-Identifier: Apache-2.0
// The open sessions of the process: a cap on them, their expiry, their sudden death. Thread-safe.
#pragma once

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <threads.h>

struct fault_call;
struct fault_module;

struct fault_session {
    CK_SESSION_HANDLE handle;
    CK_SLOT_ID slot;         // as the wrapped module numbers it
    int64_t used_ms;         // when it was used last
    unsigned busy;           // calls that are in it
    CK_OBJECT_HANDLE again;  // what C_FindObjects is to return next; 0: nothing
};

struct fault_sessions {
    mtx_t lock;
    struct fault_session *session;
    size_t n, room;
};

bool fault_sessions_init(struct fault_sessions *sessions);
// Marks the call's session as used from here to fault_sessions_leave. CKR_SESSION_HANDLE_INVALID: it has expired.
CK_RV fault_sessions_enter(struct fault_call *call);
void fault_sessions_leave(struct fault_call *call);
// Closes all of them, which costs the login too; with `logout` alone they stay. The gate is taken.
void fault_sessions_kill(struct fault_module *module);
void fault_sessions_logout(struct fault_module *module);

// The functions themselves.
CK_RV fault_sessions_open(struct fault_call *call, CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *ret_session);
CK_RV fault_sessions_close(struct fault_call *call, CK_SESSION_HANDLE session);
CK_RV fault_sessions_close_all(struct fault_call *call, CK_SLOT_ID slot);
CK_RV fault_sessions_finalize(struct fault_call *call, void *reserved);
// What C_FindObjects keeps between two calls.
CK_OBJECT_HANDLE fault_sessions_swap_again(struct fault_call *call, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE again);
