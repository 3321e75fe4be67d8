// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include "act.h"
#include "decide.h"
#include "login.h"
#include "module.h"
#include "objects.h"
#include "slots.h"

static bool happens_later(enum fault_action action)
{
    switch (action) {
    case FAULT_LATE:
    case FAULT_GARBAGE:
    case FAULT_FLIP:
    case FAULT_SHORTEN:
    case FAULT_TOO_SMALL:
    case FAULT_SIGNALS:
        return true;
    case FAULT_ERROR:
    case FAULT_HANG:
    case FAULT_CRASH:
    case FAULT_DELAY:
    case FAULT_HOLD:
    case FAULT_KILL_SESSIONS:
    case FAULT_LOGOUT:
    case FAULT_ACTION_COUNT:
        break;
    }
    return false;
}

// Whether the rule is for a call like this: what is done to an output needs one.
static bool concerns(const struct fault_rule *rule, const struct fault_call *call)
{
    bool for_any_call = !happens_later(rule->action) || rule->action == FAULT_LATE || rule->action == FAULT_SIGNALS;
    return rule->on[call->function] && (for_any_call || (call->output && call->output_len));
}

static CK_RV obey(struct fault_call *call)
{
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && i < call->set->rules.n; i++) {
        uint64_t number = 0;
        const struct fault_rule *rule = &call->set->rules.rule[i];
        if (!concerns(rule, call) || !fault_decide(call->set, i, &number))
            continue;
        if (!happens_later(rule->action)) {
            rv = fault_act_before(call, rule);
        } else if (call->n_later < FAULT_CALL_RULES) {
            call->number[call->n_later] = number;
            call->later[call->n_later++] = rule;
        }
    }
    return rv;
}

// What the token's traits say about a call.
static CK_RV admit(struct fault_call *call)
{
    CK_RV rv = call->slot ? fault_slots_inward(call, call->slot) : CKR_OK;
    if (rv == CKR_OK && call->session && fault_call_trait(call, FAULT_ABSENT)) {
        fault_sessions_kill(call->module);
        rv = CKR_DEVICE_REMOVED;
    }
    if (rv == CKR_OK)
        rv = fault_sessions_enter(call);
    if (rv != CKR_OK)
        return rv;
    pthread_rwlock_rdlock(&call->module->gate);
    call->inside = true;
    if (atomic_load(&call->module->logged_out) && (fault_function_traits(call->function) & FAULT_NEEDS_LOGIN))
        return CKR_USER_NOT_LOGGED_IN;
    fault_objects_inward(call);
    return CKR_OK;
}

CK_RV fault_call_enter(struct fault_call *call)
{
    call->module = fault_module();
    call->set = fault_watch_get(&call->module->watch);
    call->room = call->output_len ? *call->output_len : 0;
    atomic_fetch_add(&call->module->watch.shared->calls[call->function], 1);
    fault_login_asked(call);
    CK_RV rv = obey(call);
    return rv == CKR_OK ? admit(call) : rv;
}

CK_RV fault_call_leave(struct fault_call *call, CK_RV rv)
{
    if (call->inside) {
        pthread_rwlock_unlock(&call->module->gate);
        fault_sessions_leave(call);
    }
    for (size_t i = 0; i < call->n_later; i++)
        rv = fault_act_after(call, call->later[i], call->number[i], rv);
    fault_login_answered(call, rv);
    return rv;
}
