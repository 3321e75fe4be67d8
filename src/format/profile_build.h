// SPDX-License-Identifier: Apache-2.0
// From lines to a message's options.
#pragma once

#include "format/profile.h"
#include "format/profile_raw.h"

// Makes the message of section. name is the profile's; site_file where its site would give values. Adds to mistakes,
// after which ret_profile may be incomplete; HA_E_MEMORY. ret_profile is zeroed by the caller, who clears it in any
// case.
enum ha_code ha_profile_build(const struct ha_raw_profile *raw, const struct ha_raw_section *section, const char *name,
                              const char *site_file, struct ha_profile *ret_profile, struct ha_mistakes *mistakes,
                              struct ha_err *err);
