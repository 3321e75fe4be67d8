// SPDX-License-Identifier: Apache-2.0
// What a test and the fault module share: a mapped file. Its path, and the real module's, are in the environment.
#pragma once

#include <stdbool.h>

#define FAULT_ENVIRONMENT "HA_TEST_FAULTS"
#define FAULT_MODULE      "HA_TEST_MODULE"

enum fault_call {
    FAULT_INITIALIZE,
    FAULT_GET_SLOT_LIST,
    FAULT_OPEN_SESSION,
    FAULT_LOGIN,
    FAULT_LOGIN_CONTEXT,  // C_Login for one operation
    FAULT_FIND_INIT,
    FAULT_SIGN_INIT,
    FAULT_SIGN,
    FAULT_DECRYPT_INIT,
    FAULT_DECRYPT,
    FAULT_DERIVE,
    FAULT_GENERATE,
    FAULT_COUNT
};

struct fault_shared {
    struct {
        unsigned long rv;  // what the next `count` calls return, without reaching the token
        int count;
        int calls;  // calls so far
    } call[FAULT_COUNT];
    int session_cap;            // 0: none
    int sessions;               // open now
    unsigned long token_flags;  // added to CK_TOKEN_INFO.flags
    unsigned long hidden[16];   // mechanisms that the token doesn't have, as far as anybody can see
    int n_hidden;
    int drop_sessions;     // before the next C_SignInit all sessions are closed, as if the device had restarted
    int log_out;           // before the next C_SignInit the login is lost
    bool der_points_only;  // C_DeriveKey refuses raw points
    bool weak_keys;        // CKA_NEVER_EXTRACTABLE is false in new keys
    char module_args[64];  // what C_Initialize got as a string; SoftHSM, which takes none, doesn't get it
};
