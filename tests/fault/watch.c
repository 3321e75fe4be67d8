// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILE_MAX_BYTES 65536
#define NS_A_SECOND    1000000000ULL
#define NS_A_MS        1000000ULL

static struct fault_version version_of(const struct stat *file)
{
    return (struct fault_version){
        .inode = file->st_ino,
        .mtime_ns = (uint64_t)file->st_mtim.tv_sec * NS_A_SECOND + (uint64_t)file->st_mtim.tv_nsec,
        .size = (uint64_t)file->st_size,
    };
}

static bool same(const struct fault_version *a, const struct fault_version *b)
{
    return a->inode == b->inode && a->mtime_ns == b->mtime_ns && a->size == b->size;
}

static enum ha_code read_rules(int fd, struct fault_set *set, struct ha_err *err)
{
    struct stat file;
    ha_auto(ha_free) char *text = calloc(1, FILE_MAX_BYTES + 1);
    if (!text || fstat(fd, &file) != 0 || read(fd, text, FILE_MAX_BYTES) != file.st_size)
        return ha_fail_errno(err, errno, "it can't be read as a whole");
    set->version = version_of(&file);
    return fault_rules_parse(text, &set->rules, err);
}

static struct fault_set *load(struct fault_watch *watch)
{
    struct ha_err err = {0};
    struct fault_set *set = calloc(1, sizeof(*set));
    ha_auto(ha_close) int fd = open(watch->path, O_RDONLY | O_CLOEXEC);
    if (!set)
        ha_fail(&err, HA_E_MEMORY, "out of memory");
    else if (fd >= 0)
        read_rules(fd, set, &err);
    else if (errno != ENOENT)
        ha_fail_errno(&err, errno, "it can't be opened");
    if (err.code) {
        fprintf(stderr, "the fault module: %s: %s\n", watch->path, err.detail);
        abort();
    }
    set->counts = fault_state_block(watch->shared, watch->state_fd, &set->version)->rule;
    set->previous = atomic_load(&watch->current);
    return set;
}

enum ha_code fault_watch_init(struct fault_watch *watch, const char *path, struct ha_err *err)
{
    ha_auto(ha_free) char *state = NULL;
    if (asprintf(&state, "%s" FAULT_STATE_NAME, path) < 0)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (fault_state_map(state, &watch->shared, &watch->state_fd, err))
        return err->code;
    if (mtx_init(&watch->lock, mtx_plain) != thrd_success)
        return ha_fail(err, HA_E_MEMORY, "no lock can be made");
    watch->path = path;
    atomic_store(&watch->current, load(watch));
    return HA_OK;
}

static bool is_current(struct fault_watch *watch, const struct fault_set *set)
{
    struct stat file;
    const struct fault_version none = {0};
    if (stat(watch->path, &file) != 0)
        return same(&set->version, &none);
    struct fault_version version = version_of(&file);
    return same(&set->version, &version);
}

struct fault_set *fault_watch_get(struct fault_watch *watch)
{
    struct fault_set *set = atomic_load(&watch->current);
    if (is_current(watch, set))
        return set;
    mtx_lock(&watch->lock);
    set = atomic_load(&watch->current);
    if (!is_current(watch, set)) {
        set = load(watch);
        atomic_store(&watch->current, set);
    }
    mtx_unlock(&watch->lock);
    return set;
}

bool fault_set_lasts(const struct fault_set *set, uint64_t for_ms)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * NS_A_SECOND + (uint64_t)now.tv_nsec;
    return for_ms == 0 || now_ns < set->version.mtime_ns + for_ms * NS_A_MS;
}
