// SPDX-License-Identifier: Apache-2.0
// sd_notify(3) from the side of whoever listens.
#include "cli/dev_daemon.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { GRACE_MS = 30 * 1000 };

// The socket that the daemon reports to. A file of that name was left by a dev that was killed: the directory is
// locked.
static enum ha_code listen_at(const char *path, int *ret_fd, struct ha_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    ha_auto(ha_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unlink(path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return ha_fail_errno(err, errno, "can't make the socket %s", path);
    *ret_fd = fd;
    fd = -1;
    return HA_OK;
}

// One datagram holds lines of NAME=VALUE.
static bool says_ready(int fd)
{
    char text[1024];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    for (char *rest = text, *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        if (strcmp(line, "READY=1") == 0)
            return true;
    return false;
}

static enum ha_code wait_ready(int notify, struct ha_dev_child *daemon, const struct ha_dev_signals *signals,
                               int64_t deadline_ms, struct ha_err *err)
{
    struct pollfd ready[] = {{.fd = notify, .events = POLLIN},
                             {.fd = daemon->pidfd, .events = POLLIN},
                             {.fd = signals->fd, .events = POLLIN}};
    for (;;) {
        int n = poll(ready, HA_ARRAY_SIZE(ready), ha_left_ms(deadline_ms));
        if (n < 0)
            continue;
        if (n == 0) {
            ha_fail(err, HA_E_DEADLINE, "hsm-agentd wasn't ready in time");
            return ha_hint(err, "Look at its log; allow it more time with --timeout.");
        }
        if (ready[0].revents && says_ready(notify))
            return HA_OK;
        if (ready[1].revents) {
            ha_dev_child_reap(daemon);
            ha_fail(err, HA_E_AGENT, "hsm-agentd ended with status %d before it was ready", daemon->status);
            return ha_hint(err, "Its log says why.");
        }
        if (ready[2].revents)
            return ha_fail(err, HA_E_STOPPING, "ended by a signal before hsm-agentd was ready");
    }
}

static enum ha_code start_on(const char *program, const char *conf, const char *notify_path,
                             const struct ha_dev_signals *signals, int log, struct ha_dev_child *ret_daemon,
                             struct ha_err *err)
{
    ha_auto(ha_free) char *variable = NULL;
    if (asprintf(&variable, "NOTIFY_SOCKET=%s", notify_path) < 0) {
        variable = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory for a variable");
    }
    const char *const argv[] = {program, "-c", conf, NULL};
    const char *const environment[] = {variable, NULL};
    struct ha_dev_start start = {.argv = argv, .environment = environment, .daemon = true, .out = log, .err = log};
    return ha_dev_child_start(&start, signals, ret_daemon, err);
}

enum ha_code ha_dev_daemon_start(const char *program, const struct ha_dev_dir *dir,
                                 const struct ha_dev_signals *signals, int log, int64_t deadline_ms,
                                 struct ha_dev_child *ret_daemon, struct ha_err *err)
{
    ha_auto(ha_free) char *conf = ha_dev_dir_file(dir, "hsm-agent.conf");
    ha_auto(ha_free) char *notify_path = ha_dev_dir_file(dir, "notify");
    ha_auto(ha_close) int notify = -1;
    struct ha_dev_child daemon = {.pidfd = -1};
    if (!conf || !notify_path)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a path");
    enum ha_code code = listen_at(notify_path, &notify, err);
    if (code == HA_OK)
        code = start_on(program, conf, notify_path, signals, log, &daemon, err);
    if (code == HA_OK)
        code = wait_ready(notify, &daemon, signals, deadline_ms, err);
    unlink(notify_path);
    if (code == HA_OK)
        *ret_daemon = daemon;
    else
        ha_dev_daemon_stop(&daemon);
    return code;
}

void ha_dev_daemon_stop(struct ha_dev_child *daemon)
{
    ha_dev_child_stop(daemon, GRACE_MS);
}
