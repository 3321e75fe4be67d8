// SPDX-License-Identifier: Apache-2.0
// The sessions: one that is held to keep the login, and the workers', which go out on loan.
//
// There are as many workers' sessions as worker channels, unless the token has fewer; then the channels share them, and
// as the last resort the held one. A session is used by the thread that has it on loan and by no other.
#pragma once

#include "base/err.h"
#include "channel/packet.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <threads.h>

struct ha_p11;

struct ha_session {
    CK_SESSION_HANDLE handle;
    bool open;
    bool lent;
    int64_t surplus_until_ms;  // the token had no room for this one, and isn't asked before that; 0: it has
    bool poisoned;             // an operation on it failed: it is closed when it comes back
};

struct ha_session_pool {
    mtx_t lock;  // guards lent and surplus; the rest belongs to who has the session on loan
    cnd_t returned;
    size_t n;  // slots in use; slot[0] is the held session
    struct ha_session slot[1 + HA_PACKET_FDS_MAX];
};

void ha_session_pool_init(struct ha_session_pool *pool);

// Opens the held session (read-write, unless the token is write-protected), logs in, opens up to n_workers sessions.
// One of those that fails is opened when it is needed. *ret_opened: how many of those the token had room for.
enum ha_code ha_session_open_all(struct ha_p11 *token, size_t n_workers, size_t *ret_opened, struct ha_err *err);
// Forgets them all, without a call: for after C_Finalize or C_CloseAllSessions. None is on loan.
void ha_session_forget_all(struct ha_p11 *token);
// Opens the held session anew and logs in. Nobody else uses sessions meanwhile.
enum ha_code ha_session_open_held(struct ha_p11 *token, struct ha_err *err);

// A loan, open and logged in. index (of the worker, from 0) is the one to take if it is free. Waits while all are out.
enum ha_code ha_session_take(struct ha_p11 *token, size_t index, struct ha_session **ret_session, struct ha_err *err);
// The held session, which can write.
enum ha_code ha_session_take_held(struct ha_p11 *token, struct ha_session **ret_session, struct ha_err *err);
void ha_session_return(struct ha_p11 *token, struct ha_session *session);
// Closes a session on loan, opens it anew and logs in if that was lost; brings the held session back too if it is dead.
// On failure the session is closed, and is still to be returned.
enum ha_code ha_session_renew(struct ha_p11 *token, struct ha_session *session, struct ha_err *err);
// Makes sure that the held session lives, unless somebody uses it: with the last session of a process its login goes
// too.
void ha_session_revive_held(struct ha_p11 *token);
