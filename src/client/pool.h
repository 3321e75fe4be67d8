// SPDX-License-Identifier: Apache-2.0
// Idle connections to one socket. Any number of threads may use a pool at one time; it has no lock, so a fork finds
// none taken.
//
// The agent knows its callers by who connected. So what another process (before a fork), effective user or
// group opened is never used, only closed.
#pragma once

#include "client/conn.h"

#include <sys/types.h>

// A connection, owned by one call or by a pool.
struct ha_link {
    int fd;
    pid_t pid;  // who opened it
    uid_t euid;
    gid_t egid;
    dev_t device;  // the socket's, to tell whether fd still is that socket
    ino_t inode;
};

enum { HA_POOL_SIZE = 64 };

// All zero is an empty pool.
struct ha_pool {
    _Atomic(struct ha_link *) idle[HA_POOL_SIZE];
};

// An idle connection that is the caller's own and alive as far as one can see; NULL: there is none. Closes what it
// finds to be neither.
struct ha_link *ha_pool_take(struct ha_pool *pool);
// Keeps the connection; a full pool closes it.
void ha_pool_give(struct ha_pool *pool, struct ha_link *link);
// Closes what is idle.
void ha_pool_clear(struct ha_pool *pool);

enum ha_code ha_link_open(const char *path, const struct ha_conn_limit *limit, struct ha_link **ret_link,
                          struct ha_err *err);
// Closes the descriptor, unless the program gave its number to something else, and frees link, which may be NULL.
void ha_link_close(struct ha_link *link);
HA_AUTO_DEFINE(struct ha_link, ha_link_close)
