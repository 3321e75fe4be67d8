// SPDX-License-Identifier: Apache-2.0
// The tokens that a request for a new key names: members "token" and "tokens".
#pragma once

#include "api/api.h"
#include "base/json.h"
#include "keys/key.h"

// The token of that name; NULL: the only one there is. HA_E_MALFORMED at /token.
enum ha_code ha_key_token(const struct ha_api *api, const char *name, struct ha_token **ret_token, struct ha_err *err);
// A list of 1 to HA_REPLICAS_MAX names, all different; NULL: the one of name, as above. Errors at /tokens.
enum ha_code ha_key_tokens(const struct ha_api *api, const ha_json *names, const char *name,
                           struct ha_token *ret_tokens[static HA_REPLICAS_MAX], size_t *ret_n, struct ha_err *err);
