// SPDX-License-Identifier: Apache-2.0
// Puts objects on the rig's token that the child itself would never make.
#pragma once

#include <openssl/evp.h>

enum {
    STORE_PRIVATE = 1,
    STORE_PUBLIC = 2,
    STORE_CERTIFICATE = 4,
    STORE_ALWAYS_AUTHENTICATE = 8,  // the private key wants the PIN for each use
};

// key is RSA or EC; what is a set of the bits above. SOFTHSM2_CONF is set in our environment; no child may be running.
// Aborts when it fails.
void token_store(EVP_PKEY *key, const char *id, const char *label, unsigned what);
