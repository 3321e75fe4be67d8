// SPDX-License-Identifier: Apache-2.0
// One call of a PKCS#11 function on its way to the wrapped module and back: what every wrapper does around it.
#pragma once

#include "functions.h"
#include "watch.h"

#include <p11-kit/pkcs11.h>

#define FAULT_CALL_RULES 8

struct fault_module;

struct fault_call {
    enum fault_function function;
    // Pointers to the caller's arguments, which are translated on the way; NULL: the function has no such argument.
    CK_SLOT_ID *slot;
    CK_SESSION_HANDLE *session;
    CK_OBJECT_HANDLE *object[2];
    CK_BYTE *output;
    CK_ULONG *output_len;
    const CK_BYTE *pin;
    CK_ULONG pin_len;
    bool pinned;  // pin and pin_len mean something
    // Filled in by fault_call_enter.
    struct fault_module *module;
    struct fault_set *set;
    CK_ULONG room;                                     // *output_len as the caller gave it
    const struct fault_rule *later[FAULT_CALL_RULES];  // what happens to the answer
    uint64_t number[FAULT_CALL_RULES];                 // and which call of the rule's this is
    size_t n_later;
    bool vacated;  // the slot is one that its token has left
    bool inside;   // the session is marked as used, and the gate is held
};

// Obeys the rules. CKR_OK: the wrapped module is to be called. Else what the caller is to hear.
CK_RV fault_call_enter(struct fault_call *call);
// Always after it, with the answer; returns the one that the caller hears.
CK_RV fault_call_leave(struct fault_call *call, CK_RV rv);

static inline bool fault_call_trait(const struct fault_call *call, enum fault_trait trait)
{
    return call->set->rules.trait[trait].on && fault_set_lasts(call->set, call->set->rules.trait[trait].for_ms);
}

static inline unsigned long fault_call_value(const struct fault_call *call, enum fault_trait trait)
{
    return call->set->rules.trait[trait].value;
}
