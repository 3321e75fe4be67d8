// SPDX-License-Identifier: Apache-2.0
// An issued certificate against the profile that its key's requests are made by.
#pragma once

#include "api/certificate_common.h"

// A key without a profile takes any. HA_E_CERTIFICATE: a name in it is of another environment than the key. What else
// differs from the profile is the CA's to decide, and a note "profile".
enum ha_code ha_certificate_check_profile(const struct ha_call_context *call, const struct ha_key *key,
                                          const struct ha_x5c *chain, struct ha_chain_notes *notes, struct ha_err *err);
