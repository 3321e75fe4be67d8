// SPDX-License-Identifier: Apache-2.0
// The private operations, at the agent. Each complains when it fails, and then returns false. Thread-safe.
#pragma once

#include "provider/pkey.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HA_REMOTE_CONTENT_MAX = 128 * 1024 };  // bytes to sign as they are; what is larger goes as its digest

// What the key's purposes let it sign: content as TLS has it, or anything.
bool ha_remote_way(struct ha_pkey *key, enum ha_pkey_way *ret_way);

// algorithm: a JOSE name. scheme: the TLS SignatureScheme of that; NULL: TLS doesn't have it. A key with a purpose
// of TLS has the agent look through the content. *sig_len is the buffer's size before, the signature's after.
bool ha_remote_sign(struct ha_pkey *key, const char *algorithm, const char *scheme, const uint8_t *content, size_t n,
                    uint8_t *sig, size_t *sig_len);
bool ha_remote_sign_digest(struct ha_pkey *key, const char *algorithm, const uint8_t *digest, size_t n, uint8_t *sig,
                           size_t *sig_len);
// label: NULL is none.
bool ha_remote_decrypt(struct ha_pkey *key, const char *algorithm, const uint8_t *ciphertext, size_t n,
                       const uint8_t *label, size_t label_len, uint8_t *out, size_t *out_len);
// peer: a public key of the same curve, from the provider's private context.
bool ha_remote_derive(struct ha_pkey *key, const EVP_PKEY *peer, uint8_t *out, size_t *out_len);
