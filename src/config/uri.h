// SPDX-License-Identifier: Apache-2.0
// Checking the PKCS#11 URI of a token, without a PKCS#11 library.
#pragma once

#include "base/err.h"

// Whether uri (RFC 7512) names a token and nothing more: no object, no PIN, not by slot number alone. HA_E_CONFIG; its
// words never hold a part of the URI that could be a PIN.
enum ha_code ha_uri_check(const char *uri, struct ha_err *err);
