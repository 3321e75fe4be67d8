// SPDX-License-Identifier: Apache-2.0
// The list of profiles.
#include "api/call.h"

enum ha_code ha_handle_profiles(struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_profile *profile;
    ha_jw_object(call->out, NULL);
    ha_jw_array(call->out, "profiles");
    for (size_t i = 0; (profile = ha_profiles_at(call->api->profiles, i)); i++) {
        ha_jw_object(call->out, NULL);
        ha_jw_string(call->out, "name", profile->name);
        ha_jw_string(call->out, "scheme", ha_scheme_info(profile->scheme)->name);
        ha_jw_bool(call->out, "ready", !profile->missing);
        if (profile->missing)
            ha_jw_string(call->out, "missing", profile->missing);
        ha_jw_string(call->out, "help", profile->help);
        ha_jw_object_end(call->out);
    }
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
    return HA_OK;
}
