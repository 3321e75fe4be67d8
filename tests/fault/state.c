// SPDX-License-Identifier: Apache-2.0
#include "state.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

// Under the file's lock.
static enum ha_code map_locked(int fd, struct fault_shared **ret_shared, struct ha_err *err)
{
    // A new file is all zero, and an old one keeps its content.
    if (ftruncate(fd, sizeof(struct fault_shared)) != 0)
        return ha_fail_errno(err, errno, "can't make the state file as large as it has to be");
    struct fault_shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        return ha_fail_errno(err, errno, "can't map the state file");
    if (shared->size == 0)
        shared->size = sizeof(*shared);
    if (shared->size != sizeof(*shared)) {
        munmap(shared, sizeof(*shared));
        return ha_fail(err, HA_E_CONFIG, "the state file is of another build; remove it");
    }
    *ret_shared = shared;
    return HA_OK;
}

enum ha_code fault_state_map(const char *path, struct fault_shared **ret_shared, int *ret_fd, struct ha_err *err)
{
    ha_auto(ha_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        return ha_fail_errno(err, errno, "can't open %s", path);
    if (map_locked(fd, ret_shared, err))
        return err->code;
    flock(fd, LOCK_UN);
    *ret_fd = fd;
    fd = -1;
    return HA_OK;
}

struct fault_block *fault_state_block(struct fault_shared *shared, int fd, const struct fault_version *version)
{
    while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
        continue;
    struct fault_block *block = &shared->block[shared->sequence % FAULT_BLOCKS];
    if (memcmp(&block->version, version, sizeof(*version)) != 0) {
        shared->sequence++;
        block = &shared->block[shared->sequence % FAULT_BLOCKS];
        memset(block, 0, sizeof(*block));
        block->version = *version;
    }
    flock(fd, LOCK_UN);
    return block;
}

uint64_t fault_pin_hash(const uint8_t *pin, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ pin[i]) * 0x100000001b3;
    return hash ? hash : 1;
}

struct fault_pin *fault_state_pin(struct fault_shared *shared, uint64_t hash)
{
    for (size_t i = 0; i < FAULT_PINS_MAX; i++) {
        uint_least64_t free_row = 0;
        struct fault_pin *row = &shared->pin[i];
        if (atomic_compare_exchange_strong(&row->hash, &free_row, hash) || free_row == hash)
            return row;
    }
    return NULL;
}
