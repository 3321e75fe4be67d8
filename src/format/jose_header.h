// SPDX-License-Identifier: Apache-2.0
// The two headers of a JWS that is being made. Private to src/format/jws.c. Thread-safe.
#pragma once

#include "format/jws.h"

// Appends the JSON of the protected header. Errors as of ha_jws_begin.
enum ha_code ha_jose_header_build(const struct ha_jws_request *request, struct ha_buf *out, struct ha_err *err);
// Appends the JSON of the unprotected header, if the caller has given one.
enum ha_code ha_jose_header_unprotected(const struct ha_jws_request *request, struct ha_buf *out, struct ha_err *err);
