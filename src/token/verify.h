// SPDX-License-Identifier: Apache-2.0
// Signatures are verified before they leave: a fault in the token's arithmetic can give an RSA key away, and a token
// that renumbered its objects signs with another key.
#pragma once

#include "channel/packet.h"
#include "crypto/pubkey.h"

#include <stdbool.h>
#include <threads.h>

struct ha_p11;
struct ha_known_key;

// The public keys that were found on the token, by the SHA-256 of their SPKI. One that is known stays: it can't change
// without its name. Thread-safe.
struct ha_known_keys {
    mtx_t lock;
    struct ha_known_key **buckets;
};
void ha_known_keys_init(struct ha_known_keys *keys);
// Takes the key over. When memory is short, and key NULL for that reason, it doesn't remember.
void ha_known_keys_put(struct ha_known_keys *keys, struct ha_pubkey *key);

// Whether the signature may leave: it is right, or needn't be looked at. A wrong one is logged and counted in
// token->faulty.
bool ha_verify_signature(struct ha_p11 *token, const struct ha_packet *question, const void *signature, size_t n);
