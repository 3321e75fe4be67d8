// SPDX-License-Identifier: Apache-2.0
// The functions of PKCS#11 2.40 by name, and what a rule has to know of each.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FAULT_NEEDS_LOGIN 1  // uses a private or secret key: CKR_USER_NOT_LOGGED_IN after the token forgot the login
#define FAULT_HAS_OUTPUT  2  // writes a buffer with a length: may be garbled and shortened

#define FAULT_FUNCTIONS(X)                                                                                             \
    X(C_Initialize, 0)                                                                                                 \
    X(C_Finalize, 0)                                                                                                   \
    X(C_GetInfo, 0)                                                                                                    \
    X(C_GetSlotList, 0)                                                                                                \
    X(C_GetSlotInfo, 0)                                                                                                \
    X(C_GetTokenInfo, 0)                                                                                               \
    X(C_GetMechanismList, 0)                                                                                           \
    X(C_GetMechanismInfo, 0)                                                                                           \
    X(C_InitToken, 0)                                                                                                  \
    X(C_InitPIN, 0)                                                                                                    \
    X(C_SetPIN, 0)                                                                                                     \
    X(C_OpenSession, 0)                                                                                                \
    X(C_CloseSession, 0)                                                                                               \
    X(C_CloseAllSessions, 0)                                                                                           \
    X(C_GetSessionInfo, 0)                                                                                             \
    X(C_GetOperationState, FAULT_HAS_OUTPUT)                                                                           \
    X(C_SetOperationState, 0)                                                                                          \
    X(C_Login, 0)                                                                                                      \
    X(C_Logout, 0)                                                                                                     \
    X(C_CreateObject, 0)                                                                                               \
    X(C_CopyObject, 0)                                                                                                 \
    X(C_DestroyObject, 0)                                                                                              \
    X(C_GetObjectSize, 0)                                                                                              \
    X(C_GetAttributeValue, 0)                                                                                          \
    X(C_SetAttributeValue, 0)                                                                                          \
    X(C_FindObjectsInit, 0)                                                                                            \
    X(C_FindObjects, 0)                                                                                                \
    X(C_FindObjectsFinal, 0)                                                                                           \
    X(C_EncryptInit, 0)                                                                                                \
    X(C_Encrypt, FAULT_HAS_OUTPUT)                                                                                     \
    X(C_EncryptUpdate, FAULT_HAS_OUTPUT)                                                                               \
    X(C_EncryptFinal, FAULT_HAS_OUTPUT)                                                                                \
    X(C_DecryptInit, FAULT_NEEDS_LOGIN)                                                                                \
    X(C_Decrypt, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                                 \
    X(C_DecryptUpdate, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                           \
    X(C_DecryptFinal, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                            \
    X(C_DigestInit, 0)                                                                                                 \
    X(C_Digest, FAULT_HAS_OUTPUT)                                                                                      \
    X(C_DigestUpdate, 0)                                                                                               \
    X(C_DigestKey, 0)                                                                                                  \
    X(C_DigestFinal, FAULT_HAS_OUTPUT)                                                                                 \
    X(C_SignInit, FAULT_NEEDS_LOGIN)                                                                                   \
    X(C_Sign, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                                    \
    X(C_SignUpdate, FAULT_NEEDS_LOGIN)                                                                                 \
    X(C_SignFinal, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                               \
    X(C_SignRecoverInit, FAULT_NEEDS_LOGIN)                                                                            \
    X(C_SignRecover, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                             \
    X(C_VerifyInit, 0)                                                                                                 \
    X(C_Verify, 0)                                                                                                     \
    X(C_VerifyUpdate, 0)                                                                                               \
    X(C_VerifyFinal, 0)                                                                                                \
    X(C_VerifyRecoverInit, 0)                                                                                          \
    X(C_VerifyRecover, FAULT_HAS_OUTPUT)                                                                               \
    X(C_DigestEncryptUpdate, FAULT_HAS_OUTPUT)                                                                         \
    X(C_DecryptDigestUpdate, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                     \
    X(C_SignEncryptUpdate, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                       \
    X(C_DecryptVerifyUpdate, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                     \
    X(C_GenerateKey, FAULT_NEEDS_LOGIN)                                                                                \
    X(C_GenerateKeyPair, FAULT_NEEDS_LOGIN)                                                                            \
    X(C_WrapKey, FAULT_NEEDS_LOGIN | FAULT_HAS_OUTPUT)                                                                 \
    X(C_UnwrapKey, FAULT_NEEDS_LOGIN)                                                                                  \
    X(C_DeriveKey, FAULT_NEEDS_LOGIN)                                                                                  \
    X(C_SeedRandom, 0)                                                                                                 \
    X(C_GenerateRandom, 0)                                                                                             \
    X(C_GetFunctionStatus, 0)                                                                                          \
    X(C_CancelFunction, 0)                                                                                             \
    X(C_WaitForSlotEvent, 0)

enum fault_function {
#define FAULT_ENUM(name, traits) FAULT_##name,
    FAULT_FUNCTIONS(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_FUNCTION_COUNT
};

// "C_Sign".
const char *fault_function_name(enum fault_function function);
// FAULT_NEEDS_LOGIN, FAULT_HAS_OUTPUT.
unsigned fault_function_traits(enum fault_function function);
