// SPDX-License-Identifier: Apache-2.0
#include "sessions.h"

#include "call.h"
#include "module.h"

#include "base/clock.h"

#include <stdlib.h>

bool fault_sessions_init(struct fault_sessions *sessions)
{
    return mtx_init(&sessions->lock, mtx_plain) == thrd_success;
}

static struct fault_session *find(struct fault_sessions *sessions, CK_SESSION_HANDLE handle)
{
    for (size_t i = 0; i < sessions->n; i++) {
        if (sessions->session[i].handle == handle)
            return &sessions->session[i];
    }
    return NULL;
}

static void publish(struct fault_module *module)
{
    atomic_store(&module->watch.shared->sessions, module->sessions.n);
}

static void forget(struct fault_module *module, struct fault_session *session)
{
    *session = module->sessions.session[--module->sessions.n];
    publish(module);
}

static bool remember(struct fault_module *module, CK_SESSION_HANDLE handle, CK_SLOT_ID slot)
{
    struct fault_sessions *sessions = &module->sessions;
    if (sessions->n == sessions->room) {
        size_t room = sessions->room ? 2 * sessions->room : 16;
        struct fault_session *larger = reallocarray(sessions->session, room, sizeof(*larger));
        if (!larger)
            return false;
        sessions->session = larger;
        sessions->room = room;
    }
    sessions->session[sessions->n++] = (struct fault_session){.handle = handle, .slot = slot, .used_ms = ha_now_ms()};
    publish(module);
    return true;
}

static void expire(struct fault_call *call, uint64_t idle_ms)
{
    struct fault_sessions *sessions = &call->module->sessions;
    int64_t now = ha_now_ms();
    for (size_t i = sessions->n; i > 0; i--) {
        struct fault_session *session = &sessions->session[i - 1];
        if (session->busy > 0 || (uint64_t)(now - session->used_ms) <= idle_ms)
            continue;
        call->module->real->C_CloseSession(session->handle);
        forget(call->module, session);
    }
}

CK_RV fault_sessions_enter(struct fault_call *call)
{
    CK_RV rv = CKR_OK;
    struct fault_sessions *sessions = &call->module->sessions;
    mtx_lock(&sessions->lock);
    if (fault_call_trait(call, FAULT_SESSION_IDLE))
        expire(call, fault_call_value(call, FAULT_SESSION_IDLE));
    struct fault_session *session = call->session ? find(sessions, *call->session) : NULL;
    if (session)
        session->busy++;
    else if (call->session)
        rv = CKR_SESSION_HANDLE_INVALID;
    mtx_unlock(&sessions->lock);
    return rv;
}

void fault_sessions_leave(struct fault_call *call)
{
    struct fault_sessions *sessions = &call->module->sessions;
    mtx_lock(&sessions->lock);
    struct fault_session *session = call->session ? find(sessions, *call->session) : NULL;
    // The handle may be another session's by now, after C_Finalize and C_Initialize.
    if (session && session->busy > 0) {
        session->busy--;
        session->used_ms = ha_now_ms();
    }
    mtx_unlock(&sessions->lock);
}

void fault_sessions_kill(struct fault_module *module)
{
    struct fault_sessions *sessions = &module->sessions;
    pthread_rwlock_wrlock(&module->gate);
    mtx_lock(&sessions->lock);
    for (size_t i = 0; i < sessions->n; i++)
        module->real->C_CloseSession(sessions->session[i].handle);
    sessions->n = 0;
    publish(module);
    mtx_unlock(&sessions->lock);
    pthread_rwlock_unlock(&module->gate);
}

void fault_sessions_logout(struct fault_module *module)
{
    struct fault_sessions *sessions = &module->sessions;
    pthread_rwlock_wrlock(&module->gate);
    mtx_lock(&sessions->lock);
    // A login belongs to a token and a process: any session of it will do.
    for (size_t i = 0; i < sessions->n; i++)
        module->real->C_Logout(sessions->session[i].handle);
    atomic_store(&module->logged_out, true);
    mtx_unlock(&sessions->lock);
    pthread_rwlock_unlock(&module->gate);
}

CK_RV fault_sessions_open(struct fault_call *call, CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *ret_session)
{
    CK_RV rv = CKR_SESSION_COUNT;
    struct fault_module *module = call->module;
    mtx_lock(&module->sessions.lock);
    if (!fault_call_trait(call, FAULT_SESSION_CAP) || module->sessions.n < fault_call_value(call, FAULT_SESSION_CAP)) {
        rv = module->real->C_OpenSession(slot, flags, application, notify, ret_session);
        if (rv == CKR_OK && !remember(module, *ret_session, slot)) {
            module->real->C_CloseSession(*ret_session);
            rv = CKR_HOST_MEMORY;
        }
    }
    mtx_unlock(&module->sessions.lock);
    return rv;
}

CK_RV fault_sessions_close(struct fault_call *call, CK_SESSION_HANDLE handle)
{
    struct fault_module *module = call->module;
    mtx_lock(&module->sessions.lock);
    CK_RV rv = module->real->C_CloseSession(handle);
    struct fault_session *session = find(&module->sessions, handle);
    if (rv == CKR_OK && session)
        forget(module, session);
    mtx_unlock(&module->sessions.lock);
    return rv;
}

CK_RV fault_sessions_close_all(struct fault_call *call, CK_SLOT_ID slot)
{
    struct fault_module *module = call->module;
    mtx_lock(&module->sessions.lock);
    CK_RV rv = module->real->C_CloseAllSessions(slot);
    for (size_t i = module->sessions.n; rv == CKR_OK && i > 0; i--) {
        if (module->sessions.session[i - 1].slot == slot)
            forget(module, &module->sessions.session[i - 1]);
    }
    mtx_unlock(&module->sessions.lock);
    return rv;
}

CK_RV fault_sessions_finalize(struct fault_call *call, void *reserved)
{
    struct fault_module *module = call->module;
    mtx_lock(&module->sessions.lock);
    CK_RV rv = module->real->C_Finalize(reserved);
    if (rv == CKR_OK) {
        module->sessions.n = 0;
        publish(module);
        atomic_store(&module->logged_out, false);
    }
    mtx_unlock(&module->sessions.lock);
    return rv;
}

CK_OBJECT_HANDLE fault_sessions_swap_again(struct fault_call *call, CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE again)
{
    CK_OBJECT_HANDLE before = CK_INVALID_HANDLE;
    struct fault_sessions *sessions = &call->module->sessions;
    mtx_lock(&sessions->lock);
    struct fault_session *session = find(sessions, handle);
    if (session) {
        before = session->again;
        session->again = again;
    }
    mtx_unlock(&sessions->lock);
    return before;
}
