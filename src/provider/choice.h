// SPDX-License-Identifier: Apache-2.0
// Which of the agent's algorithms OpenSSL's parameters mean. Thread-safe.
#pragma once

#include "provider/pkey.h"

struct ha_choice {
    const char *algorithm;  // JOSE name, for content
    const char *scheme;     // TLS SignatureScheme; NULL: none
    const char *hash;       // OpenSSL's name of the hash of the content; NULL: the agent is to have the content itself
    size_t digest_len;      // bytes that the agent takes as a digest; 0: it takes none
    bool by_digest;  // this hash doesn't belong to the curve: outside TLS only its digest can be signed, made to fit
};

// verification: the context that got all the parameters of the signature. Complains and returns false when the agent
// doesn't do that.
bool ha_choice_read(const struct ha_pkey *key, EVP_PKEY_CTX *verification, struct ha_choice *ret_choice);

// Salts as long as the hash are the agent's only ones. Left to choose ("auto", OpenSSL's default), that is what is
// chosen, so that it is also what a certificate's algorithm identifier says.
int ha_choice_settle(EVP_PKEY_CTX *verification, enum ha_provider_type type);
