// SPDX-License-Identifier: Apache-2.0
// The HMAC keys of the token: making them, taking them from outside, telling one from another. They have no public key;
// ha_pubkey_from_check says what takes its place. In an operation, with object_lock.
#pragma once

#include "base/err.h"
#include "channel/packet.h"
#include "crypto/pubkey.h"
#include "token/cache.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct ha_p11;
struct ha_session;

// Makes what a GENERATE asks that was checked: an HMAC key of random bytes, or of those in part 2. runs: which run of
// the operation this is, from 1.
enum ha_code ha_hmac_make(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                          unsigned runs, CK_OBJECT_HANDLE *ret_object, struct ha_err *err);
// Asks the key for its code over our text.
enum ha_code ha_hmac_identity(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                              struct ha_pubkey **ret_key, struct ha_err *err);
