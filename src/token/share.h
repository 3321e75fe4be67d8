// SPDX-License-Identifier: Apache-2.0
// Making a key pair for this token and others.
#pragma once

#include "base/err.h"
#include "channel/packet.h"
#include "crypto/pubkey.h"

struct ha_p11;

// Does what a GENERATE with HA_PACKET_SHARED asks. The pair is made as objects of a session, wrapped for each of the
// other tokens, unwrapped into this one as a key that can't be extracted, and gone with its session's objects, all in
// one operation: a process that dies in it leaves at most the key that can't be extracted. give gets an OBJECT for each
// of the other tokens, in their order. Errors as of ha_generate.
enum ha_code ha_share(struct ha_p11 *token, const struct ha_packet *question,
                      enum ha_code (*give)(void *context, struct ha_packet *object, struct ha_err *err), void *context,
                      struct ha_pubkey **ret_key, struct ha_err *err);
