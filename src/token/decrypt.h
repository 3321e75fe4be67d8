// SPDX-License-Identifier: Apache-2.0
// Decryption with RSA: by the token where it can, else raw RSA there and OAEP decoding here, if the operator allows it.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"
#include "token/cache.h"
#include "token/mechanism.h"

#include <stdatomic.h>

struct ha_p11;
struct ha_session;

// How each algorithm is done, [1] with a label and [0] without: enum in decrypt.c. A list of mechanisms doesn't tell
// which hashes a token takes with OAEP, so the first use settles it.
struct ha_decrypt_ways {
    bool raw;  // CKM_RSA_X_509 decrypts
    atomic_int way[HA_ALG_COUNT][2];
};

void ha_decrypt_choose(const struct ha_mechanisms *mechanisms, bool software_oaep, struct ha_decrypt_ways *ret_ways);
// What the daemon is told; HA_WAY_DATA also where it isn't settled yet.
enum ha_way ha_decrypt_way(const struct ha_decrypt_ways *ways, enum ha_alg alg);
// Appends the plaintext of part 2 (part 3: OAEP label). Whatever depends on the ciphertext fails in one way only: the
// same HA_E_DECRYPTION, without the token's return value.
enum ha_code ha_decrypt(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                        const struct ha_packet *question, struct ha_buf *out, struct ha_err *err);
