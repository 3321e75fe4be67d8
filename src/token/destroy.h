// SPDX-License-Identifier: Apache-2.0
// Deleting a key from the token.
#pragma once

#include "base/err.h"
#include "channel/packet.h"

struct ha_p11;

// Destroys the private key, then the public one, with the CKA_ID of part 0 and (unless part 1 is empty) that public
// key; certificates stay. With an HMAC key's key_type, the secret key and nothing else. HA_OK when there is nothing
// (left) to destroy. HA_E_AMBIGUOUS, HA_E_KEY_CANNOT: it can't be told whether a private key is the one; nothing was
// destroyed.
enum ha_code ha_destroy(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err);
