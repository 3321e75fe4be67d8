// SPDX-License-Identifier: Apache-2.0
#include "keys/traits.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool holder_valid(const char *holder)
{
    size_t n = strlen(holder);
    if (n == 0 || n > HA_HOLDER_MAX || !ha_utf8_valid(holder, n))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)holder[i] < 0x20 || holder[i] == 0x7f)
            return false;
    return true;
}

static bool profile_valid(const char *profile)
{
    const char *slash = strchr(profile, '/');
    if (!slash)
        return ha_name_valid(profile);
    char head[HA_NAME_MAX + 1] = "";
    size_t n = (size_t)(slash - profile);
    if (n > HA_NAME_MAX)
        return false;
    memcpy(head, profile, n);
    return ha_name_valid(head) && ha_name_valid(slash + 1);
}

enum ha_code ha_key_traits_check(const struct ha_key_traits *traits, struct ha_err *err)
{
    if (traits->environment && !ha_name_valid(traits->environment)) {
        ha_fail(err, HA_E_MALFORMED, "that is no name for an environment");
        ha_hint(err, "a name such as prod or pre-prod: letters, digits, '.', '_' and '-', at most %d", HA_NAME_MAX);
        return ha_at(err, "/environment");
    }
    if (traits->holder && !holder_valid(traits->holder)) {
        ha_fail(err, HA_E_MALFORMED, "a holder is 1 to %d bytes of text without control characters", HA_HOLDER_MAX);
        return ha_at(err, "/holder");
    }
    if (traits->profile && !profile_valid(traits->profile)) {
        ha_fail(err, HA_E_MALFORMED, "that is no name of a profile");
        ha_hint(err, "PROFILE or PROFILE/MESSAGE, such as mhhs/tls");
        return ha_at(err, "/profile");
    }
    return HA_OK;
}

static bool copy(const char *from, char **to)
{
    return !from || (*to = strdup(from));
}

enum ha_code ha_key_traits_give(const struct ha_key_traits *traits, struct ha_key *key, struct ha_err *err)
{
    if (!traits)
        return HA_OK;
    if (ha_key_traits_check(traits, err))
        return err->code;
    if (!copy(traits->environment, &key->environment) || !copy(traits->holder, &key->holder) ||
        !copy(traits->profile, &key->profile))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    key->backup = traits->backup;
    return HA_OK;
}

struct ha_key_traits ha_key_traits_of(const struct ha_key *key)
{
    return (struct ha_key_traits){key->environment, key->holder, key->profile, key->backup};
}
