// SPDX-License-Identifier: Apache-2.0
// The public key of an object on the token. The caller holds the token's object_lock.
#pragma once

#include "base/err.h"
#include "crypto/pubkey.h"
#include "token/cache.h"

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

struct ha_p11;
struct ha_session;

// What the object (private key, public key or certificate) itself tells. HA_E_KEY_CANNOT, with err->rv 0: it doesn't
// tell, or it is none that we can use; the detail says why.
enum ha_code ha_public_of_object(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                                 struct ha_pubkey **ret_key, struct ha_err *err);
// The public key of a private object if it is the one that name wants, else NULL; *ret_told: whether the token tells
// one for it at all. The sources, in this order: the object itself; public key objects, then certificates, with its
// CKA_ID.
enum ha_code ha_public_match(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE private_key,
                             const struct ha_key_name *name, bool *ret_told, struct ha_pubkey **ret_key,
                             struct ha_err *err);
// The key type that CKA_EC_PARAMS means; HA_KEY_NONE for a curve that we don't do.
enum ha_key_type ha_public_curve(const void *params, size_t n);
