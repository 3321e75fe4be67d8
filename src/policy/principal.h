// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a connection: the kernel's word, taken when it was made.
#pragma once

#include "base/err.h"

#include <sys/types.h>

#define HA_GROUPS_MAX 256

struct ha_principal {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    size_t n_groups;  // supplementary groups
    gid_t groups[HA_GROUPS_MAX];
};

// SO_PEERCRED and SO_PEERGROUPS of a connected Unix socket. More groups than fit: HA_E_FORBIDDEN.
enum ha_code ha_principal_read(int fd, struct ha_principal *ret_principal, struct ha_err *err);
