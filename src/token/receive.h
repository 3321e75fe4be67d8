// SPDX-License-Identifier: Apache-2.0
// Taking a key pair that another token made and wrapped for this one. On the control thread.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"

struct ha_p11;

// What a WRAPPER asks: appends the answer. HA_E_KEY_CANNOT, naming the mechanism that the token lacks.
enum ha_code ha_receive_prepare(struct ha_p11 *token, const struct ha_packet *question, struct ha_buf *out,
                                struct ha_err *err);
// What an UNWRAP asks, with the wrapping key of the last WRAPPER, which is gone afterwards. The pair is checked by
// reading it back. HA_E_CONFLICT: there is an object with that CKA_ID.
enum ha_code ha_receive(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err);
