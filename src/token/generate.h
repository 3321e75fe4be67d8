// SPDX-License-Identifier: Apache-2.0
// Making a key pair on the token.
#pragma once

#include "base/err.h"
#include "channel/packet.h"
#include "crypto/pubkey.h"

struct ha_p11;

// Does what a GENERATE asks: a pair that stays on the token, sensitive and never extractable, with the usages that its
// purposes need and no others; checked by reading it back, destroyed again if the check fails. HA_E_CONFLICT: there is
// an object with that CKA_ID.
enum ha_code ha_generate(struct ha_p11 *token, const struct ha_packet *question, struct ha_pubkey **ret_key,
                         struct ha_err *err);
