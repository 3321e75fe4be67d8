// SPDX-License-Identifier: Apache-2.0
// Certificate objects beside the keys, for other programs that use the token.
#pragma once

#include "base/err.h"
#include "channel/packet.h"

struct ha_p11;

// CERTIFICATE: makes the object of part 2 (DER) with the CKA_ID and label of parts 0 and 1, unless it is there, and
// reads it back; then destroys the one of part 3. Either may be empty. Others with the same CKA_ID aren't touched.
enum ha_code ha_certificate_store(struct ha_p11 *token, const struct ha_packet *question, struct ha_err *err);
