// SPDX-License-Identifier: Apache-2.0
// The JOSE header of an encrypted message: what it may say, and that it fits the key and the profile. The three headers
// that a message can have count as one (RFC 7516 section 4). Thread-safe.
#pragma once

#include "format/jwe.h"

// Reads the protected header's base64url into job->protected_header and job->header.
enum ha_code ha_jwe_header_protected(struct ha_jwe *job, struct ha_json_text text, struct ha_err *err);
// A member of any of job->parts; NULL when absent.
const ha_json *ha_jwe_header_get(const struct ha_jwe *job, const char *name);
const char *ha_jwe_header_string(const struct ha_jwe *job, const char *name);  // NULL when absent or no string
// Checks job->parts, and fills in what the job has of them: the algorithms, epk, apu, apv, kid, cty. Failures as those
// of ha_jwe_begin.
enum ha_code ha_jwe_header_check(struct ha_jwe *job, const struct ha_jwe_profile *profile, const struct ha_jwe_key *key,
                                 struct ha_err *err);
// Whether a name is permitted by a profile's list.
bool ha_jwe_permits(const struct ha_jose_list *list, const char *name);
