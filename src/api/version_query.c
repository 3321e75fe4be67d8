// SPDX-License-Identifier: Apache-2.0
#include "api/version_query.h"

#include "base/text.h"

#include <string.h>

static enum ha_code malformed(const char *query, bool may_destroy, struct ha_err *err)
{
    ha_fail(err, HA_E_MALFORMED, "\"?%.60s\" isn't understood", query);
    return ha_hint(err, may_destroy ? "what may stand there is ?version=N and ?objects=destroy, or both with '&'"
                                    : "what may stand there is ?version=N");
}

enum ha_code ha_version_query_read(const char *query, bool may_destroy, struct ha_version_query *ret_query,
                                   struct ha_err *err)
{
    static const char version[] = "version=", destroy[] = "objects=destroy";
    struct ha_version_query read = {0};
    const char *at = query;
    while (*at) {
        size_t n = strcspn(at, "&");
        char number[16] = "";
        uint64_t value;
        bool is_version = strncmp(at, version, sizeof version - 1) == 0 && !read.version;
        if (is_version && n < sizeof version - 1 + sizeof number)
            memcpy(number, at + sizeof version - 1, n - (sizeof version - 1));
        if (is_version && ha_parse_uint(number, 1, UINT32_MAX, &value))
            read.version = (unsigned)value;
        else if (may_destroy && !read.destroy && n == sizeof destroy - 1 && strncmp(at, destroy, n) == 0)
            read.destroy = true;
        else
            return malformed(query, may_destroy, err);
        if (at[n] && !at[n + 1])
            return malformed(query, may_destroy, err);
        at += n + (at[n] == '&');
    }
    *ret_query = read;
    return HA_OK;
}

enum ha_code ha_version_query_find(const struct ha_call_context *call, const struct ha_version_query *query,
                                   struct ha_key **key, struct ha_err *err)
{
    if (!query->version || query->version == (*key)->version)
        return HA_OK;
    struct ha_key *version = ha_keys_get_version(call->api->keys, call->name, query->version);
    if (!version) {
        ha_fail(err, HA_E_NO_KEY, "the key '%s' has no version %u", call->name, query->version);
        return ha_hint(err, "`hsm-agent key show %s` lists the versions there are", call->name);
    }
    ha_key_unref(*key);
    *key = version;
    return HA_OK;
}
