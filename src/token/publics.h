// SPDX-License-Identifier: Apache-2.0
// The public keys that the token has as objects or in certificates, collected in one pass and found by CKA_ID. The
// caller holds the token's object_lock while collecting.
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "crypto/pubkey.h"

#include <p11-kit/pkcs11.h>
#include <stddef.h>

struct ha_p11;
struct ha_session;
struct ha_public;

struct ha_publics {
    struct ha_public *items;  // sorted by id
    size_t n;
};
void ha_publics_clear(struct ha_publics *publics);
HA_AUTO_DEFINE_CLEAR(struct ha_publics, ha_publics_clear)

// Fills a zeroed struct with those that have that CKA_ID; id NULL: with all.
enum ha_code ha_publics_collect(struct ha_p11 *token, struct ha_session *session, const CK_ATTRIBUTE *id,
                                struct ha_publics *out, struct ha_err *err);
// The one of that id and type, as a new key; NULL when there is none or there are different ones: ret_why says which.
enum ha_code ha_publics_find(const struct ha_publics *publics, const void *id, size_t id_len, enum ha_key_type type,
                             struct ha_pubkey **ret_key, char *ret_why, size_t why_size, struct ha_err *err);
