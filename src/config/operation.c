// SPDX-License-Identifier: Apache-2.0
// The table of operations that a rule can grant.
#include "config/config.h"

#include <assert.h>

static const struct ha_operation_info operations[] = {
    [HA_OPERATION_SHOW] = {"show", false, "see the key in lists, its public key and its state"},
    [HA_OPERATION_SIGN] = {"sign", false, "sign data, which the agent hashes"},
    [HA_OPERATION_SIGN_DIGEST] = {"sign-digest", false,
                                  "sign a digest that the caller made, whatever it is the digest of"},
    [HA_OPERATION_TLS] = {"tls", false, "sign a TLS handshake, with a key that is made for TLS"},
    [HA_OPERATION_CSR] = {"csr", false, "make a certificate signing request"},
    [HA_OPERATION_DECRYPT] = {"decrypt", false, "decrypt with an RSA key"},
    [HA_OPERATION_DERIVE] = {"derive", false, "derive a shared secret with an EC key (ECDH)"},
    [HA_OPERATION_CREATE] = {"create", true, "create the key, on an admin socket"},
    [HA_OPERATION_ADOPT] = {"adopt", true, "take an object that is in the token already as a key, on an admin socket"},
    [HA_OPERATION_DELETE] = {"delete", true, "destroy the key, on an admin socket"},
    [HA_OPERATION_UNLOCK] =
        {"unlock", true, "have a PIN tried again that the token refused, on an admin socket; KEY is the token's name"},
};
static_assert(HA_ARRAY_SIZE(operations) == HA_OPERATION_COUNT, "each operation has its row");

const struct ha_operation_info *ha_operation_info(enum ha_operation operation)
{
    return &operations[operation];
}
