// SPDX-License-Identifier: Apache-2.0
// Private keys in memory, for tests that need somebody to sign or decrypt. Failing asserts take the place of errors.
#pragma once

#include "crypto/pubkey.h"
#include "format/signer.h"

struct softkey {
    struct evp_pkey_st *evp;
    struct ha_pubkey *pub;
    unsigned signatures;  // how many were asked for
    bool lies;            // then every signature is wrong by one bit
};

struct softkey *softkey_new(enum ha_key_type type);
struct softkey *softkey_new_rsa(unsigned bits);
struct softkey *softkey_from_pem(const char *pem);  // a PRIVATE KEY
void softkey_free(struct softkey *key);
HA_AUTO_DEFINE(struct softkey, softkey_free)

// A signer over the key, which is borrowed.
struct ha_signer softkey_signer(struct softkey *key);
// The RSA private operation on a block as long as the modulus, without any padding.
void softkey_raw_rsa(const struct softkey *key, const uint8_t *block, size_t n, uint8_t *ret_result);
