// SPDX-License-Identifier: Apache-2.0
// Slots that are renumbered or empty, and what a token says of itself.
#pragma once

#include "call.h"

// From the number that the caller knows to the wrapped module's. CKR_SLOT_ID_INVALID: there is no such slot;
// CKR_TOKEN_NOT_PRESENT: it is empty, which does for C_GetSlotInfo.
CK_RV fault_slots_inward(struct fault_call *call, CK_SLOT_ID *slot);

// The functions themselves; slots are the wrapped module's.
CK_RV fault_slots_list(struct fault_call *call, CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n);
CK_RV fault_slots_info(struct fault_call *call, CK_SLOT_ID slot, CK_SLOT_INFO *info);
CK_RV fault_slots_token_info(struct fault_call *call, CK_SLOT_ID slot, CK_TOKEN_INFO *info);
CK_RV fault_slots_session_info(struct fault_call *call, CK_SESSION_HANDLE session, CK_SESSION_INFO *info);
CK_RV fault_slots_event(struct fault_call *call, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved);
