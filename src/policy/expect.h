// SPDX-License-Identifier: Apache-2.0
// A file of expectations of the policy, one a line; '#' begins a comment:
//
//   allow user=www-data,unit=nginx.service edge tls
//   deny  user=www-data edge sign ES256
//   shadow user=trial payments jws profile=jose/jws
#pragma once

#include "policy/policy.h"

struct ha_expectations {
    size_t n, wrong;
};

// Appends a line to out for each expectation that the policy doesn't meet, "PATH:LINE: ...". HA_E_USAGE at the first
// line that is none; the words have PATH:LINE.
enum ha_code ha_expect(const struct ha_config *config, const char *path, const char *text, int64_t now_s,
                       struct ha_buf *out, struct ha_expectations *ret_result, struct ha_err *err);
