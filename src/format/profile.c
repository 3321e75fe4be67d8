// SPDX-License-Identifier: Apache-2.0
// The set: looking a message up, and saying what would have been right.
#include "format/profile.h"

#include "base/nearest.h"
#include "format/profile_set.h"
#include "format/profile_value.h"

#include <stdio.h>
#include <string.h>

void ha_profile_clear(struct ha_profile *profile)
{
    const struct ha_scheme_info *scheme = ha_scheme_info(profile->scheme);
    for (size_t i = 0; profile->options && i < scheme->table->n; i++)
        ha_profile_value_clear(&scheme->table->options[i], (void *)profile->options);
    free((void *)profile->options);
    free(profile->name);
    free(profile->help);
    free(profile->missing);
    free(profile->file);
    *profile = (struct ha_profile){0};
}

struct ha_profiles *ha_profiles_ref(struct ha_profiles *profiles)
{
    atomic_fetch_add_explicit(&profiles->refs, 1, memory_order_relaxed);
    return profiles;
}

void ha_profiles_free(struct ha_profiles *profiles)
{
    if (!profiles || atomic_fetch_sub_explicit(&profiles->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < profiles->n; i++)
        ha_profile_clear(&profiles->items[i]);
    free(profiles->items);
    free(profiles);
}

const struct ha_profile *ha_profiles_at(const struct ha_profiles *profiles, size_t i)
{
    return profiles && i < profiles->n ? &profiles->items[i] : NULL;
}

void ha_profiles_paths(const struct ha_profiles *profiles, void *context, void (*path)(void *context, const char *path))
{
    const struct ha_profile *profile;
    for (size_t i = 0; (profile = ha_profiles_at(profiles, i)); i++) {
        const struct ha_profile_table *table = ha_scheme_info(profile->scheme)->table;
        for (size_t j = 0; j < table->n; j++) {
            const struct ha_profile_option *option = &table->options[j];
            const char *value = option->kind == HA_PROFILE_PATH
                                    ? *HA_PROFILE_FIELD(char *const, profile->options, option->offset)
                                    : NULL;
            if (value)
                path(context, value);
        }
    }
}

static const struct ha_profile *by_name(const struct ha_profiles *profiles, const char *name)
{
    const struct ha_profile *profile;
    for (size_t i = 0; (profile = ha_profiles_at(profiles, i)); i++) {
        if (strcmp(profile->name, name) == 0)
            return profile;
    }
    return NULL;
}

static bool is_of(const struct ha_profile *message, const char *profile)
{
    size_t n = strlen(profile);
    return strncmp(message->name, profile, n) == 0 && message->name[n] == '/';
}

// The message that a profile's name alone stands for: the only one of it that fits. NULL: none does, or several.
static const struct ha_profile *only_one_of(const struct ha_profiles *profiles, const char *name, unsigned schemes)
{
    const struct ha_profile *profile, *found = NULL;
    for (size_t i = 0; (profile = ha_profiles_at(profiles, i)); i++) {
        if (!is_of(profile, name) || !(schemes & HA_SCHEME_BIT(profile->scheme)))
            continue;
        if (found)
            return NULL;
        found = profile;
    }
    return found;
}

// Words cut off at the buffer's end, which none of ours reaches.
static void list_fitting(const struct ha_profiles *profiles, unsigned schemes, char *ret_text, size_t size)
{
    const struct ha_profile *profile;
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; (profile = ha_profiles_at(profiles, i)) && used < size; i++) {
        if (schemes & HA_SCHEME_BIT(profile->scheme))
            used += (size_t)snprintf(ret_text + used, size - used, "%s%s", used > 0 ? ", " : "", profile->name);
    }
}

static enum ha_code unknown(const struct ha_profiles *profiles, const char *name, unsigned schemes, struct ha_err *err)
{
    struct ha_nearest nearest = {.word = name};
    const struct ha_profile *profile;
    char fitting[256];
    ha_fail(err, HA_E_MALFORMED, "there is no message '%s' in any profile", name);
    for (size_t i = 0; (profile = ha_profiles_at(profiles, i)); i++) {
        if (schemes & HA_SCHEME_BIT(profile->scheme))
            ha_nearest_offer(&nearest, profile->name, profile->name);
    }
    if (nearest.best)
        return ha_hint(err, "did you mean '%s'?", nearest.best);
    list_fitting(profiles, schemes, fitting, sizeof fitting);
    return ha_hint(err, "`hsm-agent profiles` lists them; fitting here: %s", fitting[0] ? fitting : "none");
}

static enum ha_code other_scheme(const struct ha_profiles *profiles, const struct ha_profile *profile, unsigned schemes,
                                 struct ha_err *err)
{
    char fitting[256];
    list_fitting(profiles, schemes, fitting, sizeof fitting);
    ha_fail(err, HA_E_MALFORMED, "'%s' is a message of the scheme %s, which isn't made here", profile->name,
            ha_scheme_info(profile->scheme)->name);
    return ha_hint(err, "fitting here: %s", fitting[0] ? fitting : "none");
}

static const char *plain_name(unsigned schemes)
{
    for (unsigned i = 0; i < HA_SCHEME_COUNT; i++) {
        if ((schemes & 1u << i) && ha_scheme_info((enum ha_scheme)i)->plain)
            return ha_scheme_info((enum ha_scheme)i)->plain;
    }
    return NULL;
}

enum ha_code ha_profiles_find(const struct ha_profiles *profiles, const char *name, unsigned schemes,
                              const struct ha_profile **ret_profile, struct ha_err *err)
{
    const char *wanted = name ? name : plain_name(schemes);
    if (!wanted) {
        char fitting[256];
        list_fitting(profiles, schemes, fitting, sizeof fitting);
        ha_fail(err, HA_E_MALFORMED, "no profile is named, and none of them is the plain one");
        return ha_hint(err, "name one of: %s", fitting);
    }
    const struct ha_profile *profile = by_name(profiles, wanted);
    if (!profile)
        profile = only_one_of(profiles, wanted, schemes);
    if (!profile)
        return unknown(profiles, wanted, schemes, err);
    if (!(schemes & HA_SCHEME_BIT(profile->scheme)))
        return other_scheme(profiles, profile, schemes, err);
    if (profile->missing) {
        ha_fail(err, HA_E_KEY_CANNOT, "the profile's message '%s' lacks values that only the site knows: %s",
                profile->name, profile->missing);
        return ha_hint(err, "an administrator can give them in %s; see hsm-agent-profiles(5)", profile->file);
    }
    *ret_profile = profile;
    return HA_OK;
}
