// SPDX-License-Identifier: Apache-2.0
#include "token/session.h"

#include "base/clock.h"
#include "token/ckr.h"
#include "token/login.h"
#include "token/p11.h"

#define SURPLUS_MS 5000  // before a token that had no room for a session is asked again: others may have gone

void ha_session_pool_init(struct ha_session_pool *pool)
{
    mtx_init(&pool->lock, mtx_plain);
    cnd_init(&pool->returned);
}

static bool is_held(const struct ha_p11 *token, const struct ha_session *session)
{
    return session == &token->sessions.slot[0];
}

static void close_session(struct ha_p11 *token, struct ha_session *session)
{
    // What the token says to that doesn't matter: the session may be dead already.
    if (session->open)
        token->p11->C_CloseSession(session->handle);
    session->open = false;
    session->poisoned = false;
}

// Opens the session unless it is open, and sees to the login.
static enum ha_code open_session(struct ha_p11 *token, struct ha_session *session, struct ha_err *err)
{
    if (session->open)
        return HA_OK;
    bool write = is_held(token, session) && !(token->info.flags & CKF_WRITE_PROTECTED);
    CK_SESSION_HANDLE handle = 0;
    CK_RV rv =
        token->p11->C_OpenSession(token->slot, CKF_SERIAL_SESSION | (write ? CKF_RW_SESSION : 0), NULL, NULL, &handle);
    if (rv != CKR_OK)
        return ha_ckr_fail(err, "C_OpenSession", rv);
    session->handle = handle;
    session->open = true;
    session->poisoned = false;
    enum ha_code code = ha_login_ensure(token, handle, err);
    if (code)
        close_session(token, session);
    return code;
}

enum ha_code ha_session_open_all(struct ha_p11 *token, size_t n_workers, size_t *ret_opened, struct ha_err *err)
{
    struct ha_session_pool *pool = &token->sessions;
    size_t opened = 0;
    pool->n = 1 + n_workers;
    if (open_session(token, &pool->slot[0], err))
        return err->code;
    bool room = true;
    for (size_t i = 1; i < pool->n; i++) {
        struct ha_err failure = {0};
        if (room && open_session(token, &pool->slot[i], &failure) == HA_OK) {
            opened++;
            continue;
        }
        if (failure.code == HA_E_PIN) {
            *err = failure;
            return err->code;
        }
        if (room && failure.rv != CKR_SESSION_COUNT)
            continue;  // it is opened when it is needed
        room = false;
        pool->slot[i].surplus_until_ms = ha_now_ms() + SURPLUS_MS;
    }
    *ret_opened = opened;
    return HA_OK;
}

void ha_session_forget_all(struct ha_p11 *token)
{
    for (size_t i = 0; i < HA_ARRAY_SIZE(token->sessions.slot); i++)
        token->sessions.slot[i] = (struct ha_session){0};
}

// What a worker may take now; NULL: wait. Called with the lock.
static struct ha_session *pick(struct ha_session_pool *pool, size_t index)
{
    struct ha_session *own = &pool->slot[1 + index];
    int64_t now = own->surplus_until_ms ? ha_now_ms() : 0;
    if (own->surplus_until_ms <= now && !own->lent)
        return own;
    bool any = false;
    for (size_t i = 1; i < pool->n; i++) {
        struct ha_session *session = &pool->slot[i];
        if (!session->surplus_until_ms && !session->lent)
            return session;
        any = any || !session->surplus_until_ms;
    }
    return any || pool->slot[0].lent ? NULL : &pool->slot[0];
}

static struct ha_session *wait_for_one(struct ha_session_pool *pool, size_t index)
{
    struct ha_session *session;
    mtx_lock(&pool->lock);
    while (!(session = pick(pool, index)))
        cnd_wait(&pool->returned, &pool->lock);
    session->lent = true;
    mtx_unlock(&pool->lock);
    return session;
}

static void give_back(struct ha_session_pool *pool, struct ha_session *session, bool surplus)
{
    mtx_lock(&pool->lock);
    session->lent = false;
    session->surplus_until_ms = surplus ? ha_now_ms() + SURPLUS_MS : 0;
    cnd_broadcast(&pool->returned);
    mtx_unlock(&pool->lock);
}

enum ha_code ha_session_open_held(struct ha_p11 *token, struct ha_err *err)
{
    return open_session(token, &token->sessions.slot[0], err);
}

enum ha_code ha_session_take(struct ha_p11 *token, size_t index, struct ha_session **ret_session, struct ha_err *err)
{
    // Ends: each turn that doesn't return makes one more session surplus, and the held one never is.
    for (;;) {
        struct ha_session *session = wait_for_one(&token->sessions, index);
        struct ha_err failure = {0};
        if (open_session(token, session, &failure) == HA_OK) {
            *ret_session = session;
            return HA_OK;
        }
        bool no_room = failure.rv == CKR_SESSION_COUNT && !is_held(token, session);
        give_back(&token->sessions, session, no_room);
        if (!no_room) {
            *err = failure;
            return err->code;
        }
    }
}

enum ha_code ha_session_take_held(struct ha_p11 *token, struct ha_session **ret_session, struct ha_err *err)
{
    struct ha_session_pool *pool = &token->sessions;
    struct ha_session *held = &pool->slot[0];
    mtx_lock(&pool->lock);
    while (held->lent)
        cnd_wait(&pool->returned, &pool->lock);
    held->lent = true;
    mtx_unlock(&pool->lock);
    enum ha_code code = open_session(token, held, err);
    if (code) {
        give_back(pool, held, false);
        return code;
    }
    *ret_session = held;
    return HA_OK;
}

void ha_session_return(struct ha_p11 *token, struct ha_session *session)
{
    if (session->poisoned)
        close_session(token, session);
    give_back(&token->sessions, session, false);
}

void ha_session_revive_held(struct ha_p11 *token)
{
    struct ha_session_pool *pool = &token->sessions;
    struct ha_session *held = &pool->slot[0];
    mtx_lock(&pool->lock);
    bool idle = !held->lent;
    held->lent = true;
    mtx_unlock(&pool->lock);
    if (!idle)
        return;
    CK_SESSION_INFO info;
    struct ha_err ignored = {0};
    if (held->open && token->p11->C_GetSessionInfo(held->handle, &info) != CKR_OK)
        close_session(token, held);
    // If that fails, the next one who needs it tries again, and reports.
    open_session(token, held, &ignored);
    give_back(pool, held, false);
}

enum ha_code ha_session_renew(struct ha_p11 *token, struct ha_session *session, struct ha_err *err)
{
    close_session(token, session);
    enum ha_code code = open_session(token, session, err);
    if (code == HA_OK && !is_held(token, session))
        ha_session_revive_held(token);
    return code;
}
