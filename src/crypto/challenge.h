// SPDX-License-Identifier: Apache-2.0
// Questions that only the holder of a private key can answer, made with its public key; and how a key gets to the
// recipient of a message. Thread-safe.
#pragma once

#include "base/buf.h"
#include "crypto/pubkey.h"

// Encrypts n bytes with a decryption algorithm that fits the key; the ciphertext is appended.
enum ha_code ha_challenge_encrypt(const struct ha_pubkey *key, enum ha_alg alg, const uint8_t *plaintext, size_t n,
                                  struct ha_buf *ciphertext, struct ha_err *err);
// A key pair for once on the key's curve: appends its point (04||x||y) and the x coordinate that it shares with the
// key.
enum ha_code ha_challenge_agree(const struct ha_pubkey *key, struct ha_buf *point, struct ha_buf *shared,
                                struct ha_err *err);
