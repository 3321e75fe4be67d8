// SPDX-License-Identifier: Apache-2.0
// From a key's name to its private or secret object.
#pragma once

#include "base/err.h"
#include "token/cache.h"

struct ha_p11;
struct ha_session;

// From the cache, or found on the token and remembered. HA_E_NO_KEY; HA_E_AMBIGUOUS (the detail names two objects).
// Takes object_lock when it has to search.
enum ha_code ha_object_get(struct ha_p11 *token, struct ha_session *session, const struct ha_key_name *name,
                           struct ha_p11_key *ret_key, struct ha_err *err);
// The same without the cache, for who holds object_lock.
enum ha_code ha_object_find(struct ha_p11 *token, struct ha_session *session, const struct ha_key_name *name,
                            struct ha_p11_key *ret_key, struct ha_err *err);
// The key of a private or secret object if it is the one that name wants, else NULL; *ret_told: whether the token tells
// which one it is. For who holds object_lock.
enum ha_code ha_object_match(struct ha_p11 *token, struct ha_session *session, CK_OBJECT_HANDLE object,
                             const struct ha_key_name *name, bool *ret_told, struct ha_pubkey **ret_key,
                             struct ha_err *err);
