// SPDX-License-Identifier: Apache-2.0
// The interface through which formats sign: they know nothing of tokens, channels or policy.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "crypto/pubkey.h"

struct ha_signer {
    const struct ha_pubkey *public_key;
    void *context;
    // Signs data (hashed as alg says). Appends the signature to out; ECDSA is raw r||s.
    enum ha_code (*sign)(void *context, enum ha_alg alg, const void *data, size_t n, struct ha_buf *out,
                         struct ha_err *err);
};
