// SPDX-License-Identifier: Apache-2.0
// Asking the kernel who is at the other end.
#include "policy/principal.h"

#include "base/auto.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static enum ha_code too_many_groups(struct ha_err *err)
{
    ha_fail(err, HA_E_FORBIDDEN, "the caller is in more than %d groups", HA_GROUPS_MAX);
    return ha_hint(err, "Run the program as a user who is in fewer groups.");
}

// A process that has ended, as far as it can still be asked for, leaves nothing to read.
static void read_process(int fd, const struct ha_exe_reader *exes, struct ha_principal *principal)
{
    struct ha_process process = {0};
    ha_auto(ha_close) int pidfd = -1;
    socklen_t n = sizeof pidfd;
    bool unknown = getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) != 0;
    if (!unknown || errno == ENOPROTOOPT)
        ha_process_read(exes, unknown ? -1 : pidfd, principal->pid, principal->uid, &process);
    principal->unit = process.unit;
    principal->exe = process.exe;
}

enum ha_code ha_principal_read(int fd, const struct ha_exe_reader *exes, struct ha_principal *ret_principal,
                               struct ha_err *err)
{
    struct ha_principal principal = {0};
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
        return ha_fail_errno(err, errno, "asking who the caller is (SO_PEERCRED)");
    // A socket that has no peer with credentials shows as pid 0 and uid -1.
    if (peer.uid == (uid_t)-1)
        return ha_fail(err, HA_E_FORBIDDEN, "the kernel doesn't say who the caller is");
    n = sizeof principal.groups;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, principal.groups, &n) != 0) {
        if (errno == ERANGE)
            return too_many_groups(err);
        return ha_fail_errno(err, errno, "asking which groups the caller is in (SO_PEERGROUPS)");
    }
    principal.uid = peer.uid;
    principal.gid = peer.gid;
    principal.pid = peer.pid;
    principal.n_groups = n / sizeof principal.groups[0];
    read_process(fd, exes, &principal);
    *ret_principal = principal;
    return HA_OK;
}

void ha_principal_clear(struct ha_principal *principal)
{
    free(principal->unit);
    free(principal->exe);
    principal->unit = principal->exe = NULL;
}
