// SPDX-License-Identifier: Apache-2.0
// The query ?version=N of routes about one version of a key, with ?objects=destroy where that makes sense.
#pragma once

#include "api/call.h"

struct ha_version_query {
    unsigned version;  // 0: unsaid
    bool destroy;      // objects=destroy
};

// "version=3", "objects=destroy", or both with '&' between them; "" is neither. HA_E_MALFORMED.
enum ha_code ha_version_query_read(const char *query, bool may_destroy, struct ha_version_query *ret_query,
                                   struct ha_err *err);
// The version that the query names of the key that the caller has been given, in the place of it; the key itself when
// it names none. HA_E_NO_KEY.
enum ha_code ha_version_query_find(const struct ha_call_context *call, const struct ha_version_query *query,
                                   struct ha_key **key, struct ha_err *err);
