// SPDX-License-Identifier: Apache-2.0
// Proof that the private key in a token belongs to the public key that is known: it signs a text of ours, decrypts a
// random number or agrees on one, whatever the key is made for. What comes back never leaves the agent.
#pragma once

#include "channel/token.h"
#include "crypto/digest.h"
#include "keys/key.h"

// One replica's proof. key and replica are the caller's; zero the rest, and clear it after.
struct ha_proof {
    struct ha_key *key;
    struct ha_replica *replica;
    enum ha_code code;  // HA_E_CONFLICT: the private key is another one. Others: it couldn't be found out
    struct ha_err err;
    // What is asked, and what shall come back:
    struct ha_exchange exchange;
    uint8_t text[80], digest[HA_DIGEST_MAX];
    struct ha_buf input, expected;
};
void ha_proof_clear(struct ha_proof *proof);
HA_AUTO_DEFINE_CLEAR(struct ha_proof, ha_proof_clear)

// Does n proofs in one token, in that process of it (ha_token_outstanding), which becomes the replicas' run. limit_ms
// shortens the token's deadline-ms when it isn't 0. Each
// replica becomes ready, or unproven with a shun_ms before which it is worth no other try.
void ha_prove(struct ha_token *token, pid_t run, unsigned limit_ms, struct ha_proof *proofs, size_t n);
// The same for one replica, in whatever process its token has now.
enum ha_code ha_prove_now(struct ha_key *key, struct ha_replica *replica, struct ha_err *err);
