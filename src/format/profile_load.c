// SPDX-License-Identifier: Apache-2.0
// The two directories: each NAME.conf of either is a profile, the site's laid over the shipped one.
#include "base/file.h"
#include "base/text.h"
#include "format/profile_build.h"
#include "format/profile_set.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024 };

struct loader {
    const char *shipped, *site;
    struct ha_profiles *profiles;
    struct ha_mistakes *mistakes;
};

// Reads directory/name.conf into raw; one that isn't there is fine.
static enum ha_code read_file(const struct loader *loader, const char *directory, const char *name, bool overlay,
                              struct ha_raw_profile *raw, bool *ret_there, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err failure = {0};
    *ret_there = false;
    if (!directory)
        return HA_OK;
    if (asprintf(&path, "%s/%s.conf", directory, name) < 0) {
        path = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading profiles");
    }
    enum ha_code code = ha_file_read(path, FILE_MAX, HA_FILE_TRUSTED, &text, &failure);
    if (code == HA_E_IO && errno == ENOENT)
        return HA_OK;
    *ret_there = true;
    if (code == HA_OK)
        return ha_raw_profile_read(raw, path, ha_buf_text(&text), text.len, overlay, loader->mistakes, err);
    if (code == HA_E_MEMORY || !ha_mistakes_add(loader->mistakes, path, 0, failure.detail, failure.hint))
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading profiles");
    return HA_OK;
}

static enum ha_code keep(struct ha_profiles *profiles, struct ha_profile *profile, struct ha_err *err)
{
    struct ha_profile *more = reallocarray(profiles->items, profiles->n + 1, sizeof *more);
    if (!more)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a profile");
    profiles->items = more;
    size_t at = profiles->n++;
    for (; at > 0 && strcmp(more[at - 1].name, profile->name) > 0; at--)
        more[at] = more[at - 1];
    more[at] = *profile;
    *profile = (struct ha_profile){0};
    return HA_OK;
}

static enum ha_code load_one(const struct loader *loader, const char *name, struct ha_err *err)
{
    ha_auto(ha_raw_profile_clear) struct ha_raw_profile raw = {0};
    ha_auto(ha_free) char *site_file = NULL;
    bool shipped, site;
    if (asprintf(&site_file, "%s/%s.conf", loader->site ? loader->site : loader->shipped, name) < 0) {
        site_file = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading profiles");
    }
    if (read_file(loader, loader->shipped, name, false, &raw, &shipped, err) ||
        read_file(loader, loader->site, name, shipped, &raw, &site, err))
        return err->code;
    for (size_t i = 0; i < raw.n; i++) {
        ha_auto(ha_profile_clear) struct ha_profile profile = {0};
        if (!raw.sections[i].name)
            continue;
        if (ha_profile_build(&raw, &raw.sections[i], name, site_file, &profile, loader->mistakes, err) ||
            keep(loader->profiles, &profile, err))
            return err->code;
    }
    return HA_OK;
}

static bool is_loaded(const struct loader *loader, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.conf", loader->shipped, name);
    return loader->shipped && access(path, F_OK) == 0;
}

// "NAME.conf" to NAME, in place. False: it is no profile's file (hidden ones, editors' backups).
static bool profile_name(char *file)
{
    char *dot = strrchr(file, '.');
    if (!dot || strcmp(dot, ".conf") != 0)
        return false;
    *dot = '\0';
    return ha_name_valid(file);
}

static enum ha_code load_directory(const struct loader *loader, const char *directory, bool is_site, struct ha_err *err)
{
    struct dirent **entries;
    if (!directory)
        return HA_OK;
    int n = scandir(directory, &entries, NULL, alphasort);
    if (n < 0 && errno == ENOENT)
        return HA_OK;
    if (n < 0) {
        ha_fail_errno(err, errno, "can't read the directory of profiles %s", directory);
        return ha_hint(err, "make it readable for the agent, or remove it");
    }
    enum ha_code code = HA_OK;
    for (int i = 0; i < n; i++) {
        char *name = entries[i]->d_name;
        if (code == HA_OK && profile_name(name) && !(is_site && is_loaded(loader, name)))
            code = load_one(loader, name, err);
        free(entries[i]);
    }
    free(entries);
    return code;
}

enum ha_code ha_profiles_load(const char *shipped, const char *site, struct ha_profiles **ret_profiles,
                              struct ha_mistakes *ret_mistakes, struct ha_err *err)
{
    ha_auto(ha_profiles_free) struct ha_profiles *profiles = calloc(1, sizeof *profiles);
    if (!profiles)
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading profiles");
    atomic_init(&profiles->refs, 1);
    const struct loader loader = {shipped, site, profiles, ret_mistakes};
    size_t before = ret_mistakes->n;
    if (load_directory(&loader, shipped, false, err) || load_directory(&loader, site, true, err))
        return err->code;
    size_t found = ret_mistakes->n - before;
    if (found > 0)
        return ha_fail(err, HA_E_CONFIG, "the profiles have %zu mistake%s", found, found == 1 ? "" : "s");
    *ret_profiles = ha_take(&profiles);
    return HA_OK;
}
