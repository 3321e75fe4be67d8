// SPDX-License-Identifier: Apache-2.0
// The wrappers: for each function of PKCS#11 2.40 its arguments, and which of them the rules may want.
#include "call.h"
#include "login.h"
#include "module.h"
#include "objects.h"
#include "slots.h"

// A wrapper that calls `expression` between fault_call_enter and fault_call_leave; then members of struct fault_call.
#define WRAP(name, parameters, expression, ...)                                                                        \
    static CK_RV wrap_##name parameters                                                                                \
    {                                                                                                                  \
        struct fault_call call = {.function = FAULT_##name, __VA_ARGS__};                                              \
        CK_RV rv = fault_call_enter(&call);                                                                            \
        if (rv == CKR_OK)                                                                                              \
            rv = expression;                                                                                           \
        return fault_call_leave(&call, rv);                                                                            \
    }
// One that calls the wrapped module's function.
#define PASS(name, parameters, arguments, ...) WRAP(name, parameters, call.module->real->name arguments, __VA_ARGS__)

// clang-format off
PASS(C_Initialize, (void *args), (args))
WRAP(C_Finalize, (void *reserved), fault_sessions_finalize(&call, reserved))
PASS(C_GetInfo, (CK_INFO *info), (info))
WRAP(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n), fault_slots_list(&call, present, slots, n))
WRAP(C_GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO *info), fault_slots_info(&call, slot, info), .slot = &slot)
WRAP(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), fault_slots_token_info(&call, slot, info), .slot = &slot)
PASS(C_GetMechanismList, (CK_SLOT_ID slot, CK_MECHANISM_TYPE *types, CK_ULONG *n), (slot, types, n), .slot = &slot)
PASS(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info), (slot, type, info),
     .slot = &slot)
PASS(C_InitToken, (CK_SLOT_ID slot, CK_BYTE *pin, CK_ULONG n, CK_BYTE *label), (slot, pin, n, label), .slot = &slot)
PASS(C_InitPIN, (CK_SESSION_HANDLE session, CK_BYTE *pin, CK_ULONG n), (session, pin, n), .session = &session)
PASS(C_SetPIN, (CK_SESSION_HANDLE session, CK_BYTE *old, CK_ULONG n_old, CK_BYTE *new, CK_ULONG n_new), (session,
     old, n_old, new, n_new), .session = &session)
WRAP(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE
     *session), fault_sessions_open(&call, slot, flags, application, notify, session), .slot = &slot)
WRAP(C_CloseSession, (CK_SESSION_HANDLE session), fault_sessions_close(&call, session), .session = &session)
WRAP(C_CloseAllSessions, (CK_SLOT_ID slot), fault_sessions_close_all(&call, slot), .slot = &slot)
WRAP(C_GetSessionInfo, (CK_SESSION_HANDLE session, CK_SESSION_INFO *info), fault_slots_session_info(&call, session,
     info), .session = &session)
PASS(C_GetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *n_out), (session, out, n_out),
     .session = &session, .output = out, .output_len = n_out)
PASS(C_SetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG n, CK_OBJECT_HANDLE object,
     CK_OBJECT_HANDLE other), (session, state, n, object, other), .session = &session, .object = {&object, &other})
WRAP(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG n), fault_login(&call, session,
     user, pin, n), .session = &session, .pinned = true, .pin = pin, .pin_len = n)
PASS(C_Logout, (CK_SESSION_HANDLE session), (session), .session = &session)
PASS(C_CreateObject, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *ret),
     (session, template, n, ret), .session = &session)
PASS(C_CopyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG n,
     CK_OBJECT_HANDLE *ret), (session, object, template, n, ret), .session = &session, .object = {&object})
PASS(C_DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), (session, object), .session = &session,
     .object = {&object})
PASS(C_GetObjectSize, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size), (session, object, size),
     .session = &session, .object = {&object})
PASS(C_GetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG n),
     (session, object, template, n), .session = &session, .object = {&object})
PASS(C_SetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG n),
     (session, object, template, n), .session = &session, .object = {&object})
WRAP(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n),
     fault_objects_find_init(&call, session, template, n), .session = &session)
WRAP(C_FindObjects, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *n),
     fault_objects_find(&call, session, objects, max, n), .session = &session)
PASS(C_FindObjectsFinal, (CK_SESSION_HANDLE session), (session), .session = &session)
PASS(C_EncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object), (session,
     mechanism, object), .session = &session, .object = {&object})
PASS(C_Encrypt, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session, in,
     n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_EncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session,
     in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_EncryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *n_out), (session, out, n_out), .session =
     &session, .output = out, .output_len = n_out)
PASS(C_DecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object), (session,
     mechanism, object), .session = &session, .object = {&object})
PASS(C_Decrypt, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session, in,
     n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_DecryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session,
     in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_DecryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *n_out), (session, out, n_out), .session =
     &session, .output = out, .output_len = n_out)
PASS(C_DigestInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism), (session, mechanism), .session = &session)
PASS(C_Digest, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session, in, n,
     out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_DigestUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n), (session, in, n), .session = &session)
PASS(C_DigestKey, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), (session, object), .session = &session,
     .object = {&object})
PASS(C_DigestFinal, (CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *n_out), (session, out, n_out), .session =
     &session, .output = out, .output_len = n_out)
PASS(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object), (session, mechanism,
     object), .session = &session, .object = {&object})
PASS(C_Sign, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session, in, n,
     out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_SignUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n), (session, in, n), .session = &session)
PASS(C_SignFinal, (CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *n_out), (session, out, n_out), .session =
     &session, .output = out, .output_len = n_out)
PASS(C_SignRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object), (session,
     mechanism, object), .session = &session, .object = {&object})
PASS(C_SignRecover, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session,
     in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_VerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object), (session,
     mechanism, object), .session = &session, .object = {&object})
PASS(C_Verify, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *signature, CK_ULONG n_signature),
     (session, in, n, signature, n_signature), .session = &session)
PASS(C_VerifyUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n), (session, in, n), .session = &session)
PASS(C_VerifyFinal, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG n), (session, signature, n), .session =
     &session)
PASS(C_VerifyRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object), (session,
     mechanism, object), .session = &session, .object = {&object})
PASS(C_VerifyRecover, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out), (session,
     in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_DigestEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out),
     (session, in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_DecryptDigestUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out),
     (session, in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_SignEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out),
     (session, in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_DecryptVerifyUpdate, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *n_out),
     (session, in, n, out, n_out), .session = &session, .output = out, .output_len = n_out)
PASS(C_GenerateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG n,
     CK_OBJECT_HANDLE *ret), (session, mechanism, template, n, ret), .session = &session)
PASS(C_GenerateKeyPair, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG n,
     CK_ATTRIBUTE *private, CK_ULONG n_private, CK_OBJECT_HANDLE *ret, CK_OBJECT_HANDLE *ret_private), (session,
     mechanism, template, n, private, n_private, ret, ret_private), .session = &session)
PASS(C_WrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object, CK_OBJECT_HANDLE
     other, CK_BYTE *out, CK_ULONG *n_out), (session, mechanism, object, other, out, n_out), .session = &session, .object
     = {&object, &other}, .output = out, .output_len = n_out)
PASS(C_UnwrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object, CK_BYTE *in,
     CK_ULONG n_in, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *ret), (session, mechanism, object, in, n_in,
     template, n, ret), .session = &session, .object = {&object})
PASS(C_DeriveKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object, CK_ATTRIBUTE
     *template, CK_ULONG n, CK_OBJECT_HANDLE *ret), (session, mechanism, object, template, n, ret), .session = &session,
     .object = {&object})
PASS(C_SeedRandom, (CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n), (session, in, n), .session = &session)
PASS(C_GenerateRandom, (CK_SESSION_HANDLE session, CK_BYTE *random, CK_ULONG n), (session, random, n), .session =
     &session)
PASS(C_GetFunctionStatus, (CK_SESSION_HANDLE session), (session), .session = &session)
PASS(C_CancelFunction, (CK_SESSION_HANDLE session), (session), .session = &session)
WRAP(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved), fault_slots_event(&call, flags, slot,
     reserved))
// clang-format on

static CK_RV get_function_list(CK_FUNCTION_LIST **list)
{
    *list = fault_wrappers();
    return CKR_OK;
}

CK_FUNCTION_LIST *fault_wrappers(void)
{
    static CK_FUNCTION_LIST wrappers = {.version = {2, 40},
                                        .C_GetFunctionList = get_function_list,
#define FAULT_WRAPPER(name, traits) .name = wrap_##name,
                                        FAULT_FUNCTIONS(FAULT_WRAPPER)
#undef FAULT_WRAPPER
    };
    return &wrappers;
}
