// SPDX-License-Identifier: Apache-2.0
// Whether a token really does OAEP as it is asked to.
#pragma once

#include "base/err.h"
#include "channel/packet.h"
#include "token/cache.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct ha_p11;
struct ha_session;

// C_DecryptInit with CKM_RSA_PKCS_OAEP and MGF1 of the same hash.
CK_RV ha_oaep_init(struct ha_p11 *token, const struct ha_session *session, const struct ha_p11_key *key,
                   enum ha_hash hash, const struct ha_part *label);
// Encrypts something of our own for the question's key and has the token decrypt it: some tokens take a label or a hash
// and ignore it, and then decrypt what they mustn't. *ret_works; the session is fit for use afterwards.
// Fails, without an answer, where the token fails for another reason than these parameters.
enum ha_code ha_oaep_probe(struct ha_p11 *token, struct ha_session *session, const struct ha_p11_key *key,
                           const struct ha_packet *question, bool *ret_works, struct ha_err *err);
