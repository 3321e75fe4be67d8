// SPDX-License-Identifier: Apache-2.0
// A private key on its way into a token: checked before a token has it, and sealed for the token. Thread-safe.
#pragma once

#include "crypto/pubkey.h"

#define HA_PRIVATE_KEY_MAX 16384  // bytes of DER; an RSA key of 4096 bits has 2400

// Checks n bytes of a PrivateKeyInfo (PKCS#8, RFC 5958) in DER: that it is whole, of a type that a token can be given
// and strong enough for use (RSA: 2048 bits), and that private and public key belong together. Gives the public key,
// and appends the key as tokens take it: without attributes, and nothing after it. HA_E_MALFORMED, HA_E_KEY_CANNOT.
enum ha_code ha_private_key_check(const uint8_t *der, size_t n, struct ha_buf *pkcs8, struct ha_pubkey **ret_public,
                                  struct ha_err *err);
// The same for OpenSSL's key, which stays as it is.
enum ha_code ha_private_key_encode(struct evp_pkey_st *evp, struct ha_buf *pkcs8, struct ha_pubkey **ret_public,
                                   struct ha_err *err);

// Seals n bytes for whoever has the private key that belongs to rsa: an AES-256 key for this one time under RSA-OAEP
// with SHA-1 (which all tokens have, and which needs no collision resistance there), then the bytes wrapped with that:
// as RFC 5649 says, or (cbc) by CBC with PKCS#7's padding and an initialisation vector of zeros. Appends.
enum ha_code ha_private_key_seal(const struct ha_pubkey *rsa, bool cbc, const uint8_t *pkcs8, size_t n,
                                 struct ha_buf *sealed, struct ha_err *err);
