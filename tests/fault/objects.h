// SPDX-License-Identifier: Apache-2.0
// Objects that are found twice, have a twin, or aren't found.
#pragma once

#include "call.h"

// A twin's handle becomes the object's own, in all of the call's arguments.
void fault_objects_inward(struct fault_call *call);

// The functions themselves.
CK_RV fault_objects_find_init(struct fault_call *call, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n);
CK_RV fault_objects_find(struct fault_call *call, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret_objects,
                         CK_ULONG max, CK_ULONG *ret_n);
