// SPDX-License-Identifier: Apache-2.0
#include "login.h"

#include "module.h"

static struct fault_pin *row_of(const struct fault_call *call)
{
    size_t n = call->pin ? call->pin_len : 0;
    return call->pinned ? fault_state_pin(call->module->watch.shared, fault_pin_hash(call->pin, n)) : NULL;
}

void fault_login_asked(const struct fault_call *call)
{
    struct fault_pin *row = row_of(call);
    if (row)
        atomic_fetch_add(&row->asked, 1);
}

void fault_login_answered(const struct fault_call *call, CK_RV rv)
{
    struct fault_pin *row = row_of(call);
    if (!row)
        return;
    if (rv == CKR_OK)
        atomic_fetch_add(&row->ok, 1);
    else if (rv >= CKR_PIN_INCORRECT && rv <= CKR_PIN_LOCKED)
        atomic_fetch_add(&row->refused, 1);
    else
        atomic_fetch_add(&row->other, 1);
}

static CK_FLAGS flags_of_tries(uint64_t wrong, uint64_t tries, CK_FLAGS flags)
{
    flags &= ~(CK_FLAGS)(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
    if (wrong > 0)
        flags |= CKF_USER_PIN_COUNT_LOW;
    if (wrong + 1 == tries)
        flags |= CKF_USER_PIN_FINAL_TRY;
    return wrong >= tries ? flags | CKF_USER_PIN_LOCKED : flags;
}

CK_FLAGS fault_login_flags(const struct fault_call *call, CK_FLAGS flags)
{
    if (fault_call_trait(call, FAULT_PIN_TRIES))
        flags = flags_of_tries(atomic_load(&call->module->watch.shared->wrong_pins),
                               fault_call_value(call, FAULT_PIN_TRIES), flags);
    if (fault_call_trait(call, FAULT_PIN_COUNT_LOW))
        flags |= CKF_USER_PIN_COUNT_LOW;
    if (fault_call_trait(call, FAULT_PIN_FINAL_TRY))
        flags |= CKF_USER_PIN_FINAL_TRY;
    return fault_call_trait(call, FAULT_PIN_LOCKED) ? flags | CKF_USER_PIN_LOCKED : flags;
}

CK_RV fault_login(struct fault_call *call, CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG n)
{
    atomic_uint_least64_t *wrong = &call->module->watch.shared->wrong_pins;
    if (user != CKU_SO && fault_call_trait(call, FAULT_PIN_TRIES) &&
        atomic_load(wrong) >= fault_call_value(call, FAULT_PIN_TRIES))
        return CKR_PIN_LOCKED;
    CK_RV rv = call->module->real->C_Login(session, user, pin, n);
    if (rv == CKR_OK)
        atomic_store(&call->module->logged_out, false);
    if (rv == CKR_OK && user != CKU_SO)
        atomic_store(wrong, 0);
    else if (rv == CKR_PIN_INCORRECT && user != CKU_SO)
        atomic_fetch_add(wrong, 1);
    return rv;
}
