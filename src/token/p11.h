// SPDX-License-Identifier: Apache-2.0
// All that the child knows of its token, as opposed to the ha_token that the daemon has, in one struct that is passed
// around.
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "token/cache.h"
#include "token/decrypt.h"
#include "token/derive.h"
#include "token/ladder.h"
#include "token/options.h"
#include "token/session.h"
#include "token/sign.h"
#include "token/verify.h"
#include "token/wrapping.h"

#include <p11-kit/pkcs11.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <threads.h>

struct ha_p11 {
    // Fixed once the token is up, but for slot and info, which C_Initialize may change: inside the ladder's gate.
    const struct ha_token_options *options;  // borrowed
    struct ha_log log;
    struct ha_secret *prompted;  // the PIN from the terminal; NULL: it is read from its file at each login
    CK_FUNCTION_LIST *p11;       // NULL: not loaded
    bool initialized;            // C_Initialize done
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    struct ha_sign_ways sign;
    enum ha_way can_derive;
    struct ha_wrapping_ways wrapping;

    // Each with its own lock or atomics inside.
    struct ha_session_pool sessions;
    struct ha_cache cache;
    struct ha_known_keys known_keys;
    struct ha_ladder ladder;
    struct ha_decrypt_ways decrypt;
    atomic_int peer_form;    // how ECDH takes the peer's point: enum in derive.c, settled at the first success
    atomic_uint generation;  // counts logins and losses; handles of an older generation are void

    struct ha_wrapper wrapper;  // of the control thread

    atomic_uint faulty;  // signatures that didn't verify, and that the daemon hasn't been told of

    // Searching, generating, listing and destroying exclude each other: not every module survives a mix.
    mtx_t object_lock;

    mtx_t login_lock;  // guards the three that follow
    bool logged_in_once;
    bool pin_refused;          // whatever happens, it isn't tried again
    struct ha_secret *proven;  // the PIN that the token has accepted for a key that wants it for each use; NULL: none
};

// token and options live as long as the process: the workers' threads use them to the end.
void ha_p11_init(struct ha_p11 *token, const struct ha_token_options *options, struct ha_log log);
// Chooses the ways to do each algorithm, by the token's mechanisms.
void ha_p11_choose(struct ha_p11 *token, const struct ha_mechanisms *mechanisms);
// The way that was chosen.
enum ha_way ha_p11_way(const struct ha_p11 *token, enum ha_alg alg);
