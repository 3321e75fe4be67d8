// SPDX-License-Identifier: Apache-2.0
// Each C_Login, counted for its PIN; and a token that locks.
#pragma once

#include "call.h"

// Counts a call that brings a PIN, before anything can happen to it, and what the caller heard.
void fault_login_asked(const struct fault_call *call);
void fault_login_answered(const struct fault_call *call, CK_RV rv);
// The flags of C_GetTokenInfo.
CK_FLAGS fault_login_flags(const struct fault_call *call, CK_FLAGS flags);

// The function itself.
CK_RV fault_login(struct fault_call *call, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG n);
