// SPDX-License-Identifier: Apache-2.0
#include "agentd/inherit.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3, SOCKETS_MAX = 64 };

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

static enum ha_code look(int fd, char **ret_path, struct ha_err *err)
{
    struct sockaddr_un address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 || address.sun_family != AF_UNIX ||
        address.sun_path[0] != '/' || option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1) {
        ha_fail(err, HA_E_CONFIG, "descriptor %d, from the service manager, isn't a Unix socket that listens at a path",
                fd);
        return ha_hint(err, "The socket unit has ListenStream=/PATH, the path of a [listen] section, and Accept=no.");
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return ha_fail_errno(err, errno, "descriptor %d", fd);
    char *path = strndup(address.sun_path, sizeof address.sun_path);
    if (!path)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *ret_path = path;
    return HA_OK;
}

enum ha_code ha_inherit(struct ha_inherited *ret_inherited, struct ha_err *err)
{
    ha_auto(ha_inherited_clear) struct ha_inherited inherited = {0};
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    uint64_t pid_number = 0, n = 0;
    bool ours = pid && count && ha_parse_uint(pid, 1, INT32_MAX, &pid_number) && (pid_t)pid_number == getpid() &&
                ha_parse_uint(count, 1, SOCKETS_MAX, &n);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (ours && !(inherited.sockets = calloc(n, sizeof *inherited.sockets)))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    for (; ours && inherited.n < n; inherited.n++) {
        inherited.sockets[inherited.n].fd = FIRST_FD + (int)inherited.n;
        if (look(FIRST_FD + (int)inherited.n, &inherited.sockets[inherited.n].path, err))
            return err->code;
    }
    *ret_inherited = inherited;
    inherited = (struct ha_inherited){0};
    return HA_OK;
}

int ha_inherited_take(struct ha_inherited *inherited, const char *path)
{
    for (size_t i = 0; i < inherited->n; i++) {
        int fd = inherited->sockets[i].fd;
        if (fd < 0 || strcmp(inherited->sockets[i].path, path) != 0)
            continue;
        inherited->sockets[i].fd = -1;
        return fd;
    }
    return -1;
}

const char *ha_inherited_left(const struct ha_inherited *inherited)
{
    for (size_t i = 0; i < inherited->n; i++)
        if (inherited->sockets[i].fd >= 0)
            return inherited->sockets[i].path;
    return NULL;
}

void ha_inherited_clear(struct ha_inherited *inherited)
{
    for (size_t i = 0; i < inherited->n; i++) {
        if (inherited->sockets[i].fd >= 0)
            close(inherited->sockets[i].fd);
        free(inherited->sockets[i].path);
    }
    free(inherited->sockets);
    *inherited = (struct ha_inherited){0};
}
