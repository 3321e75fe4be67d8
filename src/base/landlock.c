// SPDX-License-Identifier: Apache-2.0
// The numbers are the kernel's; headers are often older than the kernel that runs.
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_VERSION    (1U << 0)
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE     (1ULL << 0)
#define FS_WRITE_FILE  (1ULL << 1)
#define FS_READ_FILE   (1ULL << 2)
#define FS_READ_DIR    (1ULL << 3)
#define FS_REMOVE_DIR  (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR    (1ULL << 7)
#define FS_MAKE_REG    (1ULL << 8)
#define FS_MAKE_SOCK   (1ULL << 9)
#define FS_ABI_1       ((1ULL << 13) - 1)
#define FS_REFER       (1ULL << 13)  // ABI 2
#define FS_TRUNCATE    (1ULL << 14)  // ABI 3
#define FS_IOCTL_DEV   (1ULL << 15)  // ABI 5
#define NET_TCP        3ULL          // ABI 4: binding and connecting
#define SCOPE_SIGNAL   2ULL          // ABI 6

#define FS_OF_A_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static uint64_t rights(enum ha_landlock_access access)
{
    const uint64_t read = FS_READ_FILE | FS_READ_DIR;
    switch (access) {
    case HA_LANDLOCK_READ:
        break;
    case HA_LANDLOCK_WRITE:
        return read | FS_WRITE_FILE | FS_TRUNCATE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
               FS_MAKE_SOCK | FS_REFER;
    case HA_LANDLOCK_USE:
        return read | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
    case HA_LANDLOCK_RUN:
        return read | FS_EXECUTE;
    }
    return read;
}

static struct ruleset handled(const struct ha_landlock *limit, long abi)
{
    struct ruleset set = {.fs = FS_ABI_1};
    set.fs |= (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0);
    if (limit->any_file)
        set.fs = 0;
    if (abi >= 4 && !limit->tcp)
        set.net = NET_TCP;
    if (abi >= 6 && limit->own_signals)
        set.scoped = SCOPE_SIGNAL;
    return set;
}

static size_t size_known(long abi)
{
    if (abi >= 6)
        return sizeof(struct ruleset);
    return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static enum ha_code add(int ruleset, uint64_t known, const struct ha_landlock_path *path, struct ha_err *err)
{
    struct stat st;
    ha_auto(ha_close) int fd = path->path ? open(path->path, O_PATH | O_CLOEXEC) : -1;
    if (fd < 0)
        return HA_OK;
    if (fstat(fd, &st) != 0)
        return ha_fail_errno(err, errno, "looking at %s", path->path);
    struct path_rule rule = {.allowed = rights(path->access) & known, .parent = fd};
    if (!S_ISDIR(st.st_mode))
        rule.allowed &= FS_OF_A_FILE;
    if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
        return ha_fail_errno(err, errno, "%s can't be named as a file to be touched", path->path);
    return HA_OK;
}

enum ha_code ha_landlock_enter(const struct ha_landlock *limit, int *ret_abi, struct ha_err *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    const struct ruleset set = handled(limit, abi);
    if (abi <= 0 || !(set.fs | set.net | set.scoped)) {
        *ret_abi = abi > 0 ? (int)abi : 0;
        return HA_OK;
    }
    ha_auto(ha_close) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &set, size_known(abi), 0);
    if (ruleset < 0)
        return ha_fail_errno(err, errno, "the limit of files can't be made");
    for (size_t i = 0; i < limit->n_paths && set.fs; i++)
        if (add(ruleset, set.fs, &limit->paths[i], err))
            return err->code;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return ha_fail_errno(err, errno, "the limit of files can't be set");
    *ret_abi = (int)abi;
    return HA_OK;
}
