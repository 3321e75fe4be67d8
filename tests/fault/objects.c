// SPDX-License-Identifier: Apache-2.0
#include "objects.h"

#include "module.h"

// Set in the handle of a twin; no module counts so far.
#define TWIN ((CK_OBJECT_HANDLE)1 << (8 * sizeof(CK_OBJECT_HANDLE) - 2))

void fault_objects_inward(struct fault_call *call)
{
    for (size_t i = 0; i < 2 && call->object[i]; i++)
        *call->object[i] &= ~TWIN;
}

CK_RV fault_objects_find_init(struct fault_call *call, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n)
{
    fault_sessions_swap_again(call, session, CK_INVALID_HANDLE);
    return call->module->real->C_FindObjectsInit(session, template, n);
}

// The next handle; CK_INVALID_HANDLE after the last one.
static CK_RV next(struct fault_call *call, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret_object)
{
    CK_ULONG n = 0;
    CK_OBJECT_HANDLE again = fault_sessions_swap_again(call, session, CK_INVALID_HANDLE);
    *ret_object = again;
    if (again != CK_INVALID_HANDLE)
        return CKR_OK;
    CK_RV rv = call->module->real->C_FindObjects(session, ret_object, 1, &n);
    if (rv != CKR_OK || n == 0) {
        *ret_object = CK_INVALID_HANDLE;
        return rv;
    }
    if (fault_call_trait(call, FAULT_OBJECTS_TWINS))
        fault_sessions_swap_again(call, session, *ret_object | TWIN);
    else if (fault_call_trait(call, FAULT_OBJECTS_TWICE))
        fault_sessions_swap_again(call, session, *ret_object);
    return CKR_OK;
}

CK_RV fault_objects_find(struct fault_call *call, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret_objects,
                         CK_ULONG max, CK_ULONG *ret_n)
{
    CK_RV rv = CKR_OK;
    CK_ULONG n = 0;
    bool hidden = fault_call_trait(call, FAULT_OBJECTS_HIDDEN);
    while (rv == CKR_OK && n < max && !hidden) {
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        rv = next(call, session, &object);
        if (rv != CKR_OK || object == CK_INVALID_HANDLE)
            break;
        ret_objects[n++] = object;
    }
    *ret_n = n;
    return rv;
}
