// SPDX-License-Identifier: Apache-2.0
// Diffie-Hellman on elliptic curves.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "channel/packet.h"
#include "token/cache.h"
#include "token/mechanism.h"

struct ha_p11;
struct ha_session;

enum ha_way ha_derive_way(const struct ha_mechanisms *mechanisms);
// Appends the shared x coordinate, as long as the field, for the peer's point 04||x||y in part 2. HA_E_MALFORMED for
// what isn't a point of the key's curve.
enum ha_code ha_derive(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                       const struct ha_packet *question, struct ha_buf *out, struct ha_err *err);
