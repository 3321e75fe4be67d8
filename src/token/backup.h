// SPDX-License-Identifier: Apache-2.0
// Private keys that leave the token wrapped, under a KEK of the token or for the holder of an RSA key, and come back
// under the KEK. Only keys that were made so: the others aren't extractable. On the control thread.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"

struct ha_p11;

// What a WRAP asks: appends the answer. HA_E_KEY_CANNOT: the key wasn't made to leave the token.
enum ha_code ha_backup_wrap(struct ha_p11 *token, const struct ha_packet *question, struct ha_buf *out,
                            struct ha_err *err);
// What an UNWRAP with HA_PACKET_KEK asks. The pair is checked by reading it back. HA_E_MALFORMED: the tag isn't the
// KEK's for this key and what goes with it. HA_E_CONFLICT: there is an object with that CKA_ID.
enum ha_code ha_backup_unwrap(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err);
