// SPDX-License-Identifier: Apache-2.0
// The alternative names of a certificate request, from JSON to GeneralNames (RFC 5280 section 4.2.1.6). Thread-safe.
#pragma once

#include "base/json.h"
#include "crypto/ossl.h"

#include <openssl/x509v3.h>

HA_AUTO_DEFINE(GENERAL_NAME, GENERAL_NAME_free)
HA_AUTO_DEFINE(GENERAL_NAMES, GENERAL_NAMES_free)

// san as in struct ha_csr_request, not NULL. The names keep the order of the description. The caller frees them.
enum ha_code ha_csr_san_build(const ha_json *san, GENERAL_NAMES **ret_names, struct ha_err *err);
