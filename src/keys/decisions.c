// SPDX-License-Identifier: Apache-2.0
// What an administrator decides of versions that are there: when one begins to sign, whether it may be used, when it is
// deleted. Each decision is in the file before anybody is told of it.
#include "keys/keys_internal.h"

#include <stdlib.h>
#include <time.h>

struct decisions {
    int64_t activates_s, overlap_s, deletes_s;
    bool deletes_objects, disabled;
};

static struct decisions decisions_of(const struct ha_key *key)
{
    return (struct decisions){atomic_load(&key->activates_s), atomic_load(&key->overlap_s),
                              atomic_load(&key->deletes_s), atomic_load(&key->deletes_objects),
                              atomic_load(&key->disabled)};
}

// The overlap first: whoever sees the new time has to see what belongs to it.
static void take(struct ha_key *key, const struct decisions *decisions)
{
    atomic_store(&key->overlap_s, decisions->overlap_s);
    atomic_store(&key->activates_s, decisions->activates_s);
    atomic_store(&key->deletes_objects, decisions->deletes_objects);
    atomic_store(&key->deletes_s, decisions->deletes_s);
    atomic_store(&key->disabled, decisions->disabled);
}

static enum ha_code decide(struct ha_keys *keys, struct ha_key *key, const struct decisions *wanted, struct ha_err *err)
{
    const struct decisions before = decisions_of(key);
    take(key, wanted);
    if (ha_store_write(&keys->store, key, err)) {
        take(key, &before);
        return err->code;
    }
    return HA_OK;
}

enum ha_code ha_keys_no_version(const char *name, unsigned version, struct ha_err *err)
{
    ha_fail(err, HA_E_KEY_CANNOT, "the key '%s' has no version %u", name, version);
    return ha_hint(err, "`hsm-agent key show %s` (GET /v1/keys/%s) lists its versions", name, name);
}

enum ha_code ha_keys_set_activation(struct ha_keys *keys, struct ha_key *key, int64_t at_s, struct ha_err *err)
{
    struct decisions decisions = decisions_of(key);
    decisions.activates_s = at_s;
    return decide(keys, key, &decisions, err);
}

// The one that waits, and came last.
static struct ha_key *pending_of(struct ha_key *const *versions, size_t n, int64_t now_s)
{
    for (size_t i = n; i-- > 0;)
        if (versions[i]->phase == HA_PHASE_READY &&
            ha_versions_status(versions, n, i, now_s, NULL) == HA_STATUS_PENDING)
            return versions[i];
    return NULL;
}

static struct ha_key *numbered(struct ha_key *const *versions, size_t n, unsigned version)
{
    for (size_t i = 0; i < n; i++)
        if (versions[i]->version == version)
            return versions[i];
    return NULL;
}

static bool is_active(struct ha_key *const *versions, size_t n, const struct ha_key *key, int64_t now_s)
{
    size_t i = ha_versions_active(versions, n, now_s);
    return versions[i] == key && ha_versions_status(versions, n, i, now_s, NULL) == HA_STATUS_ACTIVE;
}

static enum ha_code check_activation(struct ha_key *const *versions, size_t n, const struct ha_key *key, int64_t at_s,
                                     struct ha_err *err)
{
    int64_t now_s = time(NULL);
    if (key->phase != HA_PHASE_READY)
        return ha_fail(err, HA_E_KEY_INCOMPLETE, "version %u of '%s' is half-made or half-deleted", key->version,
                       key->name);
    if (atomic_load(&key->disabled) || atomic_load(&key->deletes_s)) {
        ha_fail(err, HA_E_KEY_DISABLED, "version %u of '%s' is %s", key->version, key->name,
                atomic_load(&key->disabled) ? "disabled" : "to be deleted");
        return ha_hint(err, "`hsm-agent key enable`, or `hsm-agent key delete --cancel`, first");
    }
    // Until then an older one would sign again.
    if (at_s > now_s && is_active(versions, n, key, now_s))
        return ha_fail(err, HA_E_CONFLICT, "version %u is the active one of '%s' already", key->version, key->name);
    return HA_OK;
}

// Of two versions with one time the later version signs; an earlier one that is to come after it has to come later.
static int64_t after_others(struct ha_key *const *versions, size_t n, const struct ha_key *key, int64_t at_s)
{
    for (size_t i = n; i-- > 0 && versions[i] != key;)
        if (atomic_load(&versions[i]->activates_s) == at_s)
            return at_s + 1;
    return at_s;
}

static enum ha_code activate(struct ha_keys *keys, const char *name, unsigned version, int64_t at_s, int64_t overlap_s,
                             struct ha_key **ret_key, struct ha_err *err)
{
    size_t n;
    struct ha_key **versions = ha_keys_versions(keys, name, &n);
    struct ha_key *key = version ? numbered(versions, n, version) : pending_of(versions, n, time(NULL));
    if (n == 0)
        ha_fail(err, HA_E_NO_KEY, "there is no key '%s'", name);
    else if (!key && version)
        ha_keys_no_version(name, version, err);
    else if (!key)
        ha_hint((ha_fail(err, HA_E_CONFLICT, "no version of '%s' is pending", name), err),
                "`hsm-agent key rotate %s` makes the next one", name);
    else if (check_activation(versions, n, key, at_s, err) == HA_OK) {
        struct decisions decisions = decisions_of(key);
        decisions.activates_s = after_others(versions, n, key, at_s);
        if (overlap_s >= 0)
            decisions.overlap_s = overlap_s;
        if (decide(keys, key, &decisions, err) == HA_OK)
            *ret_key = ha_key_ref(key);
    }
    ha_keys_list_free(versions, n);
    return err->code;
}

enum ha_code ha_keys_activate(struct ha_keys *keys, const char *name, unsigned version, int64_t at_s, int64_t overlap_s,
                              struct ha_key **ret_key, struct ha_err *err)
{
    pthread_mutex_lock(&keys->changing);
    enum ha_code code = activate(keys, name, version, at_s, overlap_s, ret_key, err);
    pthread_mutex_unlock(&keys->changing);
    if (code == HA_OK)
        ha_calendar_look(keys);
    return code;
}

// Of a version that is barred alone, before its time has come, the time is taken back: it would keep the key from
// working when it came.
static void keep_from_coming(struct decisions *decisions)
{
    if ((decisions->disabled || decisions->deletes_s) && decisions->activates_s > time(NULL))
        decisions->activates_s = 0;
}

// Has change decide of the version, or of each one (0).
static enum ha_code each(struct ha_keys *keys, const char *name, unsigned version,
                         void (*change)(const void *wanted, struct decisions *decisions), const void *wanted,
                         struct ha_err *err)
{
    size_t n;
    bool any = false, gone = false;
    struct ha_key **versions = ha_keys_versions(keys, name, &n);
    enum ha_code code = HA_OK;
    for (size_t i = 0; i < n && code == HA_OK; i++) {
        if (version && versions[i]->version != version)
            continue;
        if (versions[i]->phase == HA_PHASE_DELETING) {
            gone = true;
            continue;
        }
        struct decisions decisions = decisions_of(versions[i]);
        any = true;
        change(wanted, &decisions);
        if (version)
            keep_from_coming(&decisions);
        code = decide(keys, versions[i], &decisions, err);
    }
    if (n == 0)
        code = ha_fail(err, HA_E_NO_KEY, "there is no key '%s'", name);
    else if (!any && gone)
        code = ha_fail(err, HA_E_CONFLICT, "'%s' is being deleted", name);
    else if (!any)
        code = ha_keys_no_version(name, version, err);
    ha_keys_list_free(versions, n);
    return code;
}

static void set_disabled(const void *wanted, struct decisions *decisions)
{
    decisions->disabled = *(const bool *)wanted;
}

enum ha_code ha_keys_disable(struct ha_keys *keys, const char *name, unsigned version, bool disabled,
                             struct ha_err *err)
{
    pthread_mutex_lock(&keys->changing);
    enum ha_code code = each(keys, name, version, set_disabled, &disabled, err);
    pthread_mutex_unlock(&keys->changing);
    return code;
}

struct schedule {
    int64_t at_s;
    bool objects;
};

static void set_schedule(const void *wanted, struct decisions *decisions)
{
    const struct schedule *schedule = wanted;
    decisions->deletes_s = schedule->at_s;
    decisions->deletes_objects = schedule->objects;
}

enum ha_code ha_keys_schedule(struct ha_keys *keys, const char *name, unsigned version, int64_t at_s, bool objects,
                              struct ha_err *err)
{
    const struct schedule schedule = {at_s, objects};
    pthread_mutex_lock(&keys->changing);
    enum ha_code code = version && at_s ? ha_keys_check_deletable(keys, name, version, err) : HA_OK;
    if (code == HA_OK)
        code = each(keys, name, version, set_schedule, &schedule, err);
    pthread_mutex_unlock(&keys->changing);
    ha_calendar_look(keys);
    return code;
}
