// SPDX-License-Identifier: Apache-2.0
// The rules are those of sd_pid_get_unit(3).
#include "base/unit.h"

#include "base/auto.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.\\@-"

static bool ends_with(const char *name, size_t n, const char *suffix)
{
    size_t m = strlen(suffix);
    return n > m && memcmp(name + n - m, suffix, m) == 0;
}

static bool is_slice(const char *name, size_t n)
{
    return ends_with(name, n, ".slice");
}

bool ha_unit_valid(const char *name, size_t n, bool wildcards)
{
    static const char *const suffixes[] = {".service", ".scope", ".socket", ".mount", ".swap"};
    size_t plain = 0;
    while (plain < n && strchr(wildcards ? LETTERS "*?[]!^" : LETTERS, name[plain]) && name[plain])
        plain++;
    if (plain < n || n > HA_UNIT_MAX)
        return false;
    for (size_t i = 0; i < HA_ARRAY_SIZE(suffixes); i++)
        if (ends_with(name, n, suffixes[i]))
            return true;
    return false;
}

static bool unit_of_path(const char *path, size_t n, char *ret_unit)
{
    for (size_t at = 0; at < n;) {
        const char *name = path + at;
        const char *slash = memchr(name, '/', n - at);
        size_t len = slash ? (size_t)(slash - name) : n - at;
        at += len + 1;
        if (len == 0 || is_slice(name, len))
            continue;
        // A name that the kernel would take for a file of its own has this before it.
        size_t escape = name[0] == '_';
        if (!ha_unit_valid(name + escape, len - escape, false))
            return false;
        memcpy(ret_unit, name + escape, len - escape);
        ret_unit[len - escape] = '\0';
        return true;
    }
    return false;
}

// The path of the line whose fields before it are such; NULL when there is none.
static const char *find_path(const char *text, const char *controllers, size_t *ret_n)
{
    size_t n = strlen(controllers);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t number = strspn(line, "0123456789");
        if (number == 0 || strncmp(line + number, controllers, n) != 0)
            continue;
        *ret_n = strcspn(line + number + n, "\n");
        return line + number + n;
    }
    return NULL;
}

bool ha_unit_of_cgroup(const char *text, char ret_unit[static HA_UNIT_MAX + 1])
{
    // Where version 1 is in use beside version 2, systemd's own hierarchy is the one that is sure to have units.
    size_t n = 0;
    const char *path = find_path(text, ":name=systemd:", &n);
    if (!path)
        path = find_path(text, "::", &n);
    return path && unit_of_path(path, n, ret_unit);
}
