// SPDX-License-Identifier: Apache-2.0
// What rules do: before the wrapped module is called, and to its answer.
#pragma once

#include "call.h"

// Before the call. May never return. CKR_OK: the call goes on.
CK_RV fault_act_before(struct fault_call *call, const struct fault_rule *rule);
// After it, on the answer; number is which call of the rule's it is. Returns the new answer.
CK_RV fault_act_after(struct fault_call *call, const struct fault_rule *rule, uint64_t number, CK_RV rv);
