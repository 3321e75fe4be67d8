// SPDX-License-Identifier: Apache-2.0
// Each place of the pool is empty or owns a connection; taking and giving exchange one pointer.
#include "client/pool.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

// Programs that become daemons close descriptors that they don't know, and soon have others of the same number.
static bool is_that_socket(const struct ha_link *link)
{
    struct stat st;
    return fstat(link->fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_dev == link->device && st.st_ino == link->inode;
}

static bool is_own(const struct ha_link *link)
{
    return link->pid == getpid() && link->euid == geteuid() && link->egid == getegid();
}

enum ha_code ha_link_open(const char *path, const struct ha_conn_limit *limit, struct ha_link **ret_link,
                          struct ha_err *err)
{
    ha_auto(ha_free) struct ha_link *link = calloc(1, sizeof *link);
    ha_auto(ha_close) int fd = -1;
    struct stat st;
    if (!link)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a connection");
    // Asked before connecting: identities that change meanwhile make a connection that is not used again.
    *link = (struct ha_link){.pid = getpid(), .euid = geteuid(), .egid = getegid()};
    enum ha_code code = ha_conn_open(path, limit, &fd, err);
    if (code != HA_OK)
        return code;
    if (fstat(fd, &st) != 0)
        return ha_fail_errno(err, errno, "can't look at a socket");
    link->device = st.st_dev;
    link->inode = st.st_ino;
    link->fd = fd;
    fd = -1;
    *ret_link = ha_take(&link);
    return HA_OK;
}

void ha_link_close(struct ha_link *link)
{
    if (!link)
        return;
    if (is_that_socket(link))
        close(link->fd);
    free(link);
}

struct ha_link *ha_pool_take(struct ha_pool *pool)
{
    for (size_t i = 0; i < HA_POOL_SIZE; i++) {
        // A look is cheaper than an exchange, and most places are empty.
        if (!atomic_load_explicit(&pool->idle[i], memory_order_relaxed))
            continue;
        struct ha_link *link = atomic_exchange(&pool->idle[i], NULL);
        if (!link)
            continue;
        if (is_own(link) && is_that_socket(link) && !ha_conn_stale(link->fd))
            return link;
        ha_link_close(link);
    }
    return NULL;
}

void ha_pool_give(struct ha_pool *pool, struct ha_link *link)
{
    for (size_t i = 0; i < HA_POOL_SIZE; i++) {
        struct ha_link *none = NULL;
        if (atomic_load_explicit(&pool->idle[i], memory_order_relaxed) == NULL &&
            atomic_compare_exchange_strong(&pool->idle[i], &none, link))
            return;
    }
    ha_link_close(link);
}

void ha_pool_clear(struct ha_pool *pool)
{
    for (size_t i = 0; i < HA_POOL_SIZE; i++)
        ha_link_close(atomic_exchange(&pool->idle[i], NULL));
}
