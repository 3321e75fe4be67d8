// SPDX-License-Identifier: Apache-2.0
// Being logged in: asked of the token, not remembered, because logins get lost.
#pragma once

#include "base/err.h"

#include <p11-kit/pkcs11.h>

struct ha_p11;

// Logs in as the user unless the session's state says that this process is, or the token needs no login. One thread at
// a time logs in; thread-safe. HA_E_PIN: the token refused the PIN, or would lock at one more mistake (so it wasn't
// tried); after a refusal every later call says so again without asking the token.
enum ha_code ha_login_ensure(struct ha_p11 *token, CK_SESSION_HANDLE session, struct ha_err *err);
// Gives the PIN for one operation with a key that wants it for each use: between C_SignInit or C_DecryptInit, on that
// session, and the operation itself, which tells whether the token is content. One thread at a time; thread-safe.
// HA_E_PIN as above.
enum ha_code ha_login_context(struct ha_p11 *token, CK_SESSION_HANDLE session, struct ha_err *err);
