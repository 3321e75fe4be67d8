// SPDX-License-Identifier: Apache-2.0
// Signing, and HMAC, which tokens do in the same way: THE table of ways to do each algorithm, the choice among them,
// and the operation.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"
#include "token/cache.h"
#include "token/mechanism.h"

struct ha_p11;
struct ha_session;
struct ha_sign_way;

// The way for each algorithm; NULL: the token can't.
struct ha_sign_ways {
    const struct ha_sign_way *way[HA_ALG_COUNT];
};

void ha_sign_choose(const struct ha_mechanisms *mechanisms, struct ha_sign_ways *ret_ways);
// What the daemon is told.
enum ha_way ha_sign_way(const struct ha_sign_ways *ways, enum ha_alg alg);
// Appends the signature or the code over the question's input; ECDSA as r||s. What can be hashed here is: data for a
// way that takes a digest. HA_E_KEY_CANNOT, HA_E_MALFORMED (digest of the wrong size), HA_E_TOKEN_*.
enum ha_code ha_sign(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                     const struct ha_packet *question, struct ha_buf *out, struct ha_err *err);
