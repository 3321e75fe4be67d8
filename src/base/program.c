// SPDX-License-Identifier: Apache-2.0
#include "base/program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// name in the running executable's directory. *ret_path is NULL when it isn't there.
static enum ha_code find_beside(const char *name, char **ret_path, struct ha_err *err)
{
    char self[PATH_MAX];
    ha_auto(ha_free) char *path = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    *ret_path = NULL;
    if (n <= 0)
        return HA_OK;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    if (asprintf(&path, "%s/%s", self, name) < 0) {
        path = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    if (access(path, X_OK) == 0)
        *ret_path = ha_take(&path);
    return HA_OK;
}

enum ha_code ha_program_find(const char *name, const char *directory, char **ret_path, struct ha_err *err)
{
    char *path;
    if (find_beside(name, &path, err))
        return err->code;
    if (!path && asprintf(&path, "%s/%s", directory, name) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *ret_path = path;
    return HA_OK;
}

enum ha_code ha_program_data(const char *beside, const char *installed, char **ret_path, struct ha_err *err)
{
    char *path;
    if (find_beside(beside, &path, err))
        return err->code;
    if (!path && !(path = strdup(installed)))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *ret_path = path;
    return HA_OK;
}
