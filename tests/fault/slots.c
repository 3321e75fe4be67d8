// SPDX-License-Identifier: Apache-2.0
#include "slots.h"

#include "login.h"
#include "module.h"

#include <string.h>

#define SLOTS_MAX 64

// How much higher the caller's numbers are.
static CK_SLOT_ID shift(const struct fault_call *call)
{
    if (fault_call_trait(call, FAULT_SLOTS_SHIFT))
        return fault_call_value(call, FAULT_SLOTS_SHIFT);
    return fault_call_trait(call, FAULT_SLOTS_MOVE) ? fault_call_value(call, FAULT_SLOTS_MOVE) : 0;
}

// Whether the wrapped module has that slot. Asked of its list: a question about a slot that isn't there makes SoftHSM
// throw and catch a C++ exception, which ends a program of C that has a sanitizer linked in.
static bool is_real(const struct fault_call *call, CK_SLOT_ID slot)
{
    CK_SLOT_ID all[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    if (call->module->real->C_GetSlotList(CK_FALSE, all, &n) != CKR_OK)
        return false;
    while (n > 0 && all[n - 1] != slot)
        n--;
    return n > 0;
}

CK_RV fault_slots_inward(struct fault_call *call, CK_SLOT_ID *slot)
{
    CK_SLOT_ID by = shift(call);
    if (by == 0 || is_real(call, *slot - by))
        *slot -= by;
    else if (!is_real(call, *slot) || !fault_call_trait(call, FAULT_SLOTS_MOVE))
        return CKR_SLOT_ID_INVALID;
    else if (call->function != FAULT_C_GetSlotInfo)
        return CKR_TOKEN_NOT_PRESENT;
    else
        call->vacated = true;
    bool token = call->function != FAULT_C_GetSlotInfo && call->function != FAULT_C_CloseAllSessions;
    return token && fault_call_trait(call, FAULT_ABSENT) ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
}

CK_RV fault_slots_list(struct fault_call *call, CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
    CK_SLOT_ID all[2 * SLOTS_MAX];
    CK_ULONG here = SLOTS_MAX;
    CK_RV rv = call->module->real->C_GetSlotList(present, all, &here);
    if (rv != CKR_OK)
        return rv;
    if (present && fault_call_trait(call, FAULT_ABSENT))
        here = 0;
    CK_ULONG total = here;
    for (CK_ULONG i = 0; i < here; i++) {
        // The slots that the tokens have left.
        if (!present && fault_call_trait(call, FAULT_SLOTS_MOVE))
            all[total++] = all[i];
        all[i] += shift(call);
    }
    CK_ULONG room = *n;
    *n = total;
    if (!slots)
        return CKR_OK;
    if (room < total)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(slots, all, total * sizeof(*slots));
    return CKR_OK;
}

CK_RV fault_slots_info(struct fault_call *call, CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    CK_RV rv = call->module->real->C_GetSlotInfo(slot, info);
    if (rv == CKR_OK && (call->vacated || fault_call_trait(call, FAULT_ABSENT)))
        info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
    return rv;
}

CK_RV fault_slots_token_info(struct fault_call *call, CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = call->module->real->C_GetTokenInfo(slot, info);
    if (rv != CKR_OK)
        return rv;
    info->flags = fault_login_flags(call, info->flags);
    if (fault_call_trait(call, FAULT_MAX_SESSIONS))
        info->ulMaxSessionCount = fault_call_value(call, FAULT_MAX_SESSIONS);
    return rv;
}

CK_RV fault_slots_session_info(struct fault_call *call, CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    CK_RV rv = call->module->real->C_GetSessionInfo(session, info);
    if (rv == CKR_OK)
        info->slotID += shift(call);
    return rv;
}

CK_RV fault_slots_event(struct fault_call *call, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    CK_RV rv = call->module->real->C_WaitForSlotEvent(flags, slot, reserved);
    if (rv == CKR_OK)
        *slot += shift(call);
    return rv;
}
