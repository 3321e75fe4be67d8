// SPDX-License-Identifier: Apache-2.0
// The private keys on the token, with their public keys.
#pragma once

#include "base/err.h"
#include "channel/packet.h"

struct ha_p11;

// Calls give with an HA_OP_OBJECT packet for each private key (of those that the PKCS#11 URI in part 0 fits, if there
// is one), after all were read; the parts are borrowed. Stops with what give returns unless that is HA_OK. In time
// linear in the number of objects.
enum ha_code ha_list(struct ha_p11 *token, const struct ha_packet *question,
                     enum ha_code (*give)(void *context, struct ha_packet *object, struct ha_err *err), void *context,
                     struct ha_err *err);
