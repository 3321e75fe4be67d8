// SPDX-License-Identifier: Apache-2.0
#include "base/program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum ha_code ha_program_find(const char *name, const char *directory, char **ret_path, struct ha_err *err)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *path = NULL;
    if (n > 0) {
        self[n] = '\0';
        *strrchr(self, '/') = '\0';
        if (asprintf(&path, "%s/%s", self, name) < 0)
            return ha_fail(err, HA_E_MEMORY, "out of memory");
        if (access(path, X_OK) == 0) {
            *ret_path = path;
            return HA_OK;
        }
        free(path);
    }
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *ret_path = path;
    return HA_OK;
}
