// SPDX-License-Identifier: Apache-2.0
// The options of each scheme. Reading, checking and the manual are all made of these rows.
#pragma once

#include "format/profile.h"

extern const struct ha_profile_table ha_profile_table_jws, ha_profile_table_jwt, ha_profile_table_jwe,
    ha_profile_table_rfc9421, ha_profile_table_dip, ha_profile_table_fspiop, ha_profile_table_fspiop_encryption,
    ha_profile_table_ilp, ha_profile_table_csr;
