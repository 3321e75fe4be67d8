// SPDX-License-Identifier: Apache-2.0
// What a command's options say of a certificate request, as the body of the request for one.
#pragma once

#include "cli/opt.h"

// Appends the JSON object. HA_E_USAGE.
enum ha_code ha_csr_body(const struct ha_opts *opts, struct ha_buf *body, struct ha_err *err);
