// SPDX-License-Identifier: Apache-2.0
// A descriptor of /proc/PID stays that process's: when it has ended, reading through it fails. So what is opened first
// and found to be the right one then can be read in peace.
#include "policy/process.h"

#include "base/auto.h"
#include "base/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { STATUS_MAX = 4096, CGROUP_MAX = 8192 };

// A text that doesn't fit isn't read at all.
static bool read_text(int directory, const char *name, char *ret_text, size_t size)
{
    ha_auto(ha_close) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    if (fd < 0)
        return false;
    for (ssize_t got; n < size; n += (size_t)got) {
        got = read(fd, ret_text + n, size - n);
        if (got < 0)
            return false;
        if (got == 0) {
            ret_text[n] = '\0';
            return memchr(ret_text, '\0', n) == NULL;
        }
    }
    return false;
}

// Whether the process's effective user is that one still.
static bool is_users(int directory, uid_t uid)
{
    char text[STATUS_MAX];
    unsigned effective;
    if (!read_text(directory, "status", text, sizeof text))
        return false;
    const char *line = strstr(text, "\nUid:");
    return line && sscanf(line, "\nUid: %*u %u", &effective) == 1 && effective == uid;
}

static bool is_alive(int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    return poll(&end, 1, 0) == 0;
}

// Its directory in /proc; -1 when it has ended.
static int open_process(int pidfd, pid_t pid, uid_t uid)
{
    char path[32];
    if (pid <= 0)
        return -1;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    ha_auto(ha_close) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    bool right = pidfd >= 0 ? is_alive(pidfd) : is_users(directory, uid);
    int opened = right ? directory : -1;
    if (right)
        directory = -1;
    return opened;
}

static char *read_unit(int directory)
{
    char text[CGROUP_MAX], unit[HA_UNIT_MAX + 1];
    if (!read_text(directory, "cgroup", text, sizeof text) || !ha_unit_of_cgroup(text, unit))
        return NULL;
    return strdup(unit);
}

static char *read_exe(int directory, uid_t uid)
{
    char path[PATH_MAX];
    struct stat runs, is_there;
    ssize_t n = readlinkat(directory, "exe", path, sizeof path);
    if (n <= 0 || (size_t)n == sizeof path || path[0] != '/')
        return NULL;
    path[n] = '\0';
    if (fstatat(directory, "exe", &runs, 0) != 0 || stat(path, &is_there) != 0)
        return NULL;
    bool same = runs.st_dev == is_there.st_dev && runs.st_ino == is_there.st_ino;
    // A program with the set-user-id bit may have taken the place of the one that connected.
    return same && is_users(directory, uid) ? strdup(path) : NULL;
}

void ha_process_read(const struct ha_exe_reader *exes, int pidfd, pid_t pid, uid_t uid, struct ha_process *ret_process)
{
    struct ha_process process = {0};
    ha_auto(ha_close) int directory = open_process(pidfd, pid, uid);
    if (directory >= 0) {
        process.unit = read_unit(directory);
        process.exe = exes ? exes->read(exes->context, pidfd, pid, uid) : read_exe(directory, uid);
    }
    *ret_process = process;
}

char *ha_process_exe(int pidfd, pid_t pid, uid_t uid)
{
    ha_auto(ha_close) int directory = open_process(pidfd, pid, uid);
    return directory >= 0 ? read_exe(directory, uid) : NULL;
}

void ha_process_clear(struct ha_process *process)
{
    free(process->unit);
    free(process->exe);
    *process = (struct ha_process){0};
}
