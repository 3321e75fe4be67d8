// SPDX-License-Identifier: Apache-2.0
// Checks of a request's line and header fields that libmicrohttpd doesn't make.
#pragma once

#include "base/err.h"

#include <microhttpd.h>

// HA_E_HEADERS_TOO_LARGE, HA_E_MALFORMED (what a proxy in front could read differently: RFC 9112 sections 3.2, 5.1, 6),
// HA_E_TOO_LARGE (the body will be over the limit). target: the request's, as sent. ret_has_body: there is a body to
// come; set in any case.
enum ha_code ha_http_fields_check(struct MHD_Connection *mhd, const char *version, const char *target,
                                  bool *ret_has_body, struct ha_err *err);
// The target's path, without scheme and authority (RFC 9112 section 3.2.2), and the query, "" when there is none. Cuts
// target in two.
void ha_http_fields_split(char *target, const char **ret_path, const char **ret_query);
