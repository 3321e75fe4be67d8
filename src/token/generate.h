// SPDX-License-Identifier: Apache-2.0
// Making a key pair, or an HMAC key, on the token.
#pragma once

#include "base/err.h"
#include "channel/packet.h"
#include "crypto/pubkey.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct ha_p11;
struct ha_session;

struct ha_pair {
    CK_OBJECT_HANDLE public_key, private_key;
};

// Does what a GENERATE asks: a pair (or secret key) that stays on the token, sensitive and never extractable, with the
// usages that its purposes need and no others; checked by reading it back, destroyed again if the check fails.
// HA_E_CONFLICT: there is an object with that CKA_ID.
enum ha_code ha_generate(struct ha_p11 *token, const struct ha_packet *question, struct ha_pubkey **ret_key,
                         struct ha_err *err);

// --- Its parts, for those who make a key otherwise; called in an operation, with object_lock.

// Whether the question makes sense. HA_E_MALFORMED, HA_E_KEY_CANNOT.
enum ha_code ha_generate_check(const struct ha_packet *question, struct ha_err *err);
// HA_E_CONFLICT as above.
enum ha_code ha_generate_refuse_taken(struct ha_p11 *token, struct ha_session *session, const struct ha_part *id,
                                      struct ha_err *err);
// C_GenerateKeyPair with the first template that the token takes. runs: which run of the operation this is, from 1.
enum ha_code ha_generate_pair(struct ha_p11 *token, struct ha_session *session, const struct ha_packet *question,
                              unsigned runs, struct ha_pair *ret_pair, struct ha_err *err);
// Whether the code means that another template may do.
bool ha_generate_is_refused(CK_RV rv, unsigned runs);
// What must be true of every private key that we make; wrapped: that came into the token that way; backup: that may
// leave it so.
enum ha_code ha_generate_check_private(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                       bool wrapped, bool backup, struct ha_err *err);
