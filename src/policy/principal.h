// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a connection: the kernel's word, taken once, when it was made.
#pragma once

#include "base/err.h"
#include "policy/process.h"

#include <sys/types.h>

#define HA_GROUPS_MAX 256

struct ha_principal {
    uid_t uid;
    gid_t gid;
    pid_t pid;        // for logs; the number may be another process's by now
    char *unit;       // the systemd unit of the process that connected; NULL: none, or not known
    char *exe;        // the path of its executable; NULL: not known (policy/process.h)
    size_t n_groups;  // supplementary groups
    gid_t groups[HA_GROUPS_MAX];
};

// Of a connected Unix socket: SO_PEERCRED, SO_PEERGROUPS, and by SO_PEERPIDFD (by the pid, where the kernel hasn't
// that) the unit and the executable. exes reads the latter; NULL: this process. More groups than fit:
// HA_E_FORBIDDEN. The caller clears the principal.
enum ha_code ha_principal_read(int fd, const struct ha_exe_reader *exes, struct ha_principal *ret_principal,
                               struct ha_err *err);
void ha_principal_clear(struct ha_principal *principal);
