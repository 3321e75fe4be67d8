// SPDX-License-Identifier: Apache-2.0
// The fault module on a private SoftHSM token, in this process. What goes wrong in the rig itself aborts the test
// program with a message.
#pragma once

#include "fault/state.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#define FAULT_RIG_PIN "1234-right"
#define FAULT_RIG_BAD "1234-wrong"

struct fault_rig {
    char dir[64];
    CK_FUNCTION_LIST *p11;        // the fault module's
    struct fault_shared *shared;  // what it counts
    CK_SLOT_ID slot;
};

// A token with one EC key pair, CKA_ID 01. One a process, since the modules stay loaded. C_Initialize was called.
void fault_rig_init(struct fault_rig *rig);
void fault_rig_clear(struct fault_rig *rig);
// Replaces the rules; "" for none.
void fault_rig_rules(struct fault_rig *rig, const char *text);

CK_SESSION_HANDLE fault_rig_session(struct fault_rig *rig);    // must be there
CK_SESSION_HANDLE fault_rig_logged_in(struct fault_rig *rig);  // likewise
CK_RV fault_rig_login(struct fault_rig *rig, CK_SESSION_HANDLE session, const char *pin);
// The private key, which the session must find.
CK_OBJECT_HANDLE fault_rig_key(struct fault_rig *rig, CK_SESSION_HANDLE session);
// C_SignInit and C_Sign; *n is the buffer's size, then the signature's.
CK_RV fault_rig_sign(struct fault_rig *rig, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE *signature,
                     CK_ULONG *n);
// Whether the token's public key verifies it.
bool fault_rig_verifies(struct fault_rig *rig, CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG n);
// Runs act in a child process, which then exits with its result; the exit status, or -signal.
int fault_rig_fork(struct fault_rig *rig, int (*act)(struct fault_rig *rig));
