// SPDX-License-Identifier: Apache-2.0
#include "keys/versions.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {[HA_STATUS_PENDING] = "pending",
                                    [HA_STATUS_ACTIVE] = "active",
                                    [HA_STATUS_RETIRING] = "retiring",
                                    [HA_STATUS_RETIRED] = "retired"};
static_assert(HA_ARRAY_SIZE(names) == HA_STATUS_COUNT, "a name for each status");
static_assert(HA_VERSION_NAME_MAX > HA_NAME_MAX, "a name fits");

const char *ha_key_status_name(enum ha_key_status status)
{
    return names[status];
}

// One that isn't made yet, or is half destroyed, counts as one without a time.
static int64_t begin_of(const struct ha_key *key)
{
    return key->phase == HA_PHASE_READY ? atomic_load(&key->activates_s) : 0;
}

static bool has_come(const struct ha_key *key, int64_t now_s)
{
    int64_t begin_s = begin_of(key);
    return begin_s && begin_s <= now_s;
}

// Two may have one time: the later version comes later.
static bool is_before(const struct ha_key *a, const struct ha_key *b)
{
    int64_t a_s = begin_of(a), b_s = begin_of(b);
    return a_s != b_s ? a_s < b_s : a->version < b->version;
}

size_t ha_versions_active(struct ha_key *const *versions, size_t n, int64_t now_s)
{
    size_t active = n, first = n;
    for (size_t i = 0; i < n; i++) {
        if (has_come(versions[i], now_s) && (active == n || is_before(versions[active], versions[i])))
            active = i;
        if (begin_of(versions[i]) && (first == n || is_before(versions[i], versions[first])))
            first = i;
    }
    return active < n ? active : first < n ? first : 0;
}

enum ha_key_status ha_versions_status(struct ha_key *const *versions, size_t n, size_t i, int64_t now_s,
                                      int64_t *ret_until_s)
{
    const struct ha_key *own = versions[i], *next = NULL;
    if (ret_until_s)
        *ret_until_s = 0;
    if (!has_come(own, now_s))
        return HA_STATUS_PENDING;
    for (size_t j = 0; j < n; j++)
        if (has_come(versions[j], now_s) && is_before(own, versions[j]) && (!next || is_before(versions[j], next)))
            next = versions[j];
    if (!next)
        return HA_STATUS_ACTIVE;
    int64_t until_s = begin_of(next) + atomic_load(&next->overlap_s);
    if (now_s >= until_s)
        return HA_STATUS_RETIRED;
    if (ret_until_s)
        *ret_until_s = until_s;
    return HA_STATUS_RETIRING;
}

bool ha_versions_published(const struct ha_key *key, enum ha_key_status status)
{
    return key->phase == HA_PHASE_READY && key->public_key && status != HA_STATUS_RETIRED &&
           !atomic_load(&key->disabled) && !atomic_load(&key->deletes_s);
}

void ha_version_name(const char *name, unsigned version, char ret_text[static HA_VERSION_NAME_MAX])
{
    if (version == 1)
        snprintf(ret_text, HA_VERSION_NAME_MAX, "%s", name);
    else
        snprintf(ret_text, HA_VERSION_NAME_MAX, "%s@%u", name, version);
}

bool ha_version_name_parse(const char *text, char ret_name[static HA_VERSION_NAME_MAX], unsigned *ret_version)
{
    char name[HA_VERSION_NAME_MAX];
    uint64_t version = 1;
    size_t n = strcspn(text, "@");
    // As it is written, and in no other way: no 01, and no @1.
    if (n > HA_NAME_MAX || (text[n] && (text[n + 1] == '0' || !ha_parse_uint(text + n + 1, 2, UINT32_MAX, &version))))
        return false;
    memcpy(name, text, n);
    name[n] = '\0';
    if (!ha_name_valid(name))
        return false;
    strcpy(ret_name, name);
    *ret_version = (unsigned)version;
    return true;
}
