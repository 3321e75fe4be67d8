// SPDX-License-Identifier: Apache-2.0
// Which profile a certificate request is made by: the one that it names, and the one that its key has.
#pragma once

#include "api/call.h"
#include "format/csr_profile.h"

struct ha_csr_key ha_csr_key_of(const struct ha_key *key);  // borrowed

// wanted: what the request named; NULL: nothing, and the key's own counts. ret_profile is NULL when there is neither.
// A key that has a profile has no other: HA_E_KEY_CANNOT. "PROFILE" alone means its one message that is for such a key;
// HA_E_MALFORMED naming them when there are several.
enum ha_code ha_csr_profile_find(const struct ha_call_context *call, const struct ha_csr_key *key, const char *own,
                                 const char *wanted, const struct ha_profile **ret_profile, struct ha_err *err);

// Before a key is made for which name ("PROFILE" or "PROFILE/MESSAGE") is to be the profile: there is one, and it is
// for such keys. HA_E_MALFORMED, HA_E_KEY_CANNOT at /profile. A message that lacks the site's values is fine.
enum ha_code ha_csr_profile_plan(const struct ha_call_context *call, const struct ha_csr_key *key, const char *name,
                                 struct ha_err *err);
